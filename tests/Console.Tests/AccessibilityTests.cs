using FleetMdm.Api.Tests.Admin;
using Microsoft.Playwright;

namespace FleetMdm.Console.Tests;

/// <summary>Each page of the console, in light and dark, on a phone, a tablet and a desk.</summary>
public sealed class AccessibilityTests(AdminServer server, Browser browser)
{
    private static readonly int[] Widths = [390, 820, 1440];
    private static readonly ColorScheme[] Themes = [ColorScheme.Light, ColorScheme.Dark];

    [Fact]
    public async Task No_page_violates_WCAG_2_2_AA_or_is_wider_than_its_window()
    {
        var pages = await Pages();
        await using var visit = await browser.Visit(server);
        await visit.BringAxe();
        List<string> wrong = [];
        async Task Look(string path)
        {
            foreach (var width in Widths)
            {
                await visit.Page.SetViewportSizeAsync(width, 900);
                var beyond = await visit.Page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth");
                if (beyond > 0) wrong.Add($"{path} at {width}: {beyond} pixels wider than the window");
                foreach (var theme in Themes)
                {
                    await visit.Page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = theme });
                    wrong.AddRange((await visit.Violations()).Select(violation => $"{path} at {width}, {theme}: {violation}"));
                }
            }
        }

        await visit.Page.GotoAsync("/login");
        await Look("/login");
        await visit.SignIn();
        foreach (var path in pages)
        {
            await visit.Page.GotoAsync(path);
            await Look(path);
        }

        // What opens, and what a refused form shows.
        await visit.Page.GotoAsync(pages.First(path => path.StartsWith("/ipads/", StringComparison.Ordinal)));
        foreach (var menu in await visit.Page.Locator("details.menu:visible > summary").AllAsync())
        {
            await menu.ClickAsync();
            wrong.AddRange((await visit.Violations()).Select(violation => $"an open menu: {violation}"));
            await visit.Page.Keyboard.PressAsync("Escape");
        }

        await visit.Page.Keyboard.PressAsync("?");
        wrong.AddRange((await visit.Violations()).Select(violation => $"the list of keys: {violation}"));
        await visit.Page.GotoAsync("/invitations/new");
        await visit.Page.GetByLabel("Open for days").FillAsync("9000");
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Create invitation" }).ClickAsync();
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await Look("a refused form");
        Assert.Empty(wrong.Distinct());
        Assert.Empty(visit.Complaints);
    }

    /// <summary>Nothing found says something only where something would be found.</summary>
    [Fact]
    public async Task What_violates_WCAG_is_found()
    {
        await using var visit = await browser.Visit(server);
        await visit.BringAxe();
        await visit.Page.GotoAsync("/login");
        await visit.Page.EvaluateAsync("document.querySelector('label').remove()");
        await visit.Page.EvaluateAsync("document.querySelector('h1').style.color = '#eee'");
        var found = await visit.Violations();
        Assert.Contains(found, violation => violation.StartsWith("label: <input id=\"token\"", StringComparison.Ordinal));
        Assert.Contains(found, violation => violation.StartsWith("color-contrast: <h1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_wide_window_and_a_narrow_one_show_the_navigation_and_the_list()
    {
        await server.Enrol(name: "Breite");
        await using var visit = await browser.Visit(server);
        await visit.SignIn();
        foreach (var (width, height) in new[] { (390, 844), (700, 900), (1024, 768), (2560, 1440) })
        {
            await visit.Page.SetViewportSizeAsync(width, height);
            await visit.Page.GotoAsync("/ipads?q=breite");
            await Assertions.Expect(visit.Page.GetByRole(AriaRole.Link, new() { Name = "Breite", Exact = true })).ToBeInViewportAsync();
            await Assertions.Expect(visit.Page.GetByRole(AriaRole.Navigation, new() { Name = "Main" }).GetByRole(AriaRole.Link, new() { Name = "iPads", Exact = true })).ToBeInViewportAsync();
            var row = await visit.Page.Locator("tbody tr").First.BoundingBoxAsync();
            Assert.InRange(row!.Height, 35, 46);
        }

        // On a phone, four places stand in the bar, and the others under "More".
        await visit.Page.SetViewportSizeAsync(390, 844);
        Assert.Equal(4, await visit.Page.Locator(".side > ul > li:visible > a").CountAsync());
        await visit.Page.GetByText("More", new() { Exact = true }).ClickAsync();
        await visit.Page.Locator(".side .drop").GetByText("Audit").ClickAsync();
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Heading, new() { Name = "Audit", Exact = true })).ToBeVisibleAsync();
    }

    /// <summary>All pages, each with something on it.</summary>
    private async Task<IReadOnlyList<string>> Pages()
    {
        var pad = await server.Enrol(serial: "DMPALLESEITEN", name: "Alle Seiten");
        await server.Execute($"UPDATE devices SET school = 'A school of some name', battery_level = 0.76, is_supervised = 1, device_capacity = 64, available_device_capacity = 33 WHERE id = '{pad.Id}'");
        var uuid = await pad.Send();
        await pad.Answer(uuid);
        await pad.Send();
        using var operation = await server.Admin.PostAsync("/api/v1/operations",
            AdminServer.Json($$"""{"target": {"ids": ["{{pad.Id}}"]}, "command": {"requestType": "DeviceInformation", "queries": ["UDID"]}, "push": false}"""));
        var started = (string)(await AdminServer.Body(operation, 202))["id"]!;
        using var invitation = await server.Admin.PostAsync("/api/v1/invitations", AdminServer.Json("""{"name": "Alle Seiten"}"""));
        var number = (long)(await AdminServer.Body(invitation, 201))["number"]!;
        var (token, _) = await server.MakeToken("viewer", "Alle Seiten");
        return
        [
            "/", "/ipads", "/ipads?q=alle&columns=serial.battery", "/ipads?q=nobody+has+this", $"/ipads/{pad.Id}", $"/ipads/{pad.Id}/commands", $"/ipads/{pad.Id}/history",
            $"/ipads/{pad.Id}/commands/{uuid}", $"/ipads/{pad.Id}/erase", $"/ipads/{pad.Id}/profile", "/operations", "/operations/new?q=alle", $"/operations/{started}",
            $"/operations/{started}/cancel", "/invitations", "/invitations/new", $"/invitations/{number}", $"/invitations/{number}/revoke", "/claims", "/push-certificate", "/audit",
            "/placeholders", "/certificates", $"/invitations/{number}/sheet", $"/ipads/{pad.Id}/apps", $"/ipads/{pad.Id}/security", $"/ipads/{pad.Id}/location", $"/ipads/{pad.Id}/command",
            $"/ipads/{pad.Id}/command/EraseDevice", $"/ipads/{pad.Id}/command/Settings?item=Wallpaper", "/ipads?filter=os%3C",
            "/tokens", "/tokens/new", $"/tokens/{token}/revoke", "/ipads/NOBODY", "/docs",
        ];
    }
}
