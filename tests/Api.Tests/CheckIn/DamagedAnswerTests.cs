using System.Text;
using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>Answers that cannot be read in full end their commands, and the iPad gets the next one.</summary>
public abstract class DamagedAnswerTests(AdministeredServer server)
{
    private const string Unreadable = "The answer could not be read in full: ";

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Latin1(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>Two commands, of which the first was handed over.</summary>
    private async Task<(EnrolledPad Pad, string First, string Second)> Handed()
    {
        var pad = await server.Enrol();
        var first = await pad.Send("InstalledApplicationList");
        var second = await pad.Send("SecurityInfo");
        Assert.Equal(first, await pad.Idle());
        return (pad, first, second);
    }

    [Theory]
    [InlineData("<key>Name</key><string>a\u000Bb</string>", "U+000B")]
    [InlineData("<key>Name</key><string>a\u0000b</string>", "U+0000")]
    [InlineData("<key>Name</key><string>Caf\u00E9</string>", "not UTF-8")]
    public async Task An_answer_with_characters_that_XML_cannot_carry_is_shown_without_them(string more, string why)
    {
        var (pad, first, second) = await Handed();
        var body = Latin1(Message.Report(pad.Udid, "Acknowledged", first, more));
        Assert.Equal(second, await pad.Raw(body));

        var command = await pad.Command(first);
        Assert.Equal(("Acknowledged", true), ((string?)command["state"], (bool)command["finished"]!));
        Assert.StartsWith(Unreadable, (string?)command["error"]);
        Assert.Contains(why, (string?)command["error"]);
        Assert.Contains(why, (string?)command["resultProblem"]);
        Assert.Contains("\uFFFD", (string?)command["result"]!["Name"]);

        using var request = new HttpRequestMessage(HttpMethod.Get, $"{pad.Path}/commands/{first}");
        request.Headers.Accept.ParseAdd("application/xml");
        using var raw = await server.Admin.SendAsync(request);
        Assert.Equal(body, await raw.Content.ReadAsByteArrayAsync());

        // Said twice, it changes nothing.
        Assert.Equal(second, await pad.Raw(body));
    }

    [Fact]
    public async Task The_reason_of_a_failure_survives_characters_that_XML_cannot_carry()
    {
        var (pad, first, second) = await Handed();
        const string Chain = "<key>ErrorChain</key><array><dict><key>ErrorCode</key><integer>4001</integer><key>ErrorDomain</key><string>MCInstallationErrorDomain</string><key>LocalizedDescription</key><string>Netz \u0001 ist belegt</string></dict></array>";
        Assert.Equal(second, await pad.Raw(Utf8(Message.Report(pad.Udid, "Error", first, Chain))));

        var command = await pad.Command(first);
        Assert.Equal("Error", (string?)command["state"]);
        Assert.StartsWith("Netz \uFFFD ist belegt (MCInstallationErrorDomain 4001). " + Unreadable, (string?)command["error"]);
        Assert.Equal(4001, (long?)command["errorChain"]![0]!["code"]);
    }

    [Theory]
    // The list is not closed, and what comes behind it seems to be inside.
    [InlineData("Acknowledged", "<key>InstalledApplicationList</key><array><dict><key>Identifier</key><string>a</string>", "", "Acknowledged")]
    // Cut off.
    [InlineData("Acknowledged", "<key>InstalledApplicationList</key><array><dict><key>Ident", "cut", "Acknowledged")]
    [InlineData("Error", "<key>Name</key><bogus>1</bogus>", "", "Error")]
    [InlineData("CommandFormatError", "<key>Name</key><string>a & b</string>", "", "CommandFormatError")]
    // A Status that Apple does not have, and none at all.
    [InlineData("Perhaps", "", "", "Error")]
    [InlineData(null, "", "", "Error")]
    // Two that contradict each other.
    [InlineData("Acknowledged", "<key>Status</key><string>Error</string>", "", "Error")]
    // The Status of an app is not the Status of the report.
    [InlineData("Acknowledged", "<key>Apps</key><dict><key>Status</key><string>Failed</string></dict><key>Name</key><bogus/>", "", "Acknowledged")]
    public async Task A_broken_answer_ends_its_command_when_it_can_be_told_which(string? status, string more, string how, string state)
    {
        var (pad, first, second) = await Handed();
        var text = Message.Plist(
            $"<key>CommandUUID</key><string>{first}</string>{(status is null ? "" : $"<key>Status</key><string>{status}</string>")}<key>UDID</key><string>{pad.Udid}</string>{more}");
        if (how == "cut") text = text[..text.IndexOf("<key>Ident", StringComparison.Ordinal)];
        Assert.Equal(second, await pad.Raw(Utf8(text)));

        var command = await pad.Command(first);
        Assert.Equal((state, true), ((string?)command["state"], (bool)command["finished"]!));
        Assert.StartsWith(Unreadable, (string?)command["error"]);
        var listed = (await server.Get($"{pad.Path}/commands"))["items"]!.AsArray().Single(item => (string?)item!["commandUuid"] == first);
        Assert.Equal((string?)command["error"], (string?)listed!["error"]);
    }

    [Fact]
    public async Task A_broken_NotNow_is_a_NotNow()
    {
        var (pad, first, second) = await Handed();
        Assert.Equal(second, await pad.Raw(Utf8(Message.Report(pad.Udid, "NotNow", first, "<key>Name</key><bogus/>"))));
        Assert.Equal("NotNow", (string?)(await pad.Command(first))["state"]);
    }

    [Fact]
    public async Task An_answer_in_UTF_16_ends_its_command()
    {
        var (pad, first, second) = await Handed();
        var text = Message.Report(pad.Udid, "Acknowledged", first, "<key>Name</key><string>a</string>");
        Assert.Equal(second, await pad.Raw([.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(text)]));
        Assert.Equal("Acknowledged", (string?)(await pad.Command(first))["state"]);
    }

    [Fact]
    public async Task An_answer_that_is_too_large_ends_its_command_and_says_how_large_it_was()
    {
        var (pad, first, second) = await Handed();
        var apps = string.Concat(Enumerable.Range(0, 8_000).Select(number => $"<dict><key>Identifier</key><string>app{number}</string><key>Status</key><string>Managed</string></dict>"));
        // As iPads write it: in the order of the alphabet, so that who sent it stands at the very end.
        var body = Utf8(Message.Plist(
            $"<key>CommandUUID</key><string>{first}</string><key>InstalledApplicationList</key><array>{apps}</array><key>Status</key><string>Acknowledged</string><key>UDID</key><string>{pad.Udid}</string>"));
        Assert.InRange(body.Length, 4 * DeviceServer.MaxMessageBytes, int.MaxValue);
        Assert.Equal(second, await pad.Raw(body));

        var command = await pad.Command(first);
        Assert.Equal("Acknowledged", (string?)command["state"]);
        Assert.Equal($"{Unreadable}It has {body.Length} bytes, and at most {DeviceServer.MaxMessageBytes} are taken.", (string?)command["error"]);
        Assert.Null(command["result"]);
    }

    [Fact]
    public async Task Who_is_not_known_cannot_end_a_command_by_a_broken_answer()
    {
        var (pad, first, _) = await Handed();
        var stranger = await server.Enrol();
        var broken = Message.Report(pad.Udid, "Acknowledged", first, "<key>Name</key><bogus/>");
        Assert.Equal(403, (await server.Put("/mdm/connect", broken, stranger.Certificate)).Status);
        Assert.Equal(400, (await server.Put("/mdm/connect", Utf8(broken), ((string, string)?)null)).Status);
        var large = Message.Report(pad.Udid, "Acknowledged", first, $"<key>Name</key><string>{new string('x', 2 * DeviceServer.MaxMessageBytes)}</string>");
        Assert.Equal(403, (await server.Put("/mdm/connect", large, stranger.Certificate)).Status);
        Assert.Equal(413, (await server.Put("/mdm/connect", Utf8(large), ((string, string)?)null)).Status);
        Assert.Equal("Sent", (string?)(await pad.Command(first))["state"]);
    }

    [Theory]
    [InlineData("<key>Status</key><string>Acknowledged</string><key>UDID</key><string>{udid}</string><key>Name</key><bogus/>")]
    [InlineData("<key>Status</key><string>Acknowledged</string><key>CommandUUID</key><string>{uuid}</string><key>Name</key><bogus/>")]
    [InlineData("<key>Status</key><string>Acknowledged</string><key>CommandUUID</key><string>{uuid}</string><key>UDID</key><string>{udid}</string><key>UDID</key><string>other</string>")]
    [InlineData("<key>MessageType</key><string>CheckOut</string><key>Status</key><string>Acknowledged</string><key>CommandUUID</key><string>{uuid}</string><key>UDID</key><string>{udid}</string><key>Name</key><bogus/>")]
    public async Task What_cannot_be_told_apart_is_answered_400_and_changes_nothing(string dict)
    {
        var (pad, first, _) = await Handed();
        var body = Message.Plist(dict.Replace("{udid}", pad.Udid, StringComparison.Ordinal).Replace("{uuid}", first, StringComparison.Ordinal));
        Assert.Equal(400, (await server.Put("/mdm/connect", body, pad.Certificate)).Status);
        Assert.Equal("Sent", (string?)(await pad.Command(first))["state"]);
        Assert.Equal("Enrolled", (string?)(await server.Get(pad.Path))["status"]);
    }

    [Fact]
    public async Task A_failed_command_says_why_in_words_on_every_page()
    {
        var (pad, first, _) = await Handed();
        const string Chain = """
            <key>ErrorChain</key><array>
            <dict><key>ErrorCode</key><integer>4001</integer><key>ErrorDomain</key><string>MCInstallationErrorDomain</string><key>LocalizedDescription</key><string>Das Profil wurde nicht installiert.</string><key>USEnglishDescription</key><string>The profile was not installed.</string></dict>
            <dict><key>ErrorCode</key><integer>1009</integer><key>ErrorDomain</key><string>MCProfileErrorDomain</string><key>LocalizedDescription</key><string>Falsche Angabe.</string></dict>
            </array>
            """;
        await pad.Report("Error", first, Chain);
        const string Words = "The profile was not installed. (MCInstallationErrorDomain 4001); because: Falsche Angabe. (MCProfileErrorDomain 1009)";

        var command = await pad.Command(first);
        Assert.Equal(Words, (string?)command["error"]);
        var chain = command["errorChain"]!.AsArray();
        Assert.Equal(
            ["MCInstallationErrorDomain 4001 Das Profil wurde nicht installiert. The profile was not installed.", "MCProfileErrorDomain 1009 Falsche Angabe. "],
            chain.Select(item => $"{item!["domain"]} {item["code"]} {item["localizedDescription"]} {item["usEnglishDescription"]}"));
        var listed = (await server.Get($"{pad.Path}/commands"))["items"]!.AsArray().Single(item => (string?)item!["commandUuid"] == first);
        Assert.Equal(Words, (string?)listed!["error"]);

        var page = await server.Admin.GetStringAsync(new Uri($"/ipads/{pad.Udid}", UriKind.Relative));
        Assert.Contains(Words, page);
        Assert.Contains($"/ipads/{pad.Udid}/commands/{first}", page);
        var answer = await server.Admin.GetStringAsync(new Uri($"/ipads/{pad.Udid}/commands/{first}", UriKind.Relative));
        Assert.Contains("MCProfileErrorDomain", answer);
        Assert.Contains("1009", answer);
        Assert.Contains("Das Profil wurde nicht installiert.", answer);
    }

    [Fact]
    public async Task The_page_of_a_command_shows_the_answer_and_an_answer_is_text_there()
    {
        var (pad, first, _) = await Handed();
        await pad.Report("Acknowledged", first, "<key>InstalledApplicationList</key><array><dict><key>Name</key><string>&lt;script&gt;x</string><key>BundleSize</key><integer>7</integer></dict></array>");

        using var response = await server.Admin.GetAsync(new Uri($"/ipads/{pad.Udid}/commands/{first}", UriKind.Relative));
        var page = await response.Content.ReadAsStringAsync();
        Assert.Equal(200, (int)response.StatusCode);
        Assert.Contains("BundleSize", page);
        Assert.DoesNotContain("<script>x", page);
        using var unknown = await server.Admin.GetAsync(new Uri($"/ipads/{pad.Udid}/commands/{Guid.NewGuid()}", UriKind.Relative));
        Assert.Equal(404, (int)unknown.StatusCode);
    }

    [Fact]
    public async Task A_profile_is_installed_when_its_file_is_sent_as_it_is()
    {
        var pad = await server.Enrol();
        var profile = Utf8(Message.Plist(
            "<key>PayloadType</key><string>Configuration</string><key>PayloadVersion</key><integer>1</integer><key>PayloadIdentifier</key><string>edu.example.wifi</string>" +
            "<key>PayloadUUID</key><string>5D2C9C8E-2F0B-4C55-9F0B-8F5A2E0C7A11</string><key>PayloadContent</key><array/>"));
        foreach (var type in (string[])["application/x-apple-aspen-config", "application/xml"])
        {
            var (status, accepted) = await server.Post($"{pad.Path}/commands?push=false", profile, type);
            Assert.True(status == 202, $"{status}: {accepted}");
            Assert.Equal("InstallProfile", (string?)accepted["requestType"]);
            var uuid = (string)accepted["commandUuid"]!;
            var answer = await server.Put("/mdm/connect", Message.Report(pad.Udid, "Idle"), pad.Certificate);
            Assert.Contains(uuid, answer.Body);
            Assert.Contains(Convert.ToBase64String(profile)[..60], answer.Body.Replace("\n", "", StringComparison.Ordinal).Replace("\t", "", StringComparison.Ordinal));
            await pad.Report("Acknowledged", uuid);
        }
    }

    [Theory]
    [InlineData("PayloadUUID", "edu.example.wifi", "com.apple.wifi.managed", "invalid-profile", "PayloadUUID is missing")]
    [InlineData("PayloadVersion", "edu.example.wifi", "com.apple.wifi.managed", "invalid-profile", "PayloadVersion is missing")]
    [InlineData("", "edu.example.wifi", "com.apple.mdm", "own-enrolment", "another management")]
    [InlineData("", "com.fleetmdm.enrolment", "com.apple.wifi.managed", "own-enrolment", "the iPad's enrolment with this server")]
    public async Task A_profile_that_iPads_would_refuse_is_answered_422_by_every_way(string without, string identifier, string type, string code, string why)
    {
        var pad = await server.Enrol();
        string Keys(string id, string kind) => string.Concat(
            new[] { ("PayloadType", $"<string>{kind}</string>"), ("PayloadVersion", "<integer>1</integer>"), ("PayloadIdentifier", $"<string>{id}</string>"), ("PayloadUUID", "<string>5D2C9C8E-2F0B-4C55-9F0B-8F5A2E0C7A11</string>") }
                .Where(entry => entry.Item1 != without).Select(entry => $"<key>{entry.Item1}</key>{entry.Item2}"));
        var profile = Utf8(Message.Plist($"{Keys(identifier, "Configuration")}<key>PayloadContent</key><array><dict>{Keys("edu.example.inner", type)}</dict></array>"));
        var json = new JsonObject { ["requestType"] = "InstallProfile", ["payload"] = Convert.ToBase64String(profile) };
        var command = Message.Plist($"<key>RequestType</key><string>InstallProfile</string><key>Payload</key><data>{Convert.ToBase64String(profile)}</data>");
        var operation = new JsonObject { ["target"] = new JsonObject { ["ids"] = new JsonArray(pad.Udid) }, ["command"] = json.DeepClone() };

        foreach (var (path, body, media) in new[]
        {
            ($"{pad.Path}/commands", Utf8(json.ToJsonString()), "application/json"),
            ($"{pad.Path}/commands", Utf8(command), "application/xml"),
            ($"{pad.Path}/commands", profile, "application/xml"),
            ($"{pad.Path}/commands", profile, "application/x-apple-aspen-config"),
            ("/api/v1/operations", Utf8(operation.ToJsonString()), "application/json"),
        })
        {
            var (status, problem) = await server.Post(path, body, media);
            Assert.True(status == 422, $"{path} {media}: {status} {problem}");
            Assert.Equal(code, (string?)problem["code"]);
            Assert.Contains(why, (string?)problem["detail"]);
        }

        Assert.Empty((await server.Get($"{pad.Path}/commands"))["items"]!.AsArray());
    }
}

public sealed class DamagedAnswersOnSqlite(AdministeredOnSqlite server) : DamagedAnswerTests(server), IClassFixture<AdministeredOnSqlite>;

public sealed class DamagedAnswersOnPostgreSql(AdministeredOnPostgreSql server) : DamagedAnswerTests(server), IClassFixture<AdministeredOnPostgreSql>;
