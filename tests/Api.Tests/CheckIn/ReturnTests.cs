using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Attestation;
using FleetMdm.Protocol.Plist;
using FleetMdm.VirtualFleet.Apns;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Tests.CheckIn;

public sealed class SqliteReturnTests(AdministeredOnSqlite server) : ReturnTests(server), IClassFixture<AdministeredOnSqlite>;

public sealed class PostgresReturnTests(AdministeredOnPostgreSql server) : ReturnTests(server), IClassFixture<AdministeredOnPostgreSql>;

/// <summary>Erased, and back without hands: by HTTP on both sides.</summary>
public abstract class ReturnTests(AdministeredServer server)
{
    private const string Password = "pupils-and-more";

    private static string Serial() => "R" + Convert.ToHexString(RandomNumberGenerator.GetBytes(6));

    private async Task<EnrolledPad> Enrol(string? serial = null, string osVersion = "18.3", string? udid = null)
    {
        var pad = new EnrolledPad(server, udid ?? Guid.NewGuid().ToString().ToUpperInvariant(), await server.IssueIdentity());
        var facts = $"<key>OSVersion</key><string>{osVersion}</string><key>SerialNumber</key><string>{serial ?? Serial()}</string>";
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Of(pad.Udid, "Authenticate", facts), pad.Certificate)).Status);
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.TokenUpdate(pad.Udid), pad.Certificate)).Status);
        return pad;
    }

    private async Task<string> Wifi(string more = "\"Password\": \"" + Password + "\"", string ssid = "School")
    {
        var (status, body) = await server.Post("/api/v1/profiles", $$$"""
            {"profile": {"PayloadDisplayName": "School Wi-Fi", "PayloadIdentifier": "org.example.r{{{Guid.NewGuid():N}}}", "PayloadContent": [{"PayloadType": "com.apple.wifi.managed",
              "SSID_STR": "{{{ssid}}}", "EncryptionType": "WPA2", {{{more}}} }]}}
            """);
        Assert.True(status == 201, $"{status}: {body}");
        return (string)body["id"]!;
    }

    private async Task MakeReady()
    {
        using var apns = new ApnsAuthority(TimeProvider.System);
        using var minted = apns.MintPushCertificate("com.apple.mgmt.External.1");
        using var content = new StringContent(minted.ToPem(), Encoding.UTF8, "application/x-pem-file");
        using var put = await server.Admin.PutAsync(new Uri("/api/v1/push-certificate", UriKind.Relative), content);
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
    }

    private static string Ids(params EnrolledPad[] pads) => $$"""{"ids": [{{string.Join(", ", pads.Select(pad => $"\"{pad.Udid}\""))}}]}""";

    private async Task<JsonNode> Post(string path, string json, int expected)
    {
        var (status, body) = await server.Post(path, json);
        Assert.True(status == expected, $"{status}: {body}");
        return body;
    }

    private async Task<string> Begin(string wifi, params EnrolledPad[] pads)
    {
        var body = $$"""{"target": {{Ids(pads)}}, "wifiProfileId": "{{wifi}}", "push": false""";
        var plan = await Post("/api/v1/returns?dryRun=true", body + "}", 200);
        var started = await Post("/api/v1/returns", $$"""{{body}}, "confirmation": "{{plan["operation"]!["confirmation"]}}"}""", 202);
        while ((await server.Get($"/api/v1/operations/{started["id"]}"))["announcedAt"] is null) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
        return (string)started["id"]!;
    }

    [Theory]
    [InlineData("\"expiresInHours\": -1")]
    [InlineData("\"expiresAt\": \"0001-01-01T00:00:00Z\"")]
    [InlineData("\"expiresAt\": \"9999-12-31T00:00:00Z\"")]
    public async Task A_dry_run_refuses_an_end_that_the_start_would_refuse(string end)
    {
        var pad = await Enrol();
        var body = $$"""{"target": {{Ids(pad)}}, "wifiProfileId": "{{await Wifi()}}", {{end}}}""";
        await Post("/api/v1/returns?dryRun=true", body, 400);
        await Post("/api/v1/returns", body, 400);
    }

    private async Task<JsonNode> RowOf(string id, EnrolledPad pad) =>
        (await server.Get($"/api/v1/returns/{id}/devices"))["items"]!.AsArray().Single(row => (string?)row!["deviceId"] == pad.Udid)!;

    /// <summary>The command that the iPad is handed, and its CommandUUID.</summary>
    private async Task<(string Uuid, PlistDictionary Command)> Fetch(EnrolledPad pad)
    {
        var answer = await server.Put("/mdm/connect", Encoding.UTF8.GetBytes(Message.Report(pad.Udid, "Idle")), pad.Certificate);
        Assert.Equal(200, answer.Status);
        var document = PlistReader.ReadDictionary(Encoding.UTF8.GetBytes(answer.Body), PlistLimits.Admin);
        return (document.GetString("CommandUUID")!, document.GetDictionary("Command")!);
    }

    [Fact]
    public async Task An_iPad_is_told_how_to_come_back_and_nothing_of_the_Wi_Fi_stands_anywhere_else()
    {
        await MakeReady();
        var serial = Serial();
        var pad = await Enrol(serial);
        var id = await Begin(await Wifi(), pad);
        Assert.Equal("Waiting", (string)(await RowOf(id, pad))["state"]!);

        var (uuid, command) = await Fetch(pad);
        var settings = command.GetDictionary("ReturnToService")!;
        Assert.Equal(("EraseDevice", true), (command.GetString("RequestType"), settings.GetBoolean("Enabled")));
        Assert.Contains(Password, Encoding.UTF8.GetString(settings.GetData("WiFiProfileData")!), StringComparison.Ordinal);
        Assert.False(settings.ContainsKey("BootstrapToken"));
        var signed = new SignedCms();
        signed.Decode(settings.GetData("MDMProfileData")!);
        var management = PlistReader.ReadDictionary(signed.ContentInfo.Content, PlistLimits.Admin).GetArray("PayloadContent")!.OfType<PlistDictionary>().ToList();
        Assert.Contains(management, payload => payload.GetString("PayloadType") == "com.apple.mdm");
        var scep = management.Single(payload => payload.GetString("PayloadType") == "com.apple.security.scep").GetDictionary("PayloadContent")!;
        // For this iPad alone.
        Assert.StartsWith("p1.return-", scep.GetString("Challenge"), StringComparison.Ordinal);
        Assert.Contains($".{pad.Udid}.{serial}.", scep.GetString("Challenge"), StringComparison.Ordinal);
        Assert.Equal("Told", (string)(await RowOf(id, pad))["state"]!);

        Assert.Null(await pad.Report("Acknowledged", uuid));
        var row = await RowOf(id, pad);
        Assert.Equal(("Erased", serial), ((string)row["state"]!, (string)row["serialNumber"]!));
        foreach (var path in new[] { $"/api/v1/returns/{id}", $"/api/v1/returns/{id}/devices", $"/api/v1/operations/{id}", $"{pad.Path}/commands/{uuid}", $"{pad.Path}/commands" })
            Assert.DoesNotContain(Password, (await server.Get(path)).ToJsonString(), StringComparison.Ordinal);

        // Somebody sets it up by hand, with another profile: it is back all the same.
        await Enrol(serial, udid: pad.Udid);
        row = await RowOf(id, pad);
        Assert.Equal(("Back", "another"), ((string)row["state"]!, (string)row["returnedBy"]!));
        var found = await server.Get($"/api/v1/returns/{id}");
        Assert.Equal((1, 0), ((int)found["counts"]!["back"]!, (int)found["counts"]!["missing"]!));
        var csv = await server.Admin.GetStringAsync(new Uri($"/api/v1/returns/{id}/export?state=Back", UriKind.Relative));
        Assert.Contains($"{serial},,", csv, StringComparison.Ordinal);
        foreach (var page in new[] { "/operations/returns", $"/operations/returns/{id}", $"/operations/returns/{id}?state=all", $"/operations/returns/new?id={pad.Udid}", "/operations/returns/answer" })
            Assert.Contains("Return to Service", await server.Admin.GetStringAsync(new Uri(page, UriKind.Relative)), StringComparison.Ordinal);
        // The form names the iPad as people do.
        Assert.Contains($">{(string?)(await server.Get(pad.Path))["deviceName"] ?? serial}</a>", await server.Admin.GetStringAsync(new Uri($"/operations/returns/new?id={pad.Udid}", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dry_run_says_who_cannot_and_for_more_than_one_iPad_it_must_be_confirmed()
    {
        var (old, first, second) = (await Enrol(osVersion: "16.7.2"), await Enrol(), await Enrol());
        var wifi = await Wifi();
        var body = $$"""{"target": {{Ids(old, first, second)}}, "wifiProfileId": "{{wifi}}", "push": false""";
        var plan = await Post("/api/v1/returns?dryRun=true", body + "}", 200);
        Assert.Equal((3, 2, 1), ((int)plan["operation"]!["total"]!, (int)plan["operation"]!["can"]!, (int)plan["operation"]!["cannot"]!));
        Assert.Equal(("ipados-too-old", "ReturnToService needs iPadOS 17.0."),
            plan["operation"]!["reasons"]![0] is { } reason ? ((string)reason["code"]!, (string)reason["reason"]!) : default);
        Assert.Equal((3, 3, "School Wi-Fi"), ((int)plan["withoutBootstrapToken"]!, (int)plan["withoutBypassCode"]!, (string)plan["wifi"]!));

        var refused = await Post("/api/v1/returns", body + "}", 409);
        Assert.Equal("not-confirmed", (string)refused["code"]!);
        Assert.Contains("/api/v1/returns?dryRun=true", (string)refused["detail"]!, StringComparison.Ordinal);
        // It is for this Wi-Fi, and no other.
        await Post("/api/v1/returns", $$"""{"target": {{Ids(old, first, second)}}, "wifiProfileId": "{{await Wifi()}}", "push": false, "confirmation": "{{plan["operation"]!["confirmation"]}}"}""", 400);
        await Post("/api/v1/returns", $$"""{{body}}, "expected": 3, "confirmation": "{{plan["operation"]!["confirmation"]}}"}""", 400);
        Assert.Null(await first.Idle());
        var started = await Post("/api/v1/returns", $$"""{{body}}, "confirmation": "{{plan["operation"]!["confirmation"]}}"}""", 202);
        Assert.Equal((2, 1), ((int)started["total"]!, (int)started["leftOut"]!["count"]!));
        Assert.Equal(2, (int)(await server.Get($"/api/v1/returns/{started["id"]}"))["counts"]!["waiting"]!);
        using var cancelled = await server.Admin.DeleteAsync(new Uri($"/api/v1/operations/{started["id"]}", UriKind.Relative));
        Assert.Equal(202, (int)cancelled.StatusCode);
        Assert.Equal(2, (int)(await server.Get($"/api/v1/returns/{started["id"]}"))["counts"]!["ended"]!);
    }

    [Theory]
    [InlineData("\"Password\": \"{{serial}}\"", "variable")]
    [InlineData("\"AutoJoin\": false, \"Password\": \"pupils-and-more\"", "Auto Join")]
    [InlineData("\"EAPClientConfiguration\": {\"AcceptEAPTypes\": [13]}", "certificate of the iPad's own")]
    [InlineData("\"EAPClientConfiguration\": {\"AcceptEAPTypes\": [25], \"UserName\": \"cart\"}", "user name and a password")]
    [InlineData("\"HIDDEN_NETWORK\": true", "needs a password")]
    public async Task A_Wi_Fi_that_an_erased_iPad_could_not_join_is_refused_at_once(string more, string why)
    {
        var pad = await Enrol();
        var refused = await Post("/api/v1/returns", $$"""{"target": {{Ids(pad)}}, "wifiProfileId": "{{await Wifi(more)}}"}""", 400);
        Assert.Contains(why, (string)refused["errors"]!["wifiProfileId"]![0]!, StringComparison.Ordinal);
        Assert.DoesNotContain("pupils-and-more", refused.ToJsonString(), StringComparison.Ordinal);
        Assert.Null(await pad.Idle());
    }

    [Fact]
    public async Task Without_the_enrolment_profile_no_iPad_is_erased()
    {
        await using var bare = new Bare();
        await bare.InitializeAsync();
        var other = new Plain(bare);
        var pad = await other.Enrol();
        var id = await other.Begin(await other.Wifi(), pad);
        Assert.Null(await pad.Idle());
        var row = await other.RowOf(id, pad);
        Assert.Equal("Failed", (string)row["state"]!);
        Assert.Contains("no push certificate", (string)row["reason"]!, StringComparison.Ordinal);
        Assert.Equal("Enrolled", (string)(await bare.Get(pad.Path))["status"]!);
    }

    [Fact]
    public async Task An_iPad_that_has_to_attest_and_cannot_is_not_erased()
    {
        await using var bare = new Bare();
        await bare.InitializeAsync();
        bare.Service<IOptions<AttestationOptions>>().Value.Identity = AttestedIdentity.Required;
        var other = new Plain(bare);
        await other.MakeReady();
        // It has not said which model it is.
        var pad = await other.Enrol();
        var id = await other.Begin(await other.Wifi(), pad);
        Assert.Null(await pad.Idle());
        var row = await other.RowOf(id, pad);
        Assert.Equal("Failed", (string)row["state"]!);
        Assert.Contains("has to attest and cannot. It was not erased.", (string)row["reason"]!, StringComparison.Ordinal);
        Assert.Equal("Enrolled", (string)(await bare.Get(pad.Path))["status"]!);
    }

    [Fact]
    public async Task An_iPad_that_asks_is_answered_as_somebody_has_said()
    {
        await MakeReady();
        var pad = await Enrol();
        async Task<PlistDictionary> Ask() => PlistReader.ReadDictionary(
            Encoding.UTF8.GetBytes((await server.Put("/mdm/checkin", Message.Of(pad.Udid, "ReturnToService"), pad.Certificate)).Body), PlistLimits.Admin).GetDictionary("ReturnToService")!;
        Assert.False((await Ask()).GetBoolean("Enabled"));
        var wifi = await Wifi();
        using var content = new StringContent($$"""{"wifiProfileId": "{{wifi}}"}""", Encoding.UTF8, "application/json");
        using var put = await server.Admin.PutAsync(new Uri("/api/v1/return-answer", UriKind.Relative), content);
        Assert.Equal(200, (int)put.StatusCode);
        try
        {
            var told = await Ask();
            Assert.True(told.GetBoolean("Enabled"));
            Assert.Contains(Password, Encoding.UTF8.GetString(told.GetData("WiFiProfileData")!), StringComparison.Ordinal);
            Assert.NotNull(told.GetData("MDMProfileData"));
            Assert.Contains((await server.Get("/api/v1/audit?limit=50"))["items"]!.AsArray(), record => (string?)record!["verb"] == "return.give" && (string?)record["targetId"] == pad.Udid);
        }
        finally
        {
            using var deleted = await server.Admin.DeleteAsync(new Uri("/api/v1/return-answer", UriKind.Relative));
            Assert.Equal(204, (int)deleted.StatusCode);
        }

        Assert.False((await Ask()).GetBoolean("Enabled"));
    }

    /// <summary>A server that has no push certificate.</summary>
    private sealed class Bare : AdministeredServer;

    private sealed class Plain(AdministeredServer server) : ReturnTests(server);
}
