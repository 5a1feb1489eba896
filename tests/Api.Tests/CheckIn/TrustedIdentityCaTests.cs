using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
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
            return [$"--Mdm:TrustedIdentityCas:0={folder.File("other.pem")}", "--Mdm:ExpiredCertificateGraceDays=30"];
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
    public async Task An_expired_certificate_is_taken_within_the_grace_and_refused_beyond_it(int expired, int status)
    {
        using var certificate = server.Trusted.Issue(notBefore: -400, notAfter: expired);
        Assert.Equal(status, (await server.Put("/mdm/checkin", Message.Authenticate(Guid.NewGuid().ToString()), certificate)).Status);
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
        public X509Certificate2 Issue(int notBefore, int notAfter, X509Extension? more = null)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=iPad", key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
            if (more is not null) request.CertificateExtensions.Add(more);
            return request.Create(
                Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), Day(notBefore), Day(notAfter), RandomNumberGenerator.GetBytes(16));
        }

        private static DateTimeOffset Day(int days) => TimeProvider.System.GetUtcNow().AddDays(days);
    }
}
