using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.Plist;
using FleetMdm.Testing;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>The certificate that signs profiles is gone, or cannot be read, while iPads come for them.</summary>
public sealed class ProfileNotSignedTests(ProfileNotSignedTests.Server server) : IClassFixture<ProfileNotSignedTests.Server>
{
    public sealed class Server : AdministeredServer
    {
        public string Signer { get; private set; } = "";

        public byte[] Certificate { get; private set; } = [];

        protected override IEnumerable<string> Further(TemporaryFolder folder)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var certificate = new CertificateRequest("CN=District", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(100));
            Signer = folder.File("signer.p12");
            Certificate = certificate.Export(X509ContentType.Pkcs12);
            File.WriteAllBytes(Signer, Certificate);
            return ["--Profiles:Signing=Certificate", $"--Profiles:SigningCertificateFile={Signer}", "--Logging:LogLevel:FleetMdm=None"];
        }
    }

    private static string Profile(string label) => new JsonObject
    {
        ["profile"] = new JsonObject
        {
            ["PayloadIdentifier"] = $"org.example.s{Guid.NewGuid():N}",
            ["PayloadDisplayName"] = "Clip",
            ["PayloadContent"] = new JsonArray(new JsonObject { ["PayloadType"] = "com.apple.webClip.managed", ["URL"] = "https://example.org/", ["Label"] = label }),
        },
    }.ToJsonString();

    [Fact]
    public async Task A_profile_that_cannot_be_signed_ends_with_a_reason_and_the_next_command_goes_on()
    {
        var pad = await server.Enrol();
        var (_, templated) = await server.Post("/api/v1/profiles", Profile("{{udid}}"));
        var (_, plain) = await server.Post("/api/v1/profiles", Profile("plain"));
        async Task<(int Status, JsonNode Body)> Install(JsonNode profile) =>
            await server.Post($"/api/v1/profiles/{profile["id"]}/install", $$"""{"target": {"ids": ["{{pad.Udid}}"]}, "push": false}""");
        async Task<JsonNode> Standing(JsonNode profile) =>
            (await server.Get($"{pad.Path}/library-profiles"))["items"]!.AsArray().Single(item => (string?)item!["profileId"] == (string?)profile["id"])!;

        var (_, started) = await Install(templated);
        while ((await server.Get($"/api/v1/operations/{started["id"]}"))["announcedAt"] is null) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
        var behind = await pad.Send("DeviceInformation");
        File.Delete(server.Signer);

        // One that is the same for all is signed before anything waits.
        var (status, refused) = await Install(plain);
        Assert.Equal((503, "The profile cannot be signed"), (status, (string?)refused["title"]));
        Assert.Equal(behind, await pad.Idle());
        var standing = await Standing(templated);
        Assert.Equal("failed", (string?)standing["state"]);
        Assert.Contains("could not sign the profile", (string?)standing["reason"], StringComparison.Ordinal);
        Assert.Null(await pad.Report("Acknowledged", behind));

        // Mended, it goes on without a restart.
        await File.WriteAllBytesAsync(server.Signer, server.Certificate, TestContext.Current.CancellationToken);
        (_, started) = await Install(templated);
        while ((await server.Get($"/api/v1/operations/{started["id"]}"))["announcedAt"] is null) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
        var answer = await server.Put("/mdm/connect", Message.Report(pad.Udid, "Idle"), pad.Certificate);
        var signed = new SignedCms();
        signed.Decode(PlistReader.ReadDictionary(Encoding.UTF8.GetBytes(answer.Body), PlistLimits.Admin).GetDictionary("Command")!.GetData("Payload")!);
        signed.CheckSignature(verifySignatureOnly: true);
        Assert.Equal("CN=District", signed.SignerInfos[0].Certificate!.Subject);
    }
}
