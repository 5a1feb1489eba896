using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>What an iPad answers stands in its inventory, as people and programs see it.</summary>
public abstract class InventoryTests(AdministeredServer server)
{
    private static string Apps(params (string Identifier, string Version)[] apps) =>
        $"<key>InstalledApplicationList</key><array>{string.Concat(apps.Select(app => $"<dict><key>Identifier</key><string>{app.Identifier}</string><key>Name</key><string>The {app.Identifier}</string><key>ShortVersion</key><string>{app.Version}</string></dict>"))}</array>";

    private static (string, string)[] Many(int count, string version = "1.0") => [.. Enumerable.Range(0, count).Select(n => ($"org.example.app-with-a-long-name-{n:000}", version))];

    private static async Task<string> Answer(EnrolledPad pad, string requestType, string more, string status = "Acknowledged")
    {
        var uuid = await Queue(pad, requestType);
        Assert.Equal(uuid, await pad.Idle());
        Assert.Null(await pad.Report(status, uuid, more));
        return uuid;
    }

    /// <summary>Some commands cannot be written as JSON.</summary>
    private static async Task<string> Queue(EnrolledPad pad, string requestType, string more = "")
    {
        var (status, body) = await pad.Server.Post($"{pad.Path}/commands?push=false",
            Encoding.UTF8.GetBytes($"<plist version=\"1.0\"><dict><key>RequestType</key><string>{requestType}</string>{more}</dict></plist>"), "application/xml");
        Assert.True(status == 202, $"{status}: {body}");
        return (string)body["commandUuid"]!;
    }

    private static async Task<List<(string?, string?)>> Items(EnrolledPad pad, string list = "apps") =>
        [.. (await pad.Server.Get($"{pad.Path}/{list}?limit=1000"))["items"]!.AsArray().Select(item => ((string?)item!["key"], (string?)item["value"]))];

    [Fact]
    public async Task A_list_is_shown_with_the_time_when_it_was_told()
    {
        var pad = await server.Enrol();
        var before = await server.Get($"{pad.Path}/apps");
        Assert.Null(before["asOf"]);
        Assert.Empty(before["items"]!.AsArray());

        await Answer(pad, "InstalledApplicationList", Apps(("org.b", "2.0"), ("org.a", "1.0")));
        var list = await server.Get($"{pad.Path}/apps?limit=1");
        Assert.NotNull((string?)list["asOf"]);
        Assert.Equal((2, false, "org.a"), ((int)list["count"]!, (bool)list["cut"]!, (string?)list["next"]));
        Assert.Equal(("org.a", "The org.a", "1.0"), ((string?)list["items"]![0]!["key"], (string?)list["items"]![0]!["name"], (string?)list["items"]![0]!["value"]));
        Assert.Equal("org.b", (string?)(await server.Get($"{pad.Path}/apps?after=org.a"))["items"]![0]!["key"]);

        var page = await server.Admin.GetStringAsync(new Uri($"/ipads/{pad.Udid}/apps", UriKind.Relative));
        Assert.Contains("The org.b", page);
        Assert.Contains($"/ipads/{pad.Udid}/apps", await server.Admin.GetStringAsync(new Uri($"/ipads/{pad.Udid}", UriKind.Relative)));
    }

    [Fact]
    public async Task A_large_list_that_changes_is_followed_and_one_that_does_not_keeps_the_time_of_its_change()
    {
        var pad = await server.Enrol();
        await Answer(pad, "InstalledApplicationList", Apps(Many(300)));
        var first = await server.Get($"{pad.Path}/apps");
        Assert.Equal(300, (await Items(pad)).Count);

        await Answer(pad, "InstalledApplicationList", Apps([.. Many(300).Reverse()]));
        var same = await server.Get($"{pad.Path}/apps");
        Assert.Equal((string?)first["changedAt"], (string?)same["changedAt"]);
        Assert.True(string.CompareOrdinal((string?)first["asOf"], (string?)same["asOf"]) < 0);

        await Answer(pad, "InstalledApplicationList", Apps([.. Many(299), ("org.example.new", "7")]));
        var items = await Items(pad);
        Assert.Equal(300, items.Count);
        Assert.Contains(("org.example.new", "7"), items);
        Assert.DoesNotContain(items, item => item.Item1!.EndsWith("299", StringComparison.Ordinal));
        Assert.NotEqual((string?)first["changedAt"], (string?)(await server.Get($"{pad.Path}/apps"))["changedAt"]);
    }

    [Fact]
    public async Task An_answer_to_a_question_for_a_part_leaves_the_list_and_so_does_an_error()
    {
        var pad = await server.Enrol();
        await Answer(pad, "InstalledApplicationList", Apps(("org.a", "1.0"), ("org.b", "1.0")));
        var uuid = await pad.Send(new JsonObject { ["requestType"] = "InstalledApplicationList", ["identifiers"] = new JsonArray("org.a") });
        Assert.Equal(uuid, await pad.Idle());
        Assert.Null(await pad.Report("Acknowledged", uuid, Apps(("org.a", "9.0"))));
        await Answer(pad, "InstalledApplicationList", Apps(("org.a", "8.0")), status: "Error");
        await Answer(pad, "ProfileList", Apps(("org.a", "7.0")));
        Assert.Equal([("org.a", "1.0"), ("org.b", "1.0")], await Items(pad));
        Assert.Null((await server.Get($"{pad.Path}/profiles"))["asOf"]);
    }

    [Fact]
    public async Task Every_list_is_read()
    {
        var pad = await server.Enrol();
        await Answer(pad, "ManagedApplicationList", "<key>ManagedApplicationList</key><dict><key>org.a</key><dict><key>Status</key><string>Managed</string></dict></dict>");
        await Answer(pad, "ProfileList", "<key>ProfileList</key><array><dict><key>PayloadIdentifier</key><string>district.wifi</string><key>PayloadVersion</key><integer>1</integer></dict></array>");
        await Answer(pad, "CertificateList", "<key>CertificateList</key><array><dict><key>CommonName</key><string>Root</string><key>IsIdentity</key><false/></dict></array>");
        await Answer(pad, "ProvisioningProfileList", "<key>ProvisioningProfileList</key><array><dict><key>UUID</key><string>u-1</string><key>ExpiryDate</key><date>2027-01-01T00:00:00Z</date></dict></array>");
        await Answer(pad, "SecurityInfo", "<key>SecurityInfo</key><dict><key>PasscodeCompliant</key><true/></dict>");
        await Answer(pad, "Restrictions", "<key>GlobalRestrictions</key><dict><key>restrictedBool</key><dict><key>allowCamera</key><dict><key>value</key><false/></dict></dict></dict><key>ProfileRestrictions</key><dict/>");
        await Answer(pad, "UserList", "<key>Users</key><array><dict><key>UserName</key><string>mira</string><key>IsLoggedIn</key><true/></dict></array>");

        Assert.Equal([("org.a", "Managed")], await Items(pad, "managed-apps"));
        Assert.Equal([("district.wifi", "1")], await Items(pad, "profiles"));
        Assert.Equal([("name:Root", null)], await Items(pad, "certificates"));
        Assert.Equal("2027-01-01T00:00:00+00:00", (string?)(await server.Get($"{pad.Path}/provisioning-profiles"))["items"]![0]!["expiresAt"]);
        Assert.Equal([("PasscodeCompliant", "true")], await Items(pad, "security"));
        Assert.Equal([("allowCamera", "false")], await Items(pad, "restrictions"));
        Assert.True((bool)(await server.Get($"{pad.Path}/users"))["items"]![0]!["details"]!["isLoggedIn"]!);
        foreach (var list in new[] { "managed-apps", "profiles", "certificates", "provisioning-profiles", "security", "restrictions", "users" })
            Assert.Contains("As of", await server.Admin.GetStringAsync(new Uri($"/ipads/{pad.Udid}/{list}", UriKind.Relative)));
    }

    [Fact]
    public async Task Where_a_lost_iPad_is_stands_in_no_history_is_for_administrators_and_is_forgotten_when_it_is_found()
    {
        var pad = await server.Enrol();
        var uuid = await Answer(pad, "DeviceLocation", "<key>Latitude</key><real>59.33</real><key>Longitude</key><real>18.06</real>");
        Assert.Equal(59.33, (double)(await server.Get($"{pad.Path}/location?reason=lost"))["items"]![0]!["details"]!["latitude"]!);
        Assert.Contains(await Records(pad), record => (string?)record!["verb"] == "secret.read" && (string?)record["detail"] == "location" && (string?)record["reason"] == "lost");
        using (var silent = await server.Admin.GetAsync(new Uri($"{pad.Path}/location", UriKind.Relative))) Assert.Equal(HttpStatusCode.BadRequest, silent.StatusCode);
        Assert.DoesNotContain("59.33", (await pad.Command(uuid)).ToJsonString());

        var (_, made) = await server.Post("/api/v1/tokens", "{\"name\": \"reader\", \"role\": \"viewer\"}");
        foreach (var path in new[] { $"{pad.Path}/location?reason=curious", $"/ipads/{pad.Udid}/lost-mode", $"/ipads/{pad.Udid}/activation-lock" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Authorization = new("Bearer", (string)made["token"]!);
            using var client = new HttpClient { BaseAddress = server.Admin.BaseAddress };
            using var refused = await client.SendAsync(request);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }

        await Answer(pad, "DisableLostMode", "");
        Assert.Empty((await server.Get($"{pad.Path}/location?reason=lost"))["items"]!.AsArray());
    }

    [Fact]
    public async Task The_page_of_a_list_asks_the_iPad_for_it()
    {
        var pad = await server.Enrol();
        foreach (var (list, requestType) in new[] { ("apps", "InstalledApplicationList"), ("restrictions", "Restrictions"), ("users", "UserList") })
        {
            using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["key"] = Guid.NewGuid().ToString("N") });
            using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = server.Admin.BaseAddress };
            client.DefaultRequestHeaders.Authorization = server.Admin.DefaultRequestHeaders.Authorization;
            using var sent = await client.PostAsync(new Uri($"/ipads/{pad.Udid}/{list}", UriKind.Relative), form);
            Assert.Equal((303, $"/ipads/{pad.Udid}/{list}?done=asked"), ((int)sent.StatusCode, sent.Headers.Location!.ToString()));
            Assert.Contains("The question is queued", await server.Admin.GetStringAsync(sent.Headers.Location));
            var uuid = await pad.Idle();
            Assert.Equal(requestType, (string?)(await pad.Command(uuid!))["requestType"]);
            Assert.Null(await pad.Report("Acknowledged", uuid));
        }
    }

    private async Task<JsonArray> Records(EnrolledPad pad) => (await server.Get($"/api/v1/audit?target={pad.Udid}"))["items"]!.AsArray();

    [Fact]
    public async Task An_iPad_that_left_keeps_its_lists_and_one_that_enrols_anew_or_is_erased_begins_without()
    {
        var pad = await server.Enrol();
        await Answer(pad, "InstalledApplicationList", Apps(("org.a", "1.0")));
        await Answer(pad, "DeviceLocation", "<key>Latitude</key><real>1</real><key>Longitude</key><real>1</real>");
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Of(pad.Udid, "CheckOut", ""), pad.Certificate)).Status);
        Assert.Single(await Items(pad));
        Assert.Empty((await server.Get($"{pad.Path}/location?reason=lost"))["items"]!.AsArray());

        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Authenticate(pad.Udid), pad.Certificate)).Status);
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.TokenUpdate(pad.Udid), pad.Certificate)).Status);
        Assert.Empty(await Items(pad));

        await Answer(pad, "InstalledApplicationList", Apps(("org.b", "1.0")));
        Assert.Equal([("org.b", "1.0")], await Items(pad));
        await Answer(pad, "EraseDevice", "");
        Assert.Empty(await Items(pad));
    }

    [Fact]
    public async Task What_a_grain_that_wakes_does_not_remember_it_reads()
    {
        var pad = await server.Enrol();
        await Answer(pad, "InstalledApplicationList", Apps(("org.a", "1.0"), ("org.b", "1.0")));
        // Describing an iPad makes its grain read everything anew.
        await server.Get(pad.Path);
        await Answer(pad, "InstalledApplicationList", Apps(("org.a", "1.0"), ("org.b", "2.0")));
        await server.Get(pad.Path);
        await Answer(pad, "InstalledApplicationList", Apps(("org.a", "1.0"), ("org.b", "2.0")));
        Assert.Equal([("org.a", "1.0"), ("org.b", "2.0")], await Items(pad));
    }

    [Fact]
    public async Task An_answer_that_comes_after_its_command_has_ended_fills_the_list_too()
    {
        var pad = await server.Enrol();
        async Task<string> Late(string requestType, string more)
        {
            var uuid = await Queue(pad, requestType);
            Assert.Equal(uuid, await pad.Idle());
            Assert.Null(await pad.Report("NotNow", uuid));
            using var cancelled = await server.Admin.DeleteAsync(new Uri($"{pad.Path}/commands/{uuid}", UriKind.Relative));
            Assert.True(cancelled.IsSuccessStatusCode);
            Assert.Null(await pad.Report("Acknowledged", uuid, more));
            return uuid;
        }

        var first = await Late("InstalledApplicationList", Apps(("org.a", "1.0"), ("org.b", "1.0")));
        Assert.Equal([("org.a", "1.0"), ("org.b", "1.0")], await Items(pad));
        Assert.Equal("Acknowledged", (string?)(await pad.Command(first))["state"]);
        await Late("InstalledApplicationList", Apps(("org.a", "2.0"), ("org.c", "1.0")));
        Assert.Equal([("org.a", "2.0"), ("org.c", "1.0")], await Items(pad));
        var changed = (string?)(await server.Get($"{pad.Path}/apps"))["changedAt"];
        await Late("InstalledApplicationList", Apps(("org.a", "2.0"), ("org.c", "1.0")));
        Assert.Equal(changed, (string?)(await server.Get($"{pad.Path}/apps"))["changedAt"]);
        // A second one does nothing, and what comes in time still counts from what stands there.
        Assert.Null(await pad.Report("Acknowledged", first, Apps(("org.z", "1.0"))));
        await Answer(pad, "InstalledApplicationList", Apps(("org.c", "1.0")));
        Assert.Equal([("org.c", "1.0")], await Items(pad));

        // It may have been found since: where it was then is not kept.
        var lost = await Late("DeviceLocation", "<key>Latitude</key><real>59.33</real><key>Longitude</key><real>18.06</real>");
        Assert.Empty((await server.Get($"{pad.Path}/location?reason=late"))["items"]!.AsArray());
        Assert.DoesNotContain("59.33", (await pad.Command(lost)).ToJsonString());
    }

    [Fact]
    public async Task The_apps_of_the_fleet_are_counted_with_their_versions_and_lead_to_the_iPads_that_have_them()
    {
        var fleet = "fleet" + Guid.NewGuid().ToString("N")[..8];
        var pads = new List<EnrolledPad>();
        for (var i = 0; i < 3; i++) pads.Add(await server.Enrol());
        await Answer(pads[0], "InstalledApplicationList", Apps(($"{fleet}.pages", "1.0"), ($"{fleet}.notes_50%", "7")));
        await Answer(pads[1], "InstalledApplicationList", Apps(($"{fleet}.pages", "2.0")));
        await Answer(pads[2], "InstalledApplicationList", Apps(($"{fleet}.pages", "2.0"), ($"{fleet}.other", "1")));
        await server.Service<IInstalledAppStore>().CountAll();

        var list = await server.Get($"/api/v1/apps/installed?q={fleet}");
        Assert.NotNull((string?)list["countedAt"]);
        Assert.Equal([($"{fleet}.pages", 3L), ($"{fleet}.notes_50%", 1L), ($"{fleet}.other", 1L)],
            list["items"]!.AsArray().Select(app => ((string)app!["identifier"]!, (long)app["devices"]!)));
        Assert.Equal([("2.0", 2L), ("1.0", 1L)], list["items"]![0]!["versions"]!.AsArray().Select(one => ((string)one!["version"]!, (long)one["devices"]!)));
        Assert.Equal($"The {fleet}.pages", (string?)list["items"]![0]!["name"]);
        // By its name, in whatever case; a sign that means something to a database means itself.
        Assert.Single((await server.Get($"/api/v1/apps/installed?q=THE+{fleet}.PAGES"))["items"]!.AsArray());
        Assert.Single((await server.Get($"/api/v1/apps/installed?q={fleet}.notes_50%25"))["items"]!.AsArray());
        Assert.Empty((await server.Get($"/api/v1/apps/installed?q={fleet}%25"))["items"]!.AsArray());

        var walked = new List<string>();
        for (string? next = null; ;)
        {
            var page = await server.Get($"/api/v1/apps/installed?q={fleet}&limit=1{(next is null ? "" : "&after=" + Uri.EscapeDataString(next))}");
            walked.AddRange(page["items"]!.AsArray().Select(app => (string)app!["identifier"]!));
            if ((next = (string?)page["next"]) is null) break;
        }

        Assert.Equal([$"{fleet}.pages", $"{fleet}.notes_50%", $"{fleet}.other"], walked);
        var html = await server.Admin.GetStringAsync(new Uri($"/apps?q={fleet}", UriKind.Relative));
        Assert.Contains("2.0 (2), 1.0 (1)", html);
        var link = System.Text.RegularExpressions.Regex.Match(html, "href=\"(/ipads\\?[^\"]*pages[^\"]*)\"").Groups[1].Value;
        var found = await server.Admin.GetStringAsync(new Uri(WebUtility.HtmlDecode(link), UriKind.Relative));
        Assert.All(pads, pad => Assert.Contains($"/ipads/{pad.Udid}", found));
        Assert.Contains("3 iPads that match", found);

        // One that left counts no more: for one app at once, in the list with the next count.
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Of(pads[1].Udid, "CheckOut"), pads[1].Certificate)).Status);
        await Answer(pads[2], "InstalledApplicationList", Apps(($"{fleet}.pages", "3.0")));
        Assert.Equal(2, (long)(await server.Get($"/api/v1/apps/installed/{fleet}.pages"))["devices"]!);
        await server.Service<IInstalledAppStore>().CountAll();
        Assert.Equal([($"{fleet}.pages", 2L), ($"{fleet}.notes_50%", 1L)],
            (await server.Get($"/api/v1/apps/installed?q={fleet}"))["items"]!.AsArray().Select(app => ((string)app!["identifier"]!, (long)app["devices"]!)));
        using var unknown = await server.Admin.GetAsync(new Uri($"/api/v1/apps/installed/{fleet}.other", UriKind.Relative));
        Assert.Equal(404, (int)unknown.StatusCode);
    }

    [Theory]
    [InlineData("?limit=0")]
    [InlineData("?after=x")]
    [InlineData("?after=5")]
    [InlineData("?after=99999999999999999999.a")]
    [InlineData("?colour=red")]
    public async Task A_question_for_apps_that_makes_no_sense_is_refused(string query)
    {
        using var answer = await server.Admin.GetAsync(new Uri("/api/v1/apps/installed" + query, UriKind.Relative));
        Assert.Equal(400, (int)answer.StatusCode);
    }

    [Theory]
    [InlineData("apps?after=", 400)]
    [InlineData("apps?limit=0", 400)]
    [InlineData("apps?q=x", 400)]
    [InlineData("location?limit=1", 400)]
    public async Task A_question_that_makes_no_sense_is_refused(string path, int status)
    {
        var pad = await server.Enrol();
        using var answer = await server.Admin.GetAsync(new Uri($"{pad.Path}/{path}", UriKind.Relative));
        Assert.Equal(status, (int)answer.StatusCode);
        using var stranger = await server.Admin.GetAsync(new Uri($"/api/v1/devices/{Guid.NewGuid()}/apps", UriKind.Relative));
        Assert.Equal(404, (int)stranger.StatusCode);
    }
}

public sealed class InventoryOnSqlite(AdministeredOnSqlite server) : InventoryTests(server), IClassFixture<AdministeredOnSqlite>;

public sealed class InventoryOnPostgreSql(AdministeredOnPostgreSql server) : InventoryTests(server), IClassFixture<AdministeredOnPostgreSql>;
