using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>What all pages of the console share: frame, theme, tables, forms, search; and how heavy a page may be.</summary>
public sealed partial class ConsoleFrameTests(AdminServer server)
{
    /// <summary>Of a page with its style and its script, as they travel.</summary>
    private const int LargestPage = 60 * 1024;
    private const int LargestDescription = 90 * 1024;

    private const int LargestFile = 30 * 1024;

    [Fact]
    public async Task The_navigation_shows_the_places_that_a_person_may_open_and_marks_the_present_one()
    {
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        foreach (var (path, mark) in new[] { ("/", "/"), ("/ipads", "/ipads"), ("/invitations", "/invitations"), ("/docs", "/docs") })
        {
            var page = await server.Admin.GetStringAsync(path);
            Assert.Contains($"<a href=\"{mark}\" aria-current=\"page\"", page);
            foreach (var administrators in new[] { "/tokens", "/audit", "/orleans/" })
            {
                Assert.Contains($"<a href=\"{administrators}\"", page);
                Assert.DoesNotContain($"<a href=\"{administrators}\"", await viewer.GetStringAsync(path));
            }
        }

        // A page below a place belongs to it; the overview is not the place of everything.
        var pad = await server.Enrol();
        Assert.Equal(["/ipads"], Current(await server.Admin.GetStringAsync("/ipads/" + pad.Id)).Where(path => !path.Contains(pad.Id)));
    }

    [Fact]
    public async Task The_theme_is_a_cookie_that_a_person_chooses_without_script()
    {
        Assert.DoesNotContain("data-theme=", await server.Admin.GetStringAsync("/ipads"));
        using var chosen = await Choose("theme=dark&returnUrl=/ipads?q=a");
        Assert.Equal(HttpStatusCode.SeeOther, chosen.StatusCode);
        Assert.Equal("/ipads?q=a", chosen.Headers.Location?.OriginalString);
        var cookie = chosen.Headers.GetValues("Set-Cookie").Single();
        Assert.StartsWith("fleetmdm-theme=dark;", cookie);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/ipads");
        request.Headers.Add("Cookie", cookie.Split(';')[0]);
        using var page = await server.Admin.SendAsync(request);
        Assert.Contains("data-theme=\"dark\"", await page.Content.ReadAsStringAsync());
        using var again = await Choose("theme=system");
        Assert.StartsWith("fleetmdm-theme=;", again.Headers.GetValues("Set-Cookie").Single());

        using var elsewhere = await Choose("theme=dark&returnUrl=//evil.example");
        Assert.Equal("/", elsewhere.Headers.Location?.OriginalString);
        using var unknown = await Choose("theme=pink");
        Assert.Equal(HttpStatusCode.BadRequest, unknown.StatusCode);
        using var foreign = await Choose("theme=dark", site: "cross-site");
        Assert.Equal(HttpStatusCode.Forbidden, foreign.StatusCode);
        using var made = new HttpRequestMessage(HttpMethod.Get, "/ipads");
        made.Headers.Add("Cookie", "fleetmdm-theme=\"><script>");
        using var plain = await server.Admin.SendAsync(made);
        Assert.DoesNotContain("data-theme=", await plain.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task The_search_goes_straight_to_the_one_iPad_that_is_meant()
    {
        var one = await server.Enrol(serial: "SUCHE0001", name: "Suche Eins");
        var ten = await server.Enrol(serial: "SUCHE00010", name: "Suche Eins B");
        async Task<string?> Find(string text)
        {
            using var response = await server.Admin.GetAsync("/search?q=" + Uri.EscapeDataString(text));
            Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
            return response.Headers.Location?.OriginalString;
        }

        Assert.Equal("/ipads/" + one.Id, await Find("SUCHE0001"));
        Assert.Equal("/ipads/" + one.Id, await Find(" suche0001 "));
        Assert.Equal("/ipads/" + one.Id, await Find("suche eins"));
        Assert.Equal("/ipads/" + one.Id, await Find(one.Id));
        Assert.Equal("/ipads/" + ten.Id, await Find("eins b"));
        Assert.Equal("/ipads?q=suche", await Find("suche"));
        Assert.Equal("/ipads?q=%26nobody%3D", await Find("&nobody="));
        Assert.Equal("/ipads", await Find(" "));
    }

    [Fact]
    public async Task Columns_are_chosen_in_the_address()
    {
        await server.Enrol(name: "Spalte");
        async Task<string[]> Shown(string query) =>
            [.. Heading().Matches(await server.Admin.GetStringAsync("/ipads?q=spalte" + query)).Select(match => match.Groups[1].Value)];

        Assert.Equal(["Name", "Serial number", "Status", "Model", "iPadOS", "School", "Last seen"], await Shown(""));
        Assert.Equal(["Name", "Battery", "Storage"], await Shown("&columns=battery.storage.colour"));
        Assert.Equal(["Name"], await Shown("&columns=name"));
        var page = WebUtility.HtmlDecode(await server.Admin.GetStringAsync("/ipads?q=spalte&sort=-name"));
        Assert.Contains("href=\"/ipads?q=spalte&sort=-name&columns=status.model.os.school.seen\" aria-label=\"Hide Serial number\"", page);
        // The choice stays with the order, and leaves the target of a command alone.
        var chosen = WebUtility.HtmlDecode(await server.Admin.GetStringAsync("/ipads?q=spalte&columns=battery"));
        Assert.Contains("href=\"/ipads?q=spalte&sort=-name&columns=battery\"", chosen);
        Assert.Contains("href=\"/operations/new?q=spalte\"", chosen);
    }

    [Fact]
    public async Task What_a_list_is_filtered_by_can_be_taken_away_one_by_one()
    {
        var page = WebUtility.HtmlDecode(await server.Admin.GetStringAsync("/ipads?q=nobody&status=enrolled&notSeenFor=14&sort=-name"));
        Assert.Contains("aria-label=\"Remove the filter Status: Enrolled\"", page);
        Assert.Contains("href=\"/ipads?q=nobody&notSeenFor=14&sort=-name\"", page);
        Assert.Contains("No iPad matches.", page);
        var audit = WebUtility.HtmlDecode(await server.Admin.GetStringAsync("/audit?verb=token.&who=nobody"));
        Assert.Contains("href=\"/audit?verb=token.\" aria-label=\"Remove the filter Who: nobody\"", audit);
    }

    [Fact]
    public async Task A_command_for_the_selected_iPads_is_for_them_alone_and_a_selection_of_none_is_for_none()
    {
        var pads = new[] { await server.Enrol(name: "Wahl 1"), await server.Enrol(name: "Wahl 2"), await server.Enrol(name: "Wahl 3") };
        Assert.Contains($"name=\"id\" value=\"{pads[0].Id}\" aria-label=\"Select Wahl 1\"", await server.Admin.GetStringAsync("/ipads?q=wahl"));
        Assert.Contains("No enrolled iPad is selected", await server.Admin.GetStringAsync("/operations/new?selected=true"));
        var asked = await server.Admin.GetStringAsync($"/operations/new?selected=true&id={pads[0].Id}&id={pads[2].Id}&id=NOBODY");
        Assert.Contains("Send a command to 2 iPads", asked);
        Assert.Contains("Wahl 3", asked);
        Assert.DoesNotContain("Wahl 2", asked);

        using var check = await server.SendToMany(("ids", $"{pads[0].Id}\r\n{pads[2].Id}"), ("type", "DeviceLock"));
        using var started = await server.Confirm(await check.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.SeeOther, started.StatusCode);
        var operation = await server.Admin.GetStringAsync(started.Headers.Location);
        Assert.Contains("Lock for 2 iPads", operation);
        Assert.DoesNotContain("Wahl 2", operation);
        Assert.Contains("2 iPads have not done it yet", await server.Admin.GetStringAsync(started.Headers.Location + "/cancel"));
        using var many = await server.Admin.GetAsync("/operations/new?selected=true" + string.Concat(Enumerable.Range(0, 101).Select(i => $"&id=A{i}")));
        Assert.Equal(HttpStatusCode.BadRequest, many.StatusCode);
    }

    [Fact]
    public async Task A_form_that_is_refused_keeps_what_was_typed_and_says_at_the_field_what_is_wrong()
    {
        foreach (var (path, form, field, kept) in new[]
        {
            ("/invitations", "name=Trolley+9&maxUses=none&expiresInDays=7", "maxUses", new[] { "value=\"Trolley 9\"", "value=\"none\"", "value=\"7\"" }),
            ("/invitations", "name=Trolley+9&maxUses=3&expiresInDays=9000&allowReenrolment=true", "expiresInDays", ["value=\"9000\"", "value=\"true\" checked"]),
            ("/invitations", "onlyFor=GOOD1%0D%0A%C3%A4%C3%B6", "onlyFor", ["GOOD1"]),
            ("/tokens", "name=&role=administrator&secrets=true&expiresInDays=5", "name", ["value=\"administrator\" selected", "value=\"true\" selected", "value=\"5\""]),
            ("/tokens", "name=Anna&role=viewer&expiresInDays=0", "expiresInDays", ["value=\"Anna\"", "value=\"0\""]),
        })
        {
            using var content = new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded");
            using var refused = await server.Admin.PostAsync(path, content);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            var page = WebUtility.HtmlDecode(await refused.Content.ReadAsStringAsync());
            Assert.Contains("role=\"alert\"", page);
            Assert.Contains($"href=\"#{field}\"", page);
            Assert.Contains($"id=\"{field}-error\"", page);
            Assert.Matches($"id=\"{field}\"[^>]* aria-invalid=\"true\"", page);
            Assert.All(kept, value => Assert.Contains(value, page));
        }
    }

    [Fact]
    public async Task An_iPads_page_has_a_tab_for_each_part_with_an_address_of_its_own()
    {
        var pad = await server.Enrol();
        var uuid = await pad.Send();
        var page = await server.Admin.GetStringAsync("/ipads/" + pad.Id);
        foreach (var tab in new[] { "commands", "history" }) Assert.Contains($"<a href=\"/ipads/{pad.Id}/{tab}\"", page);
        Assert.Contains("Commands<span class=\"count\">1</span>", page);
        Assert.Contains(uuid, await server.Admin.GetStringAsync($"/ipads/{pad.Id}/commands"));
        Assert.Contains("command.send", await server.Admin.GetStringAsync($"/ipads/{pad.Id}/history"));
        for (var i = 0; i < 51; i++)
        {
            var sent = await pad.Send();
            await pad.Answer(i == 0 ? uuid : sent);
            if (i == 0) await pad.Answer(sent);
        }

        var first = await server.Admin.GetStringAsync($"/ipads/{pad.Id}/commands");
        var older = WebUtility.HtmlDecode(first.Split("rel=\"next\"")[0].Split("href=\"")[^1].Split('"')[0]);
        Assert.DoesNotContain(uuid, first);
        Assert.Contains(uuid, await server.Admin.GetStringAsync(older));
        using var nobody = await server.Admin.GetAsync("/ipads/NOBODY/commands");
        Assert.Equal(HttpStatusCode.NotFound, nobody.StatusCode);
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        Assert.DoesNotContain("/history\"", await viewer.GetStringAsync("/ipads/" + pad.Id));
    }

    [Fact]
    public async Task The_overview_says_what_is_not_well_with_links_to_it()
    {
        var pad = await server.Enrol(serial: "SCHLAF1");
        await server.Execute($"UPDATE devices SET authenticated_at = 1, enrolled_at = 1 WHERE id = '{pad.Id}'");
        await server.Execute($"INSERT INTO device_activity (id, last_seen_at) VALUES ('{pad.Id}', 2) ON CONFLICT (id) DO UPDATE SET last_seen_at = 2");
        // The count of a moment ago is shown for a hundred times as long as it took.
        var page = "";
        for (var tries = 0; tries < 2_000 && !page.Contains("not seen for 14 days", StringComparison.Ordinal); tries++) page = await server.Admin.GetStringAsync("/");
        Assert.Contains("href=\"/ipads?status=Enrolled&amp;notSeenFor=14\"", page);
        Assert.Contains("SCHLAF1", await server.Admin.GetStringAsync("/ipads?status=Enrolled&notSeenFor=14"));
        Assert.Contains("No push certificate: no iPad can enrol or be woken", page);
        Assert.Contains("The server&#x27;s first token still works", page);
        Assert.Contains("To enrol the first iPad", page);
        // A form for a certificate is no part of an overview.
        Assert.DoesNotContain("type=\"file\"", page);
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        Assert.DoesNotContain("first token", await viewer.GetStringAsync("/"));
    }

    [Fact]
    public async Task A_page_with_all_that_it_loads_stays_within_its_budget_and_asks_nobody_else()
    {
        for (var i = 0; i < 60; i++) await server.Enrol(name: $"Gewicht {i} mit einem langen Namen");
        var pad = await server.Enrol(name: "Gewicht");
        for (var i = 0; i < 15; i++) await pad.Send();
        using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = server.Address };
        browser.DefaultRequestHeaders.Add("Authorization", "Bearer " + server.Token);
        browser.DefaultRequestHeaders.Add("Accept-Encoding", "br, gzip");

        var files = 0;
        foreach (var file in Loaded(await server.Admin.GetStringAsync("/ipads")))
        {
            using var response = await browser.GetAsync(file);
            var bytes = await response.Content.ReadAsByteArrayAsync();
            Assert.Equal("br", response.Content.Headers.ContentEncoding.Single());
            Assert.Contains("immutable", response.Headers.CacheControl!.ToString());
            Assert.InRange(bytes.Length, 1, LargestFile);
            using var plain = await server.Admin.GetAsync(file);
            Assert.InRange((await plain.Content.ReadAsByteArrayAsync()).Length, 1, LargestFile);
            files += bytes.Length;
        }

        foreach (var path in new[] { "/", "/ipads", "/ipads?columns=serial.status.model.os.supervised.school.battery.storage.enrolled.seen", "/ipads/" + pad.Id, $"/ipads/{pad.Id}/commands", "/operations", "/invitations", "/tokens", "/audit", "/push-certificate", "/docs" })
        {
            using var response = await browser.GetAsync(path);
            var bytes = await response.Content.ReadAsByteArrayAsync();
            // What shows secrets does not travel compressed: a proxy that compresses it knows what it does.
            var sent = path == "/docs" ? bytes.Length : Compressed(bytes);
            Assert.Equal(path == "/docs", response.Content.Headers.ContentEncoding.Count > 0);
            // The description of REST is one page, so that a browser finds everything in it.
            Assert.True(sent + files <= (path == "/docs" ? LargestDescription : LargestPage), $"{path} has {sent} bytes, and its files {files}");
            if (path == "/docs") continue;
            Assert.All(Loaded(Encoding.UTF8.GetString(bytes)), file => Assert.StartsWith("/console/", file));
        }
    }

    private static int Compressed(byte[] bytes)
    {
        using var small = new MemoryStream();
        using (var gzip = new GZipStream(small, CompressionLevel.Optimal, leaveOpen: true)) gzip.Write(bytes);
        return (int)small.Length;
    }

    /// <summary>What a browser loads by itself.</summary>
    private static IEnumerable<string> Loaded(string page) =>
        Source().Matches(page).Select(match => match.Groups[1].Value).Where(path => !path.StartsWith("data:", StringComparison.Ordinal));

    private static IEnumerable<string> Current(string page) => Marked().Matches(page).Select(match => match.Groups[1].Value);

    private async Task<HttpResponseMessage> Choose(string form, string site = "same-origin")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/theme") { Content = new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded") };
        request.Headers.Add("Sec-Fetch-Site", site);
        return await server.Admin.SendAsync(request);
    }

    [GeneratedRegex("<th scope=\"col\"[^>]*>(?:<a [^>]*>)?([^<]+)")]
    private static partial Regex Heading();

    [GeneratedRegex("(?:<link [^>]*href|<script src|<img [^>]*src)=\"([^\"]+)\"")]
    private static partial Regex Source();

    [GeneratedRegex("<a href=\"([^\"]+)\" aria-current=\"page\"")]
    private static partial Regex Marked();
}
