using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Storage.Devices;
using FleetMdm.Testing;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>A district that comes from another server: its iPads keep their certificates.</summary>
public sealed class TrustedIdentityCaTests(TrustedIdentityCaTests.Server server) : IClassFixture<TrustedIdentityCaTests.Server>
{
    public sealed class Server : DeviceServer
    {
        public OtherCa Trusted { get; } = new();

        protected override IEnumerable<string> Further(TemporaryFolder folder)
        {
            File.WriteAllText(folder.File("other.pem"), Trusted.Certificate.ExportCertificatePem());
            return [$"--Mdm:TrustedIdentityCas:0={folder.File("other.pem")}", "--Mdm:ExpiredCertificateGraceDays=30", "--Mdm:TrustedIdentityCasEnrolUntil=2999-01-01T00:00:00Z"];
        }
    }

    [Fact]
    public async Task An_iPad_with_a_certificate_of_a_trusted_CA_enrols_and_is_answered()
    {
        var udid = Guid.NewGuid().ToString();
        using var certificate = server.Trusted.Issue(notBefore: -400, notAfter: 100);
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Authenticate(udid), certificate)).Status);
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.TokenUpdate(udid), certificate)).Status);
        Assert.Equal(200, (await server.Put("/mdm/connect", Message.Report(udid, "Idle"), certificate)).Status);
    }

    [Fact]
    public async Task One_of_any_other_CA_is_answered_400()
    {
        using var certificate = new OtherCa().Issue(notBefore: -1, notAfter: 100);
        var answer = await server.Put("/mdm/checkin", Message.Authenticate(Guid.NewGuid().ToString()), certificate);
        Assert.Equal(400, answer.Status);
        Assert.Contains("identity-untrusted-issuer", answer.Body);
    }

    [Theory]
    [InlineData(-10, 200)]
    [InlineData(-40, 400)]
    public async Task An_expired_certificate_is_taken_where_it_is_pinned_within_the_grace_and_refused_beyond_it(int expired, int status)
    {
        using var certificate = server.Trusted.Issue(notBefore: -400, notAfter: expired);
        var udid = Guid.NewGuid().ToString();
        Assert.Equal(status == 200 ? 403 : 400, (await server.Put("/mdm/checkin", Message.Authenticate(udid), certificate)).Status);

        udid = await Pinned(certificate);
        Assert.Equal(status, (await server.Put("/mdm/connect", Message.Report(udid, "Idle"), certificate)).Status);
    }

    [Fact]
    public async Task A_certificate_that_is_not_for_clients_goes_on_where_it_is_pinned_and_enrols_nothing()
    {
        using var certificate = server.Trusted.Issue(notBefore: -1, notAfter: 100, forClients: false);
        var udid = Guid.NewGuid().ToString();
        var answer = await server.Put("/mdm/checkin", Message.Authenticate(udid), certificate);
        Assert.Equal(403, answer.Status);
        Assert.Contains("only-where-pinned", answer.Body);

        udid = await Pinned(certificate);
        Assert.Equal(200, (await server.Put("/mdm/connect", Message.Report(udid, "Idle"), certificate)).Status);
    }

    /// <summary>An iPad that enrolled with it when that was possible.</summary>
    private async Task<string> Pinned(X509Certificate2 certificate)
    {
        var id = Guid.NewGuid().ToString().ToUpperInvariant();
        var now = TimeProvider.System.GetUtcNow();
        var committed = await server.Service<IDeviceStore>().Commit(new EnrolmentChange
        {
            Row = new DeviceRow { Id = id, DeviceId = id, Kind = EnrolmentKind.Device, Status = EnrolmentStatus.Enrolled, Version = 1 },
            WriteId = Guid.NewGuid(),
            At = now,
            Pin = new Pin(certificate.GetCertHash(HashAlgorithmName.SHA256), certificate.NotAfter, now),
        });
        Assert.Equal(CommitOutcome.Committed, committed.Outcome);
        return id;
    }

    /// <summary>A CA that is not the server's.</summary>
    public sealed class OtherCa
    {
        private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        public OtherCa()
        {
            var request = new CertificateRequest($"CN=Other CA {Guid.NewGuid()}", _key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            Certificate = request.CreateSelfSigned(Day(-1000), Day(1000));
        }

        public X509Certificate2 Certificate { get; }

        /// <summary>From and until so many days from now.</summary>
        public X509Certificate2 Issue(int notBefore, int notAfter, X509Extension? more = null, bool forClients = true)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=iPad", key, HashAlgorithmName.SHA256);
            if (forClients) request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
            if (more is not null) request.CertificateExtensions.Add(more);
            return request.Create(
                Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), Day(notBefore), Day(notAfter), RandomNumberGenerator.GetBytes(16));
        }

        private static DateTimeOffset Day(int days) => TimeProvider.System.GetUtcNow().AddDays(days);
    }
}
