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
            Assert.DoesNotContain("<script", page);
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
        Assert.Contains("<svg", page);
        Assert.Contains("https://mdm.test/enroll/", page);
        var id = first.Headers.Location!.OriginalString.Split('/')[^1];
        using var revoked = await Post($"/invitations/{id}/revoke", "");
        Assert.DoesNotContain("<svg", await server.Admin.GetStringAsync(revoked.Headers.Location));
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
        Assert.Equal(1, page.Split("Cancel DeviceLock").Length - 1);
        Assert.Equal(1, page.Split("Cancel DeviceInformation").Length - 1);

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
    public async Task What_scrolls_sideways_on_a_phone_can_be_reached_by_keyboard_and_has_a_name()
    {
        var pad = await server.Enrol();
        using var command = await Post($"/ipads/{pad.Id}/lock", "key=" + pad.Id);
        foreach (var path in new[] { "/", "/ipads", "/ipads/" + pad.Id, "/invitations", "/tokens", "/audit", "/docs" })
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

    private async Task<HttpResponseMessage> Post(string path, string form)
    {
        using var content = new StringContent(form, System.Text.Encoding.UTF8, "application/x-www-form-urlencoded");
        return await server.Admin.PostAsync(path, content);
    }
}
