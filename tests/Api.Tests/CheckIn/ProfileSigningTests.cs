using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Profiles;
using FleetMdm.Protocol.Plist;
using FleetMdm.Testing;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>Profiles of the library, signed by a certificate of the district's.</summary>
public sealed class ProfileSigningTests(ProfileSigningTests.Server server) : IClassFixture<ProfileSigningTests.Server>
{
    public sealed class Server : AdministeredServer
    {
        protected override IEnumerable<string> Further(TemporaryFolder folder)
        {
            WritePkcs12(folder.File("district.p12"), "open sesame");
            File.WriteAllText(folder.File("password"), "open sesame\n");
            return
            [
                "--Profiles:Signing=Certificate", $"--Profiles:SigningCertificateFile={folder.File("district.p12")}",
                $"--Profiles:SigningPasswordFile={folder.File("password")}",
            ];
        }
    }

    /// <summary>A certificate, its key and its issuer.</summary>
    private static void WritePkcs12(string file, string password)
    {
        var (from, to) = (TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(30));
        using var caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var caRequest = new CertificateRequest("CN=District CA", caKey, HashAlgorithmName.SHA256);
        caRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var ca = caRequest.CreateSelfSigned(from, to);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var issued = new CertificateRequest("CN=District profiles", key, HashAlgorithmName.SHA256).Create(ca, from, to, [1, 2, 3]);
        using var signer = issued.CopyWithPrivateKey(key);
        using var root = X509CertificateLoader.LoadCertificate(ca.RawData);
        File.WriteAllBytes(file, new X509Certificate2Collection { root, signer }.Export(X509ContentType.Pkcs12, password)!);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("{{serial}}")]
    public async Task The_district_signs_and_its_issuer_comes_along(string label)
    {
        var profile = new JsonObject
        {
            ["PayloadIdentifier"] = $"org.example.k{Guid.NewGuid():N}",
            ["PayloadContent"] = new JsonArray(new JsonObject { ["PayloadType"] = "com.apple.webClip.managed", ["URL"] = "https://example.org/", ["Label"] = label }),
        };
        var (status, made) = await server.Post("/api/v1/profiles", new JsonObject { ["profile"] = profile }.ToJsonString());
        Assert.True(status == 201, made.ToJsonString());
        var pad = await server.Enrol();
        var (started, operation) = await server.Post($"/api/v1/profiles/{made["id"]}/install", $$"""{"target": {"ids": ["{{pad.Udid}}"]} }""");
        Assert.True(started == 202, operation.ToJsonString());
        while ((await server.Get($"/api/v1/operations/{operation["id"]}"))["announcedAt"] is null)
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);

        var answer = await server.Put("/mdm/connect", Message.Report(pad.Udid, "Idle"), pad.Certificate);
        var command = PlistReader.ReadDictionary(Encoding.UTF8.GetBytes(answer.Body), PlistLimits.Admin);
        var cms = new SignedCms();
        cms.Decode(command.GetDictionary("Command")!.GetData("Payload")!);
        cms.CheckSignature(verifySignatureOnly: true);
        Assert.Equal("CN=District profiles", Assert.Single(cms.SignerInfos.Cast<SignerInfo>()).Certificate!.Subject);
        Assert.Equal(["CN=District CA", "CN=District profiles"], cms.Certificates.Select(certificate => certificate.Subject).Order(StringComparer.Ordinal));
        var clip = (PlistDictionary)PlistReader.ReadDictionary(cms.ContentInfo.Content, PlistLimits.Admin).GetArray("PayloadContent")![0];
        Assert.Equal(label == "plain" ? "plain" : "F1", clip.GetString("Label"));
    }

    [Fact]
    public void A_certificate_that_cannot_sign_is_told_at_start()
    {
        using var folder = new TemporaryFolder();
        WritePkcs12(folder.File("good.p12"), "");
        File.WriteAllText(folder.File("password"), "wrong\n");
        File.WriteAllText(folder.File("no.p12"), "no certificate");
        ProfileOptions With(string? file, string? password = null) => new()
        {
            Signing = ProfileSigningMode.Certificate,
            SigningCertificateFile = file is null ? null : folder.File(file),
            SigningPasswordFile = password is null ? null : folder.File(password),
        };
        Assert.Null(new ProfileOptions().FindFault());
        Assert.Null(With("good.p12").FindFault());
        Assert.Contains("needs Profiles:SigningCertificateFile", With(null).FindFault());
        Assert.Contains("not there", With("missing.p12").FindFault());
        Assert.Contains("not there", With("good.p12", "missing").FindFault());
        Assert.Contains("cannot be used", With("good.p12", "password").FindFault());
        Assert.Contains("cannot be used", With("no.p12").FindFault());
        Assert.Contains("Signing=Certificate only", new ProfileOptions { SigningCertificateFile = folder.File("good.p12") }.FindFault());
    }
}
