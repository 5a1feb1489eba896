using System.Net;

namespace FleetMdm.Api.Tests.Admin;

public sealed class ConsoleTests(AdminServer server)
{
    [Fact]
    public async Task What_an_iPad_calls_itself_cannot_become_part_of_a_page()
    {
        var pad = await server.Enrol(name: "<script>alert(1)</script>\"'&");
        foreach (var path in new[] { "/ipads?q=" + pad.Id, "/ipads/" + pad.Id })
        {
            var page = await server.Admin.GetStringAsync(path);
            Assert.Single(page.Split("<script")[1..]);
            Assert.DoesNotContain("<script>", page);
            Assert.Contains("&lt;script&gt;", page);
        }
    }

    [Fact]
    public async Task A_form_that_is_sent_twice_makes_one_invitation()
    {
        var form = "key=" + Guid.NewGuid().ToString("N") + "&name=Twice&maxUses=3&expiresInDays=";
        using var first = await Post("/invitations", form);
        using var second = await Post("/invitations", form);
        Assert.Equal(HttpStatusCode.SeeOther, first.StatusCode);
        Assert.Equal(first.Headers.Location, second.Headers.Location);

        var page = await server.Admin.GetStringAsync(first.Headers.Location);
        Assert.Contains("class=\"qr\"", page);
        Assert.Contains("https://mdm.test/enroll/", page);
        var id = first.Headers.Location!.OriginalString.Split('/')[^1];
        using var revoked = await Post($"/invitations/{id}/revoke", "");
        Assert.DoesNotContain("class=\"qr\"", await server.Admin.GetStringAsync(revoked.Headers.Location));
    }

    [Fact]
    public async Task A_file_that_is_no_push_certificate_is_refused_on_the_page()
    {
        foreach (var (file, status) in new[] { ("no certificate", HttpStatusCode.Conflict), ("", HttpStatusCode.BadRequest), (new string('a', 2_000_000), HttpStatusCode.RequestEntityTooLarge) })
        {
            using var form = new MultipartFormDataContent { { new StringContent(file), "certificate", "push.pem" }, { new StringContent(""), "password" } };
            using var response = await server.Admin.PostAsync("/push-certificate", form);
            Assert.Equal(status, response.StatusCode);
        }

        using var json = await server.Admin.PostAsync("/push-certificate", AdminServer.Json("{}"));
        await AdminServer.Problem(json, 415);
    }

    [Fact]
    public async Task The_buttons_of_an_iPads_page_queue_and_cancel_commands()
    {
        var pad = await server.Enrol();
        var path = "/ipads/" + pad.Id;
        using var locked = await Post(path + "/lock", "key=a");
        Assert.Equal(path + "?done=lock", locked.Headers.Location?.OriginalString);
        using var again = await Post(path + "/lock", "key=a");
        using var asked = await Post(path + "/query", "key=b");
        var page = await server.Admin.GetStringAsync(path);
        Assert.Equal(1, page.Split("Cancel Lock").Length - 1);
        Assert.Equal(1, page.Split("Cancel Ask for details").Length - 1);

        using var device = await server.Admin.GetAsync(pad.Path);
        foreach (var command in (await AdminServer.Body(device, 200))["queue"]!.AsArray())
        {
            using var cancelled = await Post($"{path}/commands/{(string?)command!["commandUuid"]}/cancel", "");
            Assert.Equal(HttpStatusCode.SeeOther, cancelled.StatusCode);
        }

        Assert.Null((await pad.Idle()).Body);
    }

    [Fact]
    public async Task What_cannot_be_done_is_said_on_the_page()
    {
        var pad = await server.Enrol();
        using var removed = await server.Admin.DeleteAsync(pad.Path);
        using var push = await Post($"/ipads/{pad.Id}/push", "key=a");
        Assert.Equal(HttpStatusCode.Conflict, push.StatusCode);
        Assert.Contains("role=\"alert\"", await push.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task The_list_pages_through_all_iPads_with_its_links()
    {
        for (var i = 0; i < 51; i++) await server.Enrol(name: "Konsole 815");
        var first = await server.Admin.GetStringAsync("/ipads?q=konsole+815");
        var next = WebUtility.HtmlDecode(first.Split("rel=\"next\"")[0].Split("href=\"")[^1].Split('"')[0]);
        Assert.StartsWith("/ipads?q=konsole", next);
        var second = await server.Admin.GetStringAsync(next);
        Assert.Equal(50, first.Split(">Konsole 815</a>").Length - 1);
        Assert.Equal(1, second.Split(">Konsole 815</a>").Length - 1);
        Assert.DoesNotContain("rel=\"next\"", second);
    }

    [Fact]
    public async Task The_list_has_a_total_filters_and_an_order_in_its_address()
    {
        foreach (var (serial, name) in new[] { ("ORDNUNG3", "ordnung b"), ("ORDNUNG1", "Ordnung C"), ("ORDNUNG2", "Ordnung A") }) await server.Enrol(serial, name);
        async Task<string[]> Listed(string query)
        {
            var page = await server.Admin.GetStringAsync("/ipads?q=ordnung" + query);
            return [.. page.Split("<th scope=\"row\">")[1..].Select(row => row.Split("</a>")[0].Split('>')[^1])];
        }

        Assert.Equal(["Ordnung A", "ordnung b", "Ordnung C"], await Listed(""));
        Assert.Equal(["Ordnung C", "ordnung b", "Ordnung A"], await Listed("&sort=-name"));
        Assert.Equal(["Ordnung C", "Ordnung A", "ordnung b"], await Listed("&sort=serialNumber"));
        Assert.Empty(await Listed("&school=Nowhere"));
        Assert.Empty(await Listed("&notSeenFor=7"));
        Assert.Equal(3, (await Listed("&status=Enrolled&osVersion=18.&productName=iPad14,1&school=&notSeenFor=")).Length);
        var page = await server.Admin.GetStringAsync("/ipads?q=ordnung");
        Assert.Contains("3 iPads that match", page);
        Assert.Contains("aria-sort=\"ascending\"", page);
        Assert.Contains("href=\"/ipads\" aria-current=\"page\"", page);
        foreach (var wrong in new[] { "?scool=a", "?sort=colour", "?after=.", "?notSeenFor=0" })
        {
            using var refused = await server.Admin.GetAsync("/ipads" + wrong);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }
    }

    [Fact]
    public async Task What_cannot_be_taken_back_from_one_iPad_is_asked_for_first()
    {
        var pad = await server.Enrol(serial: "ABFRAGE1");
        var path = "/ipads/" + pad.Id;
        foreach (var (action, words) in new[] { ("clear-passcode", "Clear passcode"), ("erase", "Erase"), ("remove", null) })
        {
            Assert.Contains("ABFRAGE1", await server.Admin.GetStringAsync($"{path}/{action}"));
            foreach (var word in new[] { "", "&confirm=abfrage2" })
            {
                using var refused = await Post($"{path}/{action}", "key=a" + word);
                Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
                Assert.Contains("Nothing was done", await refused.Content.ReadAsStringAsync());
            }

            Assert.Equal("Enrolled", await Status(pad));
            using var done = await Post($"{path}/{action}", "key=b&confirm=+abfrage1+");
            Assert.Equal($"{path}?done={action}", done.Headers.Location?.OriginalString);
            var page = await server.Admin.GetStringAsync(done.Headers.Location);
            if (words is not null) Assert.Contains($"Cancel {words}", page);
        }

        Assert.Equal("Removed", await Status(pad));
    }

    [Fact]
    public async Task A_profile_is_installed_and_an_iPad_restarted_by_its_page()
    {
        var pad = await server.Enrol();
        var path = "/ipads/" + pad.Id;
        using var restarted = await Post(path + "/restart", "key=a");
        Assert.Equal(HttpStatusCode.SeeOther, restarted.StatusCode);
        Assert.Contains("enctype=\"multipart/form-data\"", await server.Admin.GetStringAsync(path + "/profile"));
        foreach (var (file, status) in new[] { ("", HttpStatusCode.BadRequest), ("no profile", HttpStatusCode.UnprocessableEntity), (Profile, HttpStatusCode.SeeOther) })
        {
            using var form = new MultipartFormDataContent { { new StringContent(file), "profile", "a.mobileconfig" }, { new StringContent("k" + file.Length), "key" } };
            using var response = await server.Admin.PostAsync(path + "/profile", form);
            Assert.Equal(status, response.StatusCode);
        }

        var page = await server.Admin.GetStringAsync(path);
        Assert.Contains("Cancel Restart", page);
        Assert.Contains("Cancel Install profile", page);
    }

    [Fact]
    public async Task A_command_for_many_is_filled_in_checked_and_confirmed()
    {
        var pads = new List<TestPad>();
        foreach (var number in new[] { 1, 2, 3 }) pads.Add(await server.Enrol(name: $"Menge {number}"));
        var asked = await server.Admin.GetStringAsync("/operations/new?q=menge");
        Assert.Contains("Send a command to 3 iPads", asked);
        Assert.Contains("Menge 2", asked);
        Assert.Contains("value=\"EnableLostMode\"", asked);
        Assert.Contains("name=\"message\"", await server.Admin.GetStringAsync("/operations/new?q=menge&type=EnableLostMode"));
        Assert.Contains("name=\"deviceName\"", await server.Admin.GetStringAsync("/operations/new?q=menge&type=Settings&item=DeviceName"));

        // What is wrong is said at the field, and nothing that was typed is lost.
        using var wrong = await server.SendToMany(("q", "menge"), ("type", "RemoveProfile"), ("identifier", new string('x', 300)));
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        var again = await wrong.Content.ReadAsStringAsync();
        Assert.Contains("id=\"field-identifier-error\"", again);
        Assert.Contains($"value=\"{new string('x', 300)}\"", again);

        await pads[1].Tell(new Grains.Interfaces.DeviceFacts { IsSupervised = false });
        using var left = await server.SendToMany(("q", "menge"), ("type", "ShutDownDevice"));
        var check = await left.Content.ReadAsStringAsync();
        Assert.Contains("ShutDownDevice needs supervision.", check);
        Assert.Contains("Menge 2</a>", check);
        Assert.Contains("2 iPads</button>", check);
        Assert.Null((await pads[0].Idle()).Body);

        using var shown = await server.SendToMany(("q", "menge"), ("type", "EraseDevice"));
        Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
        var page = await shown.Content.ReadAsStringAsync();
        foreach (var typed in new[] { "", "2", "three" })
        {
            using var refused = await server.Confirm(page, typed);
            Assert.Equal(typed == "three" ? 400 : 409, (int)refused.StatusCode);
            Assert.Contains("role=\"alert\"", await refused.Content.ReadAsStringAsync());
        }

        using var started = await server.Confirm(page, "3");
        Assert.Equal(HttpStatusCode.SeeOther, started.StatusCode);
        var operation = await server.Admin.GetStringAsync(started.Headers.Location);
        Assert.Contains("Erase for 3 iPads", operation);
        Assert.Contains("Menge 2", operation);
        Assert.Contains("search \u201cmenge\u201d", WebUtility.HtmlDecode(operation));
        Assert.DoesNotContain("Menge 2", await server.Admin.GetStringAsync(started.Headers.Location + "?status=failed"));
        Assert.Contains(started.Headers.Location!.OriginalString, await server.Admin.GetStringAsync("/operations"));

        using var cancelled = await Post(started.Headers.Location + "/cancel", "");
        Assert.Equal(HttpStatusCode.SeeOther, cancelled.StatusCode);
        Assert.Contains("3 cancelled or ended", await server.Admin.GetStringAsync(started.Headers.Location));

        // A page that is too old, and one for which the number has changed since.
        using var harmless = await server.SendToMany(("q", "menge"), ("type", "DeviceLock"), ("message", "Back soon"));
        var lockPage = await harmless.Content.ReadAsStringAsync();
        await server.Enrol(name: "Menge 4");
        using var changed = await server.Confirm(lockPage);
        Assert.Equal(HttpStatusCode.Conflict, changed.StatusCode);
        var renewed = await changed.Content.ReadAsStringAsync();
        Assert.Contains("3 iPads were confirmed, and the target is 4 iPads by now.", renewed);
        using var locked = await server.Confirm(renewed);
        Assert.Equal(HttpStatusCode.SeeOther, locked.StatusCode);
        Assert.Contains("Lock for 4 iPads", await server.Admin.GetStringAsync(locked.Headers.Location));
        Assert.Contains("No enrolled iPad matches", await server.Admin.GetStringAsync("/operations/new?school=Nowhere"));
        using var nobody = await server.Admin.GetAsync("/operations/" + Guid.NewGuid());
        Assert.Equal(HttpStatusCode.NotFound, nobody.StatusCode);
    }

    [Fact]
    public async Task A_viewer_is_offered_nothing_that_changes_something()
    {
        var pad = await server.Enrol();
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        foreach (var path in new[] { "/ipads", "/operations", "/ipads/" + pad.Id })
            Assert.DoesNotContain("method=\"post\"", (await viewer.GetStringAsync(path)).Replace("<form method=\"post\" action=\"/logout\">", "").Replace("<form method=\"post\" action=\"/theme\"", ""));
        foreach (var path in new[]
        {
            "/operations/new", $"/ipads/{pad.Id}/erase", $"/ipads/{pad.Id}/profile", $"/ipads/{pad.Id}/history", "/invitations/new", "/invitations/1/revoke", "/tokens", "/tokens/new",
            $"/operations/{Guid.NewGuid()}/cancel", "/audit",
        })
        {
            using var refused = await viewer.GetAsync(path);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }

        foreach (var path in new[] { "/operations", $"/operations/{Guid.NewGuid()}/cancel", $"/ipads/{pad.Id}/erase", $"/ipads/{pad.Id}/restart", $"/ipads/{pad.Id}/remove" })
        {
            using var content = new StringContent("confirm=" + pad.Id, System.Text.Encoding.UTF8, "application/x-www-form-urlencoded");
            using var refused = await viewer.PostAsync(path, content);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }
    }

    [Fact]
    public async Task What_scrolls_sideways_on_a_phone_can_be_reached_by_keyboard_and_has_a_name()
    {
        var pad = await server.Enrol();
        using var command = await Post($"/ipads/{pad.Id}/lock", "key=" + pad.Id);
        foreach (var path in new[] { "/", "/ipads", "/ipads/" + pad.Id, $"/ipads/{pad.Id}/commands", $"/ipads/{pad.Id}/history", "/operations", "/invitations", "/tokens", "/audit", "/docs" })
        {
            var page = await server.Admin.GetStringAsync(path);
            Assert.All(page.Split("class=\"scroll\"")[1..], rest => Assert.Matches("^ role=\"group\" tabindex=\"0\" aria-label=\"[^\"]+\">", rest));
            Assert.All(page.Split("<pre")[1..], rest => Assert.StartsWith(" tabindex=\"0\">", rest));
        }
    }

    [Fact]
    public async Task A_person_is_shown_errors_as_a_page()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/ipads/NOBODY");
        request.Headers.Add("Accept", "text/html");
        using var response = await server.Admin.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("text/html", response.Content.Headers.ContentType?.MediaType);
    }

    private const string Profile = "<plist version=\"1.0\"><dict><key>PayloadType</key><string>Configuration</string><key>PayloadVersion</key><integer>1</integer>" +
        "<key>PayloadIdentifier</key><string>example.console</string><key>PayloadUUID</key><string>5B0F2E6C-1D8A-4D8B-9C5E-1F2A3B4C5D6E</string>" +
        "<key>PayloadContent</key><array/></dict></plist>";

    private static async Task<string?> Status(TestPad pad)
    {
        using var response = await pad.Server.Admin.GetAsync(pad.Path);
        return (string?)(await AdminServer.Body(response, 200))["status"];
    }

    private async Task<HttpResponseMessage> Post(string path, string form)
    {
        using var content = new StringContent(form, System.Text.Encoding.UTF8, "application/x-www-form-urlencoded");
        return await server.Admin.PostAsync(path, content);
    }
}
