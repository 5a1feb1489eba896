using System.Net;
using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Return to Service in the console, and what stands on the overview.</summary>
public sealed class ReturnPageTests(AdminServer server) : IClassFixture<AdminServer>
{
    private async Task<string> Wifi(string more = "\"Password\": \"pupils-and-more\"")
    {
        using var made = await server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json($$$"""
            {"profile": {"PayloadDisplayName": "Cart network", "PayloadIdentifier": "example.{{{Guid.NewGuid():N}}}", "PayloadContent": [{"PayloadType": "com.apple.wifi.managed", "SSID_STR": "School",
              "EncryptionType": "WPA2", {{{more}}} }]}}
            """));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    private async Task<(int Status, string Page, Uri? See)> Post(string path, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        using var answer = await server.Admin.PostAsync(path, form);
        return ((int)answer.StatusCode, WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync()), answer.Headers.Location);
    }

    private static string Field(string page, string name) => page.Split($"name=\"{name}\" value=\"")[1].Split("\" />")[0];

    [Fact]
    public async Task Somebody_chooses_sees_types_the_number_and_finds_those_that_are_missing()
    {
        var (a, b) = (await server.Enrol(serial: "RTSA1", name: "Cart 1"), await server.Enrol(serial: "RTSB1", name: "Cart 2"));
        var wifi = await Wifi();
        Assert.Contains("Cart network", await server.Admin.GetStringAsync("/operations/returns/new?filter=serial:RTSA1"), StringComparison.Ordinal);
        var check = await Post("/operations/returns", ("key", "k1"), ("filter", "serial:RTSA1 or serial:RTSB1"), ("wifiProfileId", wifi), ("hours", "2"), ("pace-waves", "usual"));
        Assert.Equal(200, check.Status);
        Assert.Contains("Erase 2 iPads that come back?", check.Page, StringComparison.Ordinal);
        Assert.Contains("the first 10, then up to 10%", check.Page, StringComparison.OrdinalIgnoreCase);

        (string, string)[] confirm = [("key", "k2"), ("request", Field(check.Page, "request")), ("confirmation", Field(check.Page, "confirmation"))];
        var wrong = await Post("/operations/returns", [.. confirm, ("expected", "3")]);
        Assert.True(wrong.Status == 400, wrong.Page);
        Assert.DoesNotContain(JsonNode.Parse(await server.Admin.GetStringAsync("/api/v1/returns"))!["items"]!.AsArray(), one => (string?)one!["wifiProfileId"] == wifi);
        var started = await Post("/operations/returns", [.. confirm, ("expected", "2")]);
        Assert.Equal(303, started.Status);
        var id = started.See!.ToString().Split('/')[^1];

        await server.Execute($"UPDATE return_devices SET handed_at = 1, erased_at = 1, due_at = 2 WHERE operation_id = '{id}' AND enrolment_id = '{a.Id}'");
        var page = WebUtility.HtmlDecode(await server.Admin.GetStringAsync(started.See));
        Assert.Contains("iPads are missing", page, StringComparison.Ordinal);
        Assert.Contains("Cart 1", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Cart 2", page, StringComparison.Ordinal);
        Assert.Contains("was not heard of since", page, StringComparison.Ordinal);
        Assert.Contains($"/ipads/{a.Id}", page, StringComparison.Ordinal);
        Assert.Contains("did not come back from Return to Service", await server.Admin.GetStringAsync("/"), StringComparison.Ordinal);
        Assert.Contains(b.Id, await server.Admin.GetStringAsync($"/operations/returns/{id}?state=all"), StringComparison.Ordinal);

        Assert.Equal(303, (await Post($"/operations/returns/{id}/close")).Status);
        Assert.DoesNotContain("did not come back from Return to Service", await server.Admin.GetStringAsync("/"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("filter", "serial:", "filter")]
    [InlineData("hours", "0", "hours")]
    [InlineData("hours", "many", "hours")]
    [InlineData("wifiProfileId", "", "Choose the Wi-Fi")]
    public async Task What_cannot_be_is_said_at_its_field_and_nothing_is_lost(string field, string value, string said)
    {
        var fields = new Dictionary<string, string> { ["filter"] = "serial:RTSNOBODY", ["wifiProfileId"] = await Wifi(), ["hours"] = "3" };
        fields[field] = value;
        var refused = await Post("/operations/returns", [.. fields.Select(one => (one.Key, one.Value))]);
        Assert.Equal(400, refused.Status);
        Assert.Contains(said, refused.Page, StringComparison.Ordinal);
        Assert.Contains("class=\"wrong\"", refused.Page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task How_iPads_return_that_ask_is_said_changed_and_taken_back()
    {
        var wifi = await Wifi();
        Assert.Contains("You have not said how yet", await server.Admin.GetStringAsync("/operations/returns/answer"), StringComparison.Ordinal);
        Assert.Equal(400, (await Post("/operations/returns/answer", ("wifiProfileId", await Wifi("\"HIDDEN_NETWORK\": true")))).Status);
        Assert.Equal(303, (await Post("/operations/returns/answer", ("wifiProfileId", wifi), ("keepApps", "true"))).Status);
        // Somebody else was faster.
        Assert.Equal(409, (await Post("/operations/returns/answer", ("wifiProfileId", wifi))).Status);
        Assert.Equal(303, (await Post("/operations/returns/answer", ("wifiProfileId", wifi), ("version", "1"))).Status);
        Assert.Equal(303, (await Post("/operations/returns/answer/remove")).Status);
        using var gone = await server.Admin.GetAsync("/api/v1/return-answer");
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }
}
