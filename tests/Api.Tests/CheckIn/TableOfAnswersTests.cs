using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using CsCheck;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>The table of answers in docs/protocol.md, a row a test. Nothing on the device side is ever answered 401.</summary>
public sealed class TableOfAnswersTests(DeviceServer server) : IClassFixture<DeviceServer>
{
    private const string CheckIn = "/mdm/checkin";
    private const string Connect = "/mdm/connect";

    private async Task<(string Udid, X509Certificate2 Certificate)> Enrolled()
    {
        var udid = Guid.NewGuid().ToString().ToUpperInvariant();
        var certificate = await server.IssueIdentity();
        Assert.Equal(200, (await server.Put(CheckIn, Message.Authenticate(udid), certificate)).Status);
        Assert.Equal(200, (await server.Put(CheckIn, Message.TokenUpdate(udid), certificate)).Status);
        return (udid, certificate);
    }

    private async Task<string> Enqueue(string udid)
    {
        var uuid = Guid.NewGuid().ToString().ToUpperInvariant();
        var command = "<dict><key>RequestType</key><string>ProfileList</string></dict>"u8.ToArray();
        var result = await server.Grains.GetGrain<IDeviceGrain>(udid).Enqueue(
            new CommandOrder { CommandUuid = uuid, RequestType = "ProfileList", Command = command, Push = false });
        Assert.Equal(EnqueueOutcome.Accepted, result.Outcome);
        return uuid;
    }

    [Fact]
    public async Task Either_path_takes_both_kinds_of_message()
    {
        var udid = Guid.NewGuid().ToString();
        using var certificate = await server.IssueIdentity();
        Assert.Equal(200, (await server.Put(Connect, Message.Authenticate(udid), certificate)).Status);
        Assert.Equal(200, (await server.Put(Connect, Message.TokenUpdate(udid), certificate)).Status);
        Assert.Equal(200, (await server.Put(CheckIn, Message.Report(udid, "Idle"), certificate)).Status);
    }

    [Fact]
    public async Task A_signed_message_is_taken_and_one_signed_over_another_body_is_not()
    {
        var (udid, certificate) = await Enrolled();
        var body = Encoding.UTF8.GetBytes(Message.Report(udid, "Idle"));
        Assert.Equal(200, (await server.Put(Connect, body, ("Mdm-Signature", DeviceServer.Sign(body, certificate)))).Status);
        await Refused(body, ("Mdm-Signature", DeviceServer.Sign([1, 2, 3], certificate)), "identity-wrong-body");
    }

    [Fact]
    public async Task No_identity_or_a_broken_one_is_answered_400()
    {
        var (udid, certificate) = await Enrolled();
        var body = Encoding.UTF8.GetBytes(Message.Report(udid, "Idle"));
        using var strangerKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var stranger = new CertificateRequest("CN=stranger", strangerKey, HashAlgorithmName.SHA256)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));

        await Refused(body, null, "identity-missing");
        await Refused(body, ("Mdm-Signature", "!!!"), "identity-bad-base64");
        await Refused(body, ("Mdm-Signature", "AAAA"), "identity-bad-cms");
        await Refused(body, ("Mdm-Signature", DeviceServer.Sign(body, certificate, await server.IssueIdentity())), "identity-several-signers");
        await Refused(body, ("Mdm-Signature", DeviceServer.Sign(body, stranger)), "identity-untrusted-issuer");
        await Refused(body, ("Client-Cert", $":{Convert.ToBase64String(stranger.RawData)}:"), "identity-untrusted-issuer");
    }

    private async Task Refused(byte[] body, (string Name, string Value)? header, string reason)
    {
        var answer = await server.Put(Connect, body, header);
        Assert.Equal(400, answer.Status);
        Assert.Equal("application/problem+json", answer.ContentType);
        Assert.Contains(reason, answer.Body);
        Assert.False(answer.AsksForCredentials);
    }

    [Fact]
    public async Task Authenticate_with_the_certificate_of_another_iPad_is_answered_403()
    {
        var (_, certificate) = await Enrolled();
        var answer = await server.Put(CheckIn, Message.Authenticate(Guid.NewGuid().ToString()), certificate);
        Assert.Equal((403, "application/problem+json"), (answer.Status, answer.ContentType));
        Assert.Contains("pinned-elsewhere", answer.Body);
    }

    [Fact]
    public async Task A_message_with_a_certificate_that_is_not_pinned_is_answered_403_and_changes_nothing()
    {
        var (udid, certificate) = await Enrolled();
        var (_, other) = await Enrolled();
        var uuid = await Enqueue(udid);
        var answer = await server.Put(Connect, Message.Report(udid, "Acknowledged", uuid), other);
        Assert.Equal((403, "application/problem+json"), (answer.Status, answer.ContentType));
        Assert.DoesNotContain("unrecognized", answer.Body);
        Assert.Contains(uuid, (await server.Put(Connect, Message.Report(udid, "Idle"), certificate)).Body);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("<plist version=\"1.0\"><array/></plist>")]
    [InlineData("<plist version=\"1.0\"><dict><key>UDID</key><string>A</string></dict></plist>")]
    [InlineData("<plist version=\"1.0\"><dict><key>Status</key><string>Idle</string></dict></plist>")]
    [InlineData("<plist version=\"1.0\"><dict><key>UDID</key><string>A</string><key>Status</key><string>Perhaps</string></dict></plist>")]
    [InlineData("<plist version=\"1.0\"><dict><key>UDID</key><string>A</string><key>MessageType</key><string>Hello</string></dict></plist>")]
    [InlineData("<!DOCTYPE plist [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><plist version=\"1.0\"><dict><key>UDID</key><string>&b;</string></dict></plist>")]
    public async Task A_message_that_is_broken_is_answered_400(string body)
    {
        using var certificate = await server.IssueIdentity();
        var answer = await server.Put(CheckIn, body, certificate);
        Assert.Equal((400, "application/problem+json"), (answer.Status, answer.ContentType));
        Assert.Contains("bad-message", answer.Body);
    }

    [Fact]
    public async Task A_nesting_bomb_is_answered_400()
    {
        var (_, certificate) = await Enrolled();
        var bomb = "<plist version=\"1.0\"><dict><key>a</key>" + string.Concat(Enumerable.Repeat("<array>", 15_000));
        Assert.Equal(400, (await server.Put(CheckIn, bomb, certificate)).Status);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_answered_413_whether_or_not_its_length_is_told()
    {
        using var certificate = await server.IssueIdentity();
        Assert.Equal(413, (await server.Put(CheckIn, new byte[DeviceServer.MaxMessageBytes + 1], certificate)).Status);
    }

    [Fact]
    public async Task A_removed_iPad_is_told_to_unenrol()
    {
        var (udid, certificate) = await Enrolled();
        await server.Grains.GetGrain<IDeviceGrain>(udid).Remove();
        var answer = await server.Put(Connect, Message.Report(udid, "Idle"), certificate);
        Assert.Equal((403, "application/json"), (answer.Status, answer.ContentType));
        Assert.Contains("\"com.apple.unrecognized.device\"", answer.Body);
    }

    [Fact]
    public async Task Messages_that_ask_for_what_is_not_here_get_their_own_answers()
    {
        var (udid, certificate) = await Enrolled();
        Assert.Equal(410, (await server.Put(CheckIn, Message.Of(udid, "UserAuthenticate", "<key>UserID</key><string>U1</string>"), certificate)).Status);
        Assert.Equal(400, (await server.Put(CheckIn, Message.Of(udid, "GetToken", "<key>TokenServiceType</key><string>com.apple.maid</string>"), certificate)).Status);
        var bootstrap = await server.Put(CheckIn, Message.Of(udid, "GetBootstrapToken"), certificate);
        Assert.Equal((200, ""), (bootstrap.Status, bootstrap.Body));
        Assert.Equal(404, (await server.Put(
            CheckIn, Message.Of(udid, "DeclarativeManagement", "<key>Endpoint</key><string>declaration/asset/x</string>"), certificate)).Status);
        var tokens = await server.Put(CheckIn, Message.Of(udid, "DeclarativeManagement", "<key>Endpoint</key><string>tokens</string>"), certificate);
        Assert.Equal((200, "application/json"), (tokens.Status, tokens.ContentType));
        string Status(string data) => $"<key>Endpoint</key><string>status</string><key>Data</key><data>{Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(data))}</data>";
        Assert.Equal(400, (await server.Put(CheckIn, Message.Of(udid, "DeclarativeManagement", Status("{")), certificate)).Status);
        Assert.Equal(200, (await server.Put(CheckIn, Message.Of(udid, "DeclarativeManagement", Status("""{"StatusItems": {}, "Errors": []}""")), certificate)).Status);
        // Five megabytes: whether it is one message too large, or one report too large.
        Assert.Equal(413, (await server.Put(CheckIn, Message.Of(udid, "DeclarativeManagement", Status($"\"{new string('x', 5_000_000)}\"")), certificate)).Status);
        Assert.Equal(400, (await server.Put(CheckIn, Message.Of(udid, "DeclarativeManagement", "<key>Endpoint</key><string>nonsense</string>"), certificate)).Status);
    }

    [Fact]
    public async Task A_finished_or_unknown_command_is_answered_with_the_next_one_and_an_empty_queue_with_nothing()
    {
        var (udid, certificate) = await Enrolled();
        var (a, b) = (await Enqueue(udid), await Enqueue(udid));
        var first = await server.Put(Connect, Message.Report(udid, "Idle"), certificate);
        Assert.Equal((200, "application/xml"), (first.Status, first.ContentType));
        Assert.Contains(a, first.Body);
        Assert.Contains(b, (await server.Put(Connect, Message.Report(udid, "Acknowledged", a), certificate)).Body);
        Assert.Contains(b, (await server.Put(Connect, Message.Report(udid, "Acknowledged", a), certificate)).Body);
        Assert.Contains(b, (await server.Put(Connect, Message.Report(udid, "Acknowledged", Guid.NewGuid().ToString()), certificate)).Body);
        Assert.Equal((200, ""), await Shape(server.Put(Connect, Message.Report(udid, "Acknowledged", b), certificate)));

        static async Task<(int, string)> Shape(Task<DeviceServer.Answer> answer) => ((await answer).Status, (await answer).Body);
    }

    [Fact]
    public async Task A_large_report_is_kept_whole()
    {
        var (udid, certificate) = await Enrolled();
        var uuid = await Enqueue(udid);
        await server.Put(Connect, Message.Report(udid, "Idle"), certificate);
        var large = "<key>ProfileList</key><array>" + string.Concat(Enumerable.Repeat("<string>com.example.profile</string>", 2_000)) + "</array>";
        var report = Message.Report(udid, "Acknowledged", uuid, large);
        Assert.Equal(200, (await server.Put(Connect, report, certificate)).Status);

        var history = await server.Service<IFleetQueries>().FindHistory(udid, uuid);
        Assert.Null(history!.Result);
        Assert.Equal(report, Encoding.UTF8.GetString((await server.Service<IDeviceStore>().LoadBody(history.ResultHash!))!));
    }

    [Fact]
    public async Task Damaged_messages_and_headers_are_never_answered_5xx_or_401()
    {
        var (udid, certificate) = await Enrolled();
        var whole = Encoding.UTF8.GetBytes(Message.Report(udid, "Acknowledged", Guid.NewGuid().ToString(), "<key>ErrorChain</key><array/>"));
        var signature = DeviceServer.Sign(whole, certificate);
        var damage = Gen.Select(Gen.Int[0, whole.Length - 1].Array[1, 6], Gen.Byte.Array[6], Gen.Int[0, signature.Length - 1], Gen.Char[' ', '~'], Gen.Bool);
        await damage.SampleAsync(
            async (places, bytes, at, character, damageHeader) =>
            {
                var body = whole.ToArray();
                for (var i = 0; i < places.Length; i++) body[places[i]] = bytes[i];
                var header = damageHeader
                    ? ("Mdm-Signature", signature[..at] + character + signature[(at + 1)..])
                    : ("Client-Cert", $":{Convert.ToBase64String(certificate.RawData)}:");
                var status = (await server.Put(Connect, body, header)).Status;
                return status is 200 or 400 or 403 or 413;
            },
            iter: 300, threads: 2);
    }
}
