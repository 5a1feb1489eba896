using System.Net;
using System.Text;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>The forms that are made from the catalogue.</summary>
public sealed class CommandFormTests(AdminServer server)
{
    [Fact]
    public async Task Every_command_has_a_form()
    {
        var pad = await server.Enrol();
        var list = await server.Admin.GetStringAsync($"/ipads/{pad.Id}/command");
        using var types = await server.Admin.GetAsync("/api/v1/command-types");
        foreach (var type in (await AdminServer.Body(types, 200))["items"]!.AsArray().Select(item => (string)item!["requestType"]!))
        {
            Assert.Contains($"/ipads/{pad.Id}/command/{type}\"", list, StringComparison.Ordinal);
            using var form = await server.Admin.GetAsync($"/ipads/{pad.Id}/command/{type}");
            Assert.Equal(HttpStatusCode.OK, form.StatusCode);
        }

        using var none = await server.Admin.GetAsync($"/ipads/{pad.Id}/command/MakeCoffee");
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
    }

    [Fact]
    public async Task What_is_filled_in_is_sent()
    {
        var pad = await server.Enrol();
        using var sent = await Post(pad.Id, "InstalledApplicationList", ("key", "a"), ("identifiers", "a.b\r\nc.d\r\n"), ("managedAppsOnly", "true"), ("items", ""));
        Assert.Equal(HttpStatusCode.SeeOther, sent.StatusCode);
        Assert.Contains(
            "<key>Identifiers</key><array><string>a.b</string><string>c.d</string></array><key>ManagedAppsOnly</key><true/></dict>",
            Encoding.UTF8.GetString((await pad.Idle()).Body!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_setting_is_chosen_and_then_filled_in()
    {
        var pad = await server.Enrol();
        Assert.DoesNotContain("method=\"post\" action=\"/ipads/" + pad.Id + "/command/", await server.Admin.GetStringAsync($"/ipads/{pad.Id}/command/Settings"), StringComparison.Ordinal);
        Assert.Contains("name=\"deviceName\"", await server.Admin.GetStringAsync($"/ipads/{pad.Id}/command/Settings?item=DeviceName"), StringComparison.Ordinal);

        using var wrong = await Post(pad.Id, "Settings", ("settings.item", "DeviceName"), ("deviceName", ""));
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Contains("id=\"field-deviceName-error\"", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        using var sent = await Post(pad.Id, "Settings", ("settings.item", "DeviceName"), ("deviceName", "Room 12"));
        Assert.Equal(HttpStatusCode.SeeOther, sent.StatusCode);
        Assert.Contains(
            "<key>Settings</key><array><dict><key>Item</key><string>DeviceName</string><key>DeviceName</key><string>Room 12</string></dict></array>",
            Encoding.UTF8.GetString((await pad.Idle()).Body!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_takes_something_away_asks_for_a_word_and_nothing_typed_is_lost()
    {
        var pad = await server.Enrol();
        using var unconfirmed = await Post(pad.Id, "RemoveProfile", ("identifier", "example.wifi"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, unconfirmed.StatusCode);
        var page = await unconfirmed.Content.ReadAsStringAsync();
        Assert.Contains("value=\"example.wifi\"", page, StringComparison.Ordinal);
        Assert.Contains("name=\"confirm\"", page, StringComparison.Ordinal);
        Assert.Empty((await pad.Idle()).Body ?? []);
    }

    [Theory]
    [InlineData("message")]
    [InlineData("hostedApp")]
    [InlineData("settings[0].deviceName")]
    [InlineData("settings.item")]
    [InlineData("returnToService.enabled")]
    public async Task A_field_that_the_form_of_this_command_does_not_have_is_refused_and_named(string field)
    {
        var pad = await server.Enrol();
        using var refused = await Post(pad.Id, "InstalledApplicationList", ("managedAppsOnly", "true"), (field, "1"));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("This form has no such field.", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Null((await pad.Idle()).Body);
    }

    [Fact]
    public async Task Viewers_see_no_form()
    {
        var pad = await server.Enrol();
        var (_, token) = await server.MakeToken("viewer");
        using var viewer = server.Client(token);
        foreach (var path in new[] { $"/ipads/{pad.Id}/command", $"/ipads/{pad.Id}/command/DeviceLock" })
        {
            using var refused = await viewer.GetAsync(path);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }
    }

    private async Task<HttpResponseMessage> Post(string id, string type, params (string Name, string Value)[] fields)
    {
        using var form = new MultipartFormDataContent();
        foreach (var (name, value) in fields) form.Add(new StringContent(value), name);
        return await server.Admin.PostAsync($"/ipads/{id}/command/{type}", form);
    }
}
