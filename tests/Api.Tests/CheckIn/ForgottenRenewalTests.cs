using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Api.Enrolment;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>Certificates that were renewed after the backup from which the database was restored: the store does not know them.</summary>
public sealed class ForgottenRenewalTests(TrustedIdentityCaTests.Server server) : IClassFixture<TrustedIdentityCaTests.Server>
{
    [Fact]
    public async Task An_iPad_goes_on_with_a_renewal_that_the_store_has_forgotten()
    {
        var (udid, old) = await Enrolled();
        var renewed = await Renew(old);
        Assert.Null((await server.Service<IDeviceStore>().FindCertificate(renewed.GetCertHash(HashAlgorithmName.SHA256))).Issued);

        Assert.Equal(200, await Idle(udid, renewed));
        Assert.Equal(200, await Idle(udid, renewed));
        Assert.NotNull((await server.Service<IDeviceStore>().FindCertificate(renewed.GetCertHash(HashAlgorithmName.SHA256))).Issued);
    }

    [Fact]
    public async Task It_opens_nobody_elses_enrolment()
    {
        var (udid, _) = await Enrolled();
        var (_, other) = await Enrolled();

        Assert.Equal(403, await Idle(udid, await Renew(other)));
        Assert.Equal(403, await Idle(udid, await server.IssueIdentity()));
        Assert.Equal(403, await Idle(Guid.NewGuid().ToString(), await Renew(other)));
    }

    [Fact]
    public async Task What_a_foreign_CA_says_of_a_renewal_is_not_believed()
    {
        var (udid, old) = await Enrolled();
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteOctetString(old.GetCertHash(HashAlgorithmName.SHA256));
        var claim = (await Renew(old)).Extensions.Single(extension => extension.Oid!.Value!.StartsWith("2.25.", StringComparison.Ordinal));
        Assert.Equal(writer.Encode(), claim.RawData);

        Assert.Equal(403, await Idle(udid, server.Trusted.Issue(notBefore: -1, notAfter: 100, claim)));
    }

    private async Task<(string Udid, X509Certificate2 Certificate)> Enrolled()
    {
        var udid = Guid.NewGuid().ToString();
        var certificate = await server.IssueIdentity();
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Authenticate(udid), certificate)).Status);
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.TokenUpdate(udid), certificate)).Status);
        return (udid, certificate);
    }

    /// <summary>As SCEP does it, but for the store.</summary>
    private async Task<X509Certificate2> Renew(X509Certificate2 old)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = CertificateSigningRequest.Parse(new CertificateRequest("CN=iPad", key, HashAlgorithmName.SHA256).CreateSigningRequest());
        var authority = await server.Service<EnrolmentAuthority>().Get();
        var issued = authority.Ca.IssueIdentity(
            csr, TimeProvider.System.GetUtcNow(), TimeSpan.FromDays(30), old.GetCertHash(HashAlgorithmName.SHA256));
        return X509CertificateLoader.LoadCertificate(issued.Der.Span);
    }

    private async Task<int> Idle(string udid, X509Certificate2 certificate) =>
        (await server.Put("/mdm/connect", Message.Report(udid, "Idle"), certificate)).Status;
}
