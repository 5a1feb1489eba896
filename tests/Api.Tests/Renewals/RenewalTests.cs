using System.Net;
using FleetMdm.Api.Tests.Admin;

namespace FleetMdm.Api.Tests.Renewals;

/// <summary>What administrators see of identity certificates that end, and do about them.</summary>
public sealed class RenewalTests(AdminServer server)
{
    [Fact]
    public async Task What_cannot_be_renewed_is_refused_with_the_reason_and_stands_on_the_list_and_the_pages()
    {
        var pad = await server.Enrol(name: "Ends <soon>");
        using var none = await server.Admin.GetAsync(pad.Path + "/renewal");
        await AdminServer.Problem(none, 404);

        using var asked = await server.Admin.PostAsync(pad.Path + "/renewal", null);
        var problem = await AdminServer.Problem(asked, 409);
        Assert.Equal("not-renewable", (string?)problem["code"]);
        Assert.Contains("Another CA has issued", (string?)problem["detail"], StringComparison.Ordinal);

        using var found = await server.Admin.GetAsync(pad.Path + "/renewal");
        var renewal = await AdminServer.Body(found, 200);
        Assert.Equal(("problem", "notIssuedHere", "Ends <soon>"), ((string?)renewal["state"], (string?)renewal["problem"], (string?)renewal["deviceName"]));
        using var list = await server.Admin.GetAsync("/api/v1/renewals?problem=true&limit=1000");
        Assert.Contains((await AdminServer.Body(list, 200))["items"]!.AsArray(), item => (string?)item!["deviceId"] == pad.Id);
        using var status = await server.Admin.GetAsync("/api/v1/status");
        Assert.True((long)(await AdminServer.Body(status, 200))["renewalProblems"]! > 0);

        Assert.Contains("cannot be renewed", await server.Admin.GetStringAsync("/"), StringComparison.Ordinal);
        var page = await server.Admin.GetStringAsync("/certificates?problem=true");
        Assert.Contains("Ends &lt;soon&gt;", page, StringComparison.Ordinal);
        Assert.Contains("Another CA has issued", page, StringComparison.Ordinal);
        Assert.Contains("Another CA has issued", await server.Admin.GetStringAsync("/ipads/" + pad.Id), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_list_is_paged_and_names_what_is_wrong_with_a_query()
    {
        foreach (var _ in Enumerable.Range(0, 3))
        {
            using var asked = await server.Admin.PostAsync((await server.Enrol()).Path + "/renewal", null);
            await AdminServer.Problem(asked, 409);
        }

        var seen = new HashSet<string>();
        string? next = null;
        do
        {
            using var response = await server.Admin.GetAsync("/api/v1/renewals?limit=2" + (next is null ? "" : "&after=" + Uri.EscapeDataString(next)));
            var page = await AdminServer.Body(response, 200);
            foreach (var item in page["items"]!.AsArray()) Assert.True(seen.Add((string)item!["deviceId"]!));
            next = (string?)page["next"];
        }
        while (next is not null);
        Assert.True(seen.Count >= 3);

        foreach (var (query, field) in new[] { ("after=x", "after"), ("after=1.a/b", "after"), ("problem=yes", "problem"), ("limit=0", "limit"), ("state=x", "state") })
        {
            using var wrong = await server.Admin.GetAsync("/api/v1/renewals?" + query);
            await AdminServer.Blames(wrong, field);
        }
    }

    [Fact]
    public async Task A_viewer_reads_and_renews_nothing_and_an_unknown_iPad_is_404()
    {
        var pad = await server.Enrol();
        var (_, token) = await server.MakeToken("Viewer");
        using var viewer = server.Client(token);
        using var list = await viewer.GetAsync("/api/v1/renewals");
        Assert.Equal(HttpStatusCode.OK, list.StatusCode);
        using var page = await viewer.GetAsync("/certificates");
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        using var refused = await viewer.PostAsync(pad.Path + "/renewal", null);
        await AdminServer.Problem(refused, 403);
        Assert.DoesNotContain("Renew certificate now", await viewer.GetStringAsync("/ipads/" + pad.Id), StringComparison.Ordinal);

        using var unknown = await server.Admin.PostAsync("/api/v1/devices/NOBODY/renewal", null);
        await AdminServer.Problem(unknown, 404);
    }
}
