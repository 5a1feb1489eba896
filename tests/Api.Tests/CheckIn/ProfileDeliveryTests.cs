using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Api.Tests.CheckIn;

public sealed class SqliteProfileDeliveryTests(AdministeredOnSqlite server) : ProfileDeliveryTests(server), IClassFixture<AdministeredOnSqlite>;

public sealed class PostgresProfileDeliveryTests(AdministeredOnPostgreSql server) : ProfileDeliveryTests(server), IClassFixture<AdministeredOnPostgreSql>;

/// <summary>Profiles of the library on their way to iPads, and what is known of them there: by HTTP on both sides.</summary>
public abstract class ProfileDeliveryTests(AdministeredServer server)
{
    private static string Serial() => "L" + Convert.ToHexString(RandomNumberGenerator.GetBytes(6));

    private async Task<EnrolledPad> Enrol(string? serial = null, string? name = null, string? assetTag = null, string? school = null)
    {
        serial ??= Serial();
        if (name is not null || assetTag is not null || school is not null)
        {
            using var content = new StringContent(new JsonObject { ["name"] = name, ["assetTag"] = assetTag, ["school"] = school }.ToJsonString(), Encoding.UTF8, "application/json");
            using var placed = await server.Admin.PutAsync(new Uri($"/api/v1/placeholders/{serial}", UriKind.Relative), content);
            Assert.True(placed.IsSuccessStatusCode, await placed.Content.ReadAsStringAsync());
        }

        var pad = new EnrolledPad(server, Guid.NewGuid().ToString().ToUpperInvariant(), await server.IssueIdentity());
        await Enrol(pad, serial);
        // The command that gives it its name.
        if (name is not null) await pad.Report("Acknowledged", await pad.Idle());
        return pad;
    }

    private async Task Enrol(EnrolledPad pad, string serial)
    {
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Of(pad.Udid, "Authenticate", $"<key>OSVersion</key><string>18.3</string><key>SerialNumber</key><string>{serial}</string>"), pad.Certificate)).Status);
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.TokenUpdate(pad.Udid), pad.Certificate)).Status);
    }

    private async Task<(string Id, string Identifier)> Make(string label = "plain", string more = "")
    {
        var identifier = $"org.example.d{Guid.NewGuid():N}";
        var (status, body) = await server.Post("/api/v1/profiles", new JsonObject { ["profile"] = Profile(identifier, label, more) }.ToJsonString());
        Assert.True(status == 201, $"{status}: {body}");
        return ((string)body["id"]!, identifier);
    }

    private static JsonObject Profile(string identifier, string label, string more = "") => new()
    {
        ["PayloadIdentifier"] = identifier,
        ["PayloadDisplayName"] = "Clip",
        ["PayloadContent"] = new JsonArray(new JsonObject { ["PayloadType"] = "com.apple.webClip.managed", ["URL"] = "https://example.org/" + more, ["Label"] = label }),
    };

    private async Task Change(string id, string identifier, string label)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/profiles/{id}")
        {
            Content = new StringContent(new JsonObject { ["profile"] = Profile(identifier, label) }.ToJsonString(), Encoding.UTF8, "application/json"),
            Headers = { { "If-Match", "*" } },
        };
        using var response = await server.Admin.SendAsync(request);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task<JsonNode> Send(string id, string what, string target, int status = 202, string more = "")
    {
        var (answered, body) = await server.Post($"/api/v1/profiles/{id}/{what}", $$"""{"target": {{target}}, "push": false{{more}}}""");
        Assert.True(answered == status, $"{answered}: {body}");
        if (status == 202) await Announced((string)body["id"]!);
        return body;
    }

    /// <summary>Each node knows of it: an iPad that comes now gets it.</summary>
    private async Task Announced(string operation)
    {
        while ((await server.Get($"/api/v1/operations/{operation}"))["announcedAt"] is null) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
    }

    private static string Ids(params EnrolledPad[] pads) => $$"""{"ids": [{{string.Join(", ", pads.Select(pad => $"\"{pad.Udid}\""))}}]}""";

    /// <summary>The profile that the iPad is given next, as the bytes that it would install.</summary>
    private static async Task<(string CommandUuid, byte[] Profile)?> Next(EnrolledPad pad)
    {
        var answer = await pad.Server.Put("/mdm/connect", Message.Report(pad.Udid, "Idle"), pad.Certificate);
        Assert.Equal(200, answer.Status);
        if (answer.Body.Length == 0) return null;
        var command = PlistReader.ReadDictionary(Encoding.UTF8.GetBytes(answer.Body), PlistLimits.Admin);
        Assert.Equal(["RequestType", "Payload"], command.GetDictionary("Command")!.Select(entry => entry.Key));
        return (command.GetString("CommandUUID")!, command.GetDictionary("Command")!.GetData("Payload")!);
    }

    private static PlistDictionary Open(byte[] signed)
    {
        var cms = new SignedCms();
        cms.Decode(signed);
        cms.CheckSignature(verifySignatureOnly: true);
        return PlistReader.ReadDictionary(cms.ContentInfo.Content, PlistLimits.Admin);
    }

    private static async Task<PlistDictionary> Install(EnrolledPad pad, string status = "Acknowledged", string more = "")
    {
        var (uuid, profile) = (await Next(pad))!.Value;
        Assert.Null(await pad.Report(status, uuid, more));
        return Open(profile);
    }

    /// <summary>The iPad gets a profile as somebody sent it, and takes it.</summary>
    private static async Task Install(EnrolledPad pad, byte[] expected)
    {
        var (uuid, profile) = (await Next(pad))!.Value;
        Assert.Equal(expected, profile);
        Assert.Null(await pad.Report("Acknowledged", uuid));
    }

    /// <summary>The iPad tells its profiles.</summary>
    private static async Task Tell(EnrolledPad pad, params (string Identifier, string Uuid)[] profiles)
    {
        var uuid = await pad.Send("ProfileList");
        Assert.Equal(uuid, await pad.Idle());
        var list = string.Concat(profiles.Select(profile =>
            $"<dict><key>PayloadIdentifier</key><string>{profile.Identifier}</string><key>PayloadUUID</key><string>{profile.Uuid}</string><key>PayloadVersion</key><integer>1</integer></dict>"));
        Assert.Null(await pad.Report("Acknowledged", uuid, $"<key>ProfileList</key><array>{list}</array>"));
    }

    private static async Task<JsonNode?> Standing(EnrolledPad pad, string id) =>
        (await pad.Server.Get($"{pad.Path}/library-profiles"))["items"]!.AsArray().FirstOrDefault(item => (string?)item!["profileId"] == id);

    private static async Task<string?> State(EnrolledPad pad, string id) => (string?)(await Standing(pad, id))?["state"];

    private static PlistDictionary Clip(PlistDictionary profile) => (PlistDictionary)profile.GetArray("PayloadContent")![0];

    [Fact]
    public async Task Each_iPad_gets_its_own_values_signed_after_they_were_put_in()
    {
        var (serialA, serialB) = (Serial(), Serial());
        var a = await Enrol(serialA, "NS & <7B> \"014\"", "T-1", "Northside");
        var b = await Enrol(serialB, "Åsa's iPad", "T-2", "Södra");
        var (id, _) = await Make("{{ Serial }}/{{asset tag}}/{{name}}/{{school}}", "{{udid}}");
        var started = await Send(id, "install", Ids(a, b));
        Assert.Equal(2, (long)started["total"]!);

        var one = Clip(await Install(a));
        var two = Clip(await Install(b));
        Assert.Equal($"{serialA}/T-1/NS & <7B> \"014\"/Northside", one.GetString("Label"));
        Assert.Equal($"https://example.org/{a.Udid}", one.GetString("URL"));
        Assert.Equal($"{serialB}/T-2/Åsa's iPad/Södra", two.GetString("Label"));
        Assert.Equal(one.GetString("PayloadUUID"), two.GetString("PayloadUUID"));
        Assert.Equal("installed", await State(a, id));
    }

    [Fact]
    public async Task An_empty_variable_fails_for_that_iPad_alone_in_words_and_the_others_go_on()
    {
        var tagged = await Enrol(assetTag: "T-9");
        var untagged = await Enrol();
        var (id, _) = await Make("{{asset tag}}");
        var started = await Send(id, "install", Ids(tagged, untagged));

        Assert.Null(await Next(untagged));
        Assert.Equal("T-9", Clip(await Install(tagged)).GetString("Label"));
        // Counts are a moment old.
        JsonNode operation;
        do operation = await server.Get($"/api/v1/operations/{started["id"]}");
        while (!(bool)operation["complete"]!);
        Assert.Equal((1, 1, true), ((long)operation["acknowledged"]!, (long)operation["failed"]!, (bool)operation["complete"]!));
        var standing = await Standing(untagged, id);
        Assert.Equal("failed", (string?)standing!["state"]);
        Assert.Contains("{{asset tag}}", (string?)standing["reason"]);
        Assert.Contains("{{asset tag}}", (string?)standing["explanation"]);
    }

    [Fact]
    public async Task A_profile_says_who_has_the_iPad_and_fails_in_words_where_nobody_has_it()
    {
        var (held, free) = (await Enrol(), await Enrol());
        var (status, person) = await server.Post("/api/v1/people", """{"role": "pupil", "givenName": "Ali", "familyName": "Berg & <Co>", "email": "ali.berg@school.example", "grade": "7"}""");
        Assert.Equal(201, status);
        using var content = new StringContent($$"""{"personId": "{{person["id"]}}"}""", Encoding.UTF8, "application/json");
        using var given = await server.Admin.PutAsync(new Uri($"{held.Path}/holder", UriKind.Relative), content);
        Assert.True(given.IsSuccessStatusCode, await given.Content.ReadAsStringAsync());
        var (id, _) = await Make("{{Person Name}}/{{person given name}}/{{person family name}}/{{person grade}}", "{{person email}}");
        await Send(id, "install", Ids(held, free));

        var clip = Clip(await Install(held));
        Assert.Equal(("Ali Berg & <Co>/Ali/Berg & <Co>/7", "https://example.org/ali.berg@school.example"), (clip.GetString("Label"), clip.GetString("URL")));
        Assert.Null(await Next(free));
        Assert.Contains("{{person email}}", (string?)(await Standing(free, id))!["reason"]);
    }

    [Fact]
    public async Task Control_characters_in_a_name_that_somebody_chose_do_not_break_the_profile()
    {
        var pad = await Enrol();
        var uuid = await pad.Send("DeviceInformation");
        Assert.Equal(uuid, await pad.Idle());
        await pad.Report("Acknowledged", uuid, "<key>QueryResponses</key><dict><key>DeviceName</key><string>&lt;/string&gt;{{serial}}</string></dict>");
        var (id, _) = await Make("{{name}}");
        await Send(id, "install", Ids(pad));
        // What a value looks like is never read again.
        Assert.Equal("</string>{{serial}}", Clip(await Install(pad)).GetString("Label"));
    }

    [Fact]
    public async Task A_profile_without_variables_is_signed_once_and_everybody_gets_the_same_bytes()
    {
        var (a, b) = (await Enrol(), await Enrol());
        var (id, _) = await Make();
        await Send(id, "install", Ids(a));
        await Send(id, "install", Ids(b));
        Assert.Equal((await Next(a))!.Value.Profile, (await Next(b))!.Value.Profile);
    }

    [Fact]
    public async Task A_signed_file_arrives_as_it_was_handed_in()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=District", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(100));
        var profile = new ConfigurationProfile { Identifier = $"org.example.s{Guid.NewGuid():N}", DisplayName = "{{serial}}", Payloads = [] };
        var signed = ProfileSigner.Sign(profile.ToBytes(), certificate, []);
        var (status, body) = await server.Post("/api/v1/profiles", signed, ConfigurationProfile.ContentType);
        Assert.True(status == 201, body.ToJsonString());
        var pad = await Enrol();
        await Send((string)body["id"]!, "install", Ids(pad));
        Assert.Equal(signed, (await Next(pad))!.Value.Profile);
    }

    [Fact]
    public async Task What_an_iPad_should_have_is_compared_with_what_it_lists()
    {
        var pad = await Enrol();
        var (id, identifier) = await Make("one");
        Assert.Null(await Standing(pad, id));
        await Send(id, "install", Ids(pad));
        Assert.Equal("onItsWay", await State(pad, id));
        var first = (await Install(pad)).GetString("PayloadUUID")!;
        Assert.Equal("installed", await State(pad, id));

        await Tell(pad, (identifier, first.ToLowerInvariant()), ("com.apple.other", "x"));
        var standing = (await Standing(pad, id))!;
        Assert.Equal(("installed", 1, 1), ((string?)standing["state"], (int)standing["version"]!, (int)standing["listedVersion"]!));

        // A new version waits in the library until it is sent.
        await Change(id, identifier, "two");
        Assert.Equal((1, 2), ((int)(await Standing(pad, id))!["version"]!, (int)(await Standing(pad, id))!["newestVersion"]!));
        var counts = (await server.Get($"/api/v1/profiles/{id}"))["iPads"]!.AsArray();
        Assert.Equal(("installed", 1, 1), ((string?)counts[0]!["state"], (long)counts[0]!["count"]!, (long)counts[0]!["outdated"]!));

        await Send(id, "install", """{"holders": true}""");
        var second = (await Install(pad)).GetString("PayloadUUID")!;
        Assert.NotEqual(first, second);
        await Tell(pad, (identifier, first));
        standing = (await Standing(pad, id))!;
        Assert.Equal(("otherVersion", 2, 1), ((string?)standing["state"], (int)standing["version"]!, (int)standing["listedVersion"]!));
        await Tell(pad, (identifier, Guid.NewGuid().ToString()));
        standing = (await Standing(pad, id))!;
        Assert.Equal(("otherVersion", null), ((string?)standing["state"], (int?)standing["listedVersion"]));
        await Tell(pad);
        Assert.Equal("removedOnDevice", await State(pad, id));
        await Tell(pad, (identifier, second));
        Assert.Equal("installed", await State(pad, id));
    }

    [Fact]
    public async Task A_payload_that_the_iPad_does_not_list_is_named()
    {
        var pad = await Enrol();
        var (id, identifier) = await Make();
        await Send(id, "install", Ids(pad));
        var profile = await Install(pad);
        foreach (var (listed, missing) in new[] { (Clip(profile).GetString("PayloadIdentifier")!, 0), ("something.else", 1) })
        {
            var uuid = await pad.Send("ProfileList");
            Assert.Equal(uuid, await pad.Idle());
            Assert.Null(await pad.Report("Acknowledged", uuid, $"""
                <key>ProfileList</key><array><dict><key>PayloadIdentifier</key><string>{identifier}</string><key>PayloadUUID</key><string>{profile.GetString("PayloadUUID")}</string>
                <key>PayloadContent</key><array><dict><key>PayloadType</key><string>com.apple.webClip.managed</string><key>PayloadIdentifier</key><string>{listed}</string></dict></array></dict></array>
                """));
            var standing = (await Standing(pad, id))!;
            Assert.Equal(("installed", missing), ((string?)standing["state"], standing["missingPayloads"]!.AsArray().Count));
        }
    }

    [Fact]
    public async Task What_an_iPad_refuses_and_what_was_cancelled_is_told_with_its_reason()
    {
        var (refuses, waits) = (await Enrol(), await Enrol());
        var (id, identifier) = await Make();
        await Send(id, "install", Ids(refuses));
        await Install(refuses, "Error", "<key>ErrorChain</key><array><dict><key>ErrorCode</key><integer>4001</integer><key>ErrorDomain</key><string>MCInstallationErrorDomain</string><key>LocalizedDescription</key><string>The profile is sour</string></dict></array>");
        var standing = (await Standing(refuses, id))!;
        Assert.Equal("failed", (string?)standing["state"]);
        Assert.Contains("sour", (string?)standing["reason"]);

        var started = await Send(id, "install", Ids(waits));
        using var cancelled = await server.Admin.DeleteAsync(new Uri($"/api/v1/operations/{started["id"]}", UriKind.Relative));
        Assert.True(cancelled.IsSuccessStatusCode);
        // Cancelling announces, too.
        Assert.Null(await Next(waits));
        Assert.Equal("notSent", await State(waits, id));

        var listed = (await server.Get($"/api/v1/profiles/{id}/devices?state=failed"))["items"]!.AsArray();
        Assert.Equal([refuses.Udid], listed.Select(item => (string?)item!["deviceId"]));
        Assert.Equal(identifier, (string?)listed[0]!["identifier"]);
    }

    [Fact]
    public async Task A_removal_needs_the_number_and_ends_as_removed()
    {
        var (a, b) = (await Enrol(), await Enrol());
        var (id, identifier) = await Make();
        await Send(id, "install", Ids(a, b));
        await Install(a);
        await Install(b);

        var refused = await Send(id, "remove", """{"holders": true}""", 409);
        Assert.Equal(("not-confirmed", 2), ((string?)refused["code"], (long)refused["found"]!));
        var plan = await Send(id, "remove?dryRun=true", """{"holders": true}""", 200);
        await Send(id, "remove", """{"holders": true}""", more: $", \"expected\": 2, \"confirmation\": \"{plan["confirmation"]}\"");
        Assert.Equal("beingRemoved", await State(a, id));
        var uuid = await a.Idle();
        Assert.Equal("RemoveProfile", (string?)(await a.Command(uuid!))["requestType"]);
        await a.Report("Acknowledged", uuid);
        Assert.Equal("removed", await State(a, id));
        Assert.Equal("beingRemoved", await State(b, id));

        // It came back by other ways, and the iPad lists it.
        await Tell(a, (identifier, Guid.NewGuid().ToString()));
        Assert.Equal("removalFailed", await State(a, id));
        Assert.Equal(1, (long)(await Send(id, "remove", """{"holders": true}""", more: ", \"expected\": 1"))["total"]!);
    }

    [Fact]
    public async Task A_plain_command_that_removes_it_counts_as_its_removal_and_blames_nobody()
    {
        var pad = await Enrol();
        var (id, identifier) = await Make();
        await Send(id, "install", Ids(pad));
        await Install(pad);
        await pad.Send(new JsonObject { ["requestType"] = "RemoveProfile", ["identifier"] = identifier });
        var uuid = await pad.Idle();
        Assert.Equal("installed", await State(pad, id));
        Assert.Null(await pad.Report("Acknowledged", uuid));
        var standing = (await Standing(pad, id))!;
        Assert.Equal(("removed", uuid, "It was removed."), ((string?)standing["state"], (string?)standing["commandUuid"], (string?)standing["explanation"]));
        Assert.Equal(422, (await server.Post($"/api/v1/profiles/{id}/install", """{"target": {"holders": true}}""")).Status);
        await Tell(pad);
        Assert.Equal("removed", await State(pad, id));

        // Installed again and taken away by a person: that is told without a guess at who it was.
        await Send(id, "install", Ids(pad));
        await Install(pad);
        await Tell(pad);
        standing = (await Standing(pad, id))!;
        Assert.Equal("removedOnDevice", (string?)standing["state"]);
        Assert.Contains("No command of this server removed it", (string?)standing["explanation"]);
    }

    [Fact]
    public async Task A_removal_that_the_iPad_refused_or_that_came_before_what_waits_changes_nothing()
    {
        var pad = await Enrol();
        var (id, identifier) = await Make();
        await Send(id, "install", Ids(pad));
        await Install(pad);
        await pad.Send(new JsonObject { ["requestType"] = "RemoveProfile", ["identifier"] = identifier });
        await pad.Report("Error", await pad.Idle());
        Assert.Equal("installed", await State(pad, id));

        await pad.Send(new JsonObject { ["requestType"] = "RemoveProfile", ["identifier"] = identifier });
        var removal = await pad.Idle();
        await Send(id, "install", Ids(pad));
        var install = await pad.Report("Acknowledged", removal);
        Assert.Equal("onItsWay", await State(pad, id));
        await pad.Report("Acknowledged", install);
        Assert.Equal("installed", await State(pad, id));
    }

    [Fact]
    public async Task A_plain_command_that_installs_another_profile_of_its_identifier_replaces_it()
    {
        var pad = await Enrol();
        var (id, identifier) = await Make();
        await Send(id, "install", Ids(pad));
        var own = await Install(pad);
        await Tell(pad, (identifier, own.GetString("PayloadUUID")!));
        var foreign = new ConfigurationProfile { Identifier = identifier, DisplayName = "Another", Payloads = [] }.ToBytes();
        await pad.Send(new JsonObject { ["requestType"] = "InstallProfile", ["payload"] = Convert.ToBase64String(foreign) });
        await Install(pad, foreign);
        var standing = (await Standing(pad, id))!;
        Assert.Equal("otherVersion", (string?)standing["state"]);
        Assert.Contains("not from the library", (string?)standing["explanation"]);
        Assert.DoesNotContain("lists version", (string?)standing["explanation"]);
        Assert.Equal("otherVersion", (string?)(await server.Get($"/api/v1/profiles/{id}"))["iPads"]![0]!["state"]);
        await Tell(pad, (identifier, Guid.NewGuid().ToString()));
        Assert.Equal("otherVersion", await State(pad, id));

        // The library's own one comes again, and is there.
        await Send(id, "install", """{"holders": true}""");
        await Install(pad);
        standing = (await Standing(pad, id))!;
        Assert.Equal(("installed", null), ((string?)standing["state"], (string?)standing["reason"]));
        Assert.Contains("said that it installed", (string?)standing["explanation"]);
    }

    [Fact]
    public async Task Deleting_says_who_has_it_and_takes_it_away_only_when_asked_to()
    {
        var (a, b) = (await Enrol(), await Enrol());
        var (stays, identifier) = await Make();
        var (goes, _) = await Make();
        foreach (var id in (string[])[stays, goes]) await Send(id, "install", Ids(a, b));
        foreach (var pad in (EnrolledPad[])[a, b])
        {
            while (await pad.Idle() is { } uuid) await pad.Report("Acknowledged", uuid);
        }

        using var refused = await server.Admin.DeleteAsync(new Uri($"/api/v1/profiles/{stays}", UriKind.Relative));
        var problem = JsonNode.Parse(await refused.Content.ReadAsStringAsync())!;
        Assert.Equal((409, 2), ((int)refused.StatusCode, (long)problem["found"]!));
        using var deleted = await server.Admin.DeleteAsync(new Uri($"/api/v1/profiles/{stays}?expected=2", UriKind.Relative));
        var answer = JsonNode.Parse(await deleted.Content.ReadAsStringAsync())!;
        Assert.Equal((200, 2, null), ((int)deleted.StatusCode, (long)answer["iPads"]!, (string?)answer["operationId"]));
        Assert.Null(await a.Idle());
        Assert.Null(await Standing(a, stays));

        // Their number alone does not say that somebody has seen who they are.
        using var unconfirmed = await server.Admin.DeleteAsync(new Uri($"/api/v1/profiles/{goes}?expected=2&remove=true", UriKind.Relative));
        Assert.Equal("not-confirmed", (string?)JsonNode.Parse(await unconfirmed.Content.ReadAsStringAsync())!["code"]);
        Assert.Equal("installed", await State(a, goes));
        var confirmation = (string)(await Send(goes, "remove?dryRun=true", """{"holders": true}""", status: 200))["confirmation"]!;
        using var removed = await server.Admin.DeleteAsync(new Uri($"/api/v1/profiles/{goes}?expected=2&remove=true&confirmation={confirmation}", UriKind.Relative));
        answer = JsonNode.Parse(await removed.Content.ReadAsStringAsync())!;
        await Announced((string)answer["operationId"]!);
        Assert.Equal(2, (long)(await server.Get($"/api/v1/operations/{answer["operationId"]}"))["total"]!);
        var removal = await a.Idle();
        Assert.Equal("RemoveProfile", (string?)(await a.Command(removal!))["requestType"]);
        await a.Report("Acknowledged", removal);
    }

    [Fact]
    public async Task To_take_a_profile_from_many_needs_the_confirmation_of_a_dry_run_with_their_exact_number()
    {
        var (a, b, c) = (await Enrol(), await Enrol(), await Enrol());
        var (id, _) = await Make();
        await Send(id, "install", Ids(a, b));
        foreach (var pad in (EnrolledPad[])[a, b]) await Install(pad);

        const string holders = """{"holders": true}""";
        foreach (var number in (string[])["", """, "expected": 2"""])
        {
            var refused = await Send(id, "remove", holders, 409, number);
            Assert.Equal(("not-confirmed", 2), ((string?)refused["code"], (long)refused["found"]!));
            Assert.Contains($"/api/v1/profiles/{id}/remove?dryRun=true", (string?)refused["detail"], StringComparison.Ordinal);
        }

        var plan = await Send(id, "remove?dryRun=true", holders, 200);
        Assert.Equal((2, 2, true), ((long)plan["total"]!, (long)plan["can"]!, (bool)plan["destructive"]!));
        string Confirmed(string more = "") => $", \"confirmation\": \"{plan["confirmation"]}\"{more}";
        Assert.Equal(400, (await server.Post($"/api/v1/profiles/{id}/remove", $$"""{"target": {{holders}}{{Confirmed(", \"expected\": 3")}}}""")).Status);
        // It is good for this profile, this target and this number alone.
        var (other, _) = await Make();
        await Send(other, "remove", holders, 400, Confirmed());
        await Send(id, "remove", Ids(a, b), 400, Confirmed());
        await Send(id, "install", holders, 400, Confirmed());
        await Send(id, "install", Ids(c));
        var changed = await Send(id, "remove", holders, 409, Confirmed());
        Assert.Equal(("not-as-expected", 3, 2), ((string?)changed["code"], (long)changed["found"]!, (long)changed["confirmed"]!));
        Assert.Null(await a.Idle());

        plan = await Send(id, "remove?dryRun=true", holders, 200);
        var started = await Send(id, "remove", holders, more: Confirmed());
        Assert.Equal(3, (long)started["total"]!);
        // Sent twice, it starts it once.
        Assert.Equal((string?)started["id"], (string?)(await Send(id, "remove", holders, more: Confirmed()))["id"]);
        Assert.Equal("beingRemoved", await State(b, id));

        // One iPad by itself needs no more than its name, as everywhere.
        var (single, _) = await Make();
        await Send(single, "install", Ids(c));
        await Send(single, "remove", Ids(c));
    }

    [Fact]
    public async Task An_iPad_that_enrols_anew_has_nothing_of_the_library_and_one_that_left_is_not_counted()
    {
        var (again, leaves) = (await Enrol(), await Enrol());
        var (id, _) = await Make();
        await Send(id, "install", Ids(again, leaves));
        await Install(again);
        await Install(leaves);

        await Enrol(again, Serial());
        Assert.Null(await Standing(again, id));
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Of(leaves.Udid, "CheckOut"), leaves.Certificate)).Status);
        Assert.Empty((await server.Get($"/api/v1/profiles/{id}"))["iPads"]!.AsArray());
        Assert.Equal(422, (await server.Post($"/api/v1/profiles/{id}/install", """{"target": {"holders": true}}""")).Status);
    }

    [Fact]
    public async Task The_answer_to_an_old_command_does_not_speak_for_the_new_version()
    {
        var pad = await Enrol();
        var (id, identifier) = await Make("one");
        await Send(id, "install", Ids(pad));
        var (old, _) = (await Next(pad))!.Value;
        await Change(id, identifier, "two");
        await Send(id, "install", Ids(pad));
        Assert.NotNull(await pad.Report("Acknowledged", old));
        var standing = (await Standing(pad, id))!;
        Assert.Equal(("onItsWay", 2), ((string?)standing["state"], (int)standing["version"]!));
    }

    [Theory]
    [InlineData("""{}""", 400)]
    [InlineData("""{"holders": false}""", 400)]
    [InlineData("""{"holders": true, "all": true}""", 400)]
    [InlineData("""{"ids": ["NOBODY"]}""", 422)]
    public async Task A_target_that_is_none_is_refused(string target, int status)
    {
        var (id, _) = await Make();
        await Send(id, "install", target, status);
        await Send(id, "install", """{"all": true}""", 400, ", \"version\": 7");
    }

    [Fact]
    public async Task The_operation_says_what_it_is_for()
    {
        var pad = await Enrol();
        var (id, _) = await Make();
        await Send(id, "install", Ids(pad));
        var started = await Send(id, "install", """{"holders": true}""");
        var operation = await server.Get($"/api/v1/operations/{started["id"]}");
        Assert.Equal("Clip", (string?)operation["target"]!["holdersOf"]);
        var records = (await server.Get($"/api/v1/audit?target={id}"))["items"]!.AsArray();
        Assert.Equal(["profile.install", "profile.install", "profile.create"], records.Select(record => (string?)record!["verb"]));
        Assert.Equal((string?)started["id"], (string?)records[0]!["subject"]);
        Assert.Equal(1, (long)records[0]!["count"]!);
    }
}
