using FleetMdm.Api.Tests.Admin;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace FleetMdm.Console.Tests;

/// <summary>What a technician does in a day, in a real browser.</summary>
public sealed class JourneyTests(AdminServer server, Browser browser)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_technician_signs_in_finds_an_iPad_sends_a_command_sees_it_and_signs_out(bool script)
    {
        var pad = await server.Enrol(serial: $"REISE{script}".ToUpperInvariant(), name: $"Reise {script}");
        await using var visit = await browser.Visit(server, script: script);
        var page = visit.Page;
        await page.GotoAsync("/ipads?q=reise");
        await page.GetByLabel("API token").FillAsync("fleetmdm_wrong");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("unknown, revoked or expired");
        await page.GetByLabel("API token").FillAsync(server.Token);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();

        // It comes to where it wanted to go, and from the search straight to the iPad.
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "iPads", Exact = true })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Searchbox, new() { Name = "Find an iPad" }).FillAsync($"reise{script}");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = $"Reise {script}" })).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Lock the screen" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("DeviceLock is queued.");
        await page.GetByRole(AriaRole.Link, new() { Name = "Commands" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "DeviceLock" })).ToContainTextAsync("Waiting");
        using var device = await server.Admin.GetAsync(pad.Path);
        await pad.Answer((string)(await AdminServer.Body(device, 200))["queue"]![0]!["commandUuid"]!);
        await page.ReloadAsync();
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "DeviceLock" })).ToContainTextAsync("Acknowledged");
        await page.GetByRole(AriaRole.Link, new() { Name = "DeviceLock" }).ClickAsync();
        await Expect(page.GetByLabel("Answer").First).ToBeVisibleAsync();

        await page.GetByLabel("account and theme").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Dark" }).ClickAsync();
        await Expect(page.Locator("html")).ToHaveAttributeAsync("data-theme", "dark");
        await page.GetByLabel("account and theme").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(page.GetByLabel("API token")).ToBeVisibleAsync();
        await page.GotoAsync("/ipads");
        await Expect(page.GetByLabel("API token")).ToBeVisibleAsync();
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task A_command_for_many_is_chosen_seen_confirmed_and_watched()
    {
        var pads = new List<TestPad>();
        for (var i = 1; i <= 3; i++) pads.Add(await server.Enrol(name: $"Wagen {i}"));
        await using var visit = await browser.Visit(server);
        var page = visit.Page;
        await visit.SignIn();
        await page.GotoAsync("/ipads");
        await page.GetByLabel("Search").FillAsync("wagen");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await Expect(page.GetByText("3 iPads that match")).ToBeVisibleAsync();

        // Selected rows, then all that match.
        await page.GetByLabel("Select Wagen 2").CheckAsync();
        await Expect(page.Locator("[data-chosen]")).ToHaveTextAsync("1 selected");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send a command to the selected" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Send a command to 1 iPad" })).ToBeVisibleAsync();
        await page.GoBackAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Send a command to all that match" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Send a command to 3 iPads" })).ToBeVisibleAsync();

        await page.GetByLabel("What to do").SelectOptionAsync("EraseDevice");
        await page.GetByLabel("Message on the lock screen").FillAsync("Keep me");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send to 3 iPads" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("type their number: 3");
        await Expect(page.GetByLabel("Message on the lock screen")).ToHaveValueAsync("Keep me");
        await page.GetByLabel("How many iPads").FillAsync("3");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send to 3 iPads" }).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "EraseDevice for 3 iPads" })).ToBeVisibleAsync();
        await Expect(page.GetByText("0 of 3 done, 3 waiting")).ToBeVisibleAsync();
        // The bar follows what happens, without a reload.
        using var device = await server.Admin.GetAsync(pads[0].Path);
        await pads[0].Answer((string)(await AdminServer.Body(device, 200))["queue"]![0]!["commandUuid"]!);
        await Expect(page.GetByText("1 of 3 done, 2 waiting")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Done" })).ToContainTextAsync("1");
        await page.GetByRole(AriaRole.Link, new() { Name = "Cancel the rest" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel the rest" }).ClickAsync();
        await Expect(page.GetByText("2 cancelled or ended")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Ended" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "Wagen 2" })).ToBeVisibleAsync();
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task An_invitation_is_created_shown_and_revoked()
    {
        await using var visit = await browser.Visit(server, width: 820);
        var page = visit.Page;
        await visit.SignIn();
        await page.GetByRole(AriaRole.Navigation, new() { Name = "Main" }).GetByRole(AriaRole.Link, new() { Name = "Enrolment" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Create invitation" }).ClickAsync();
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("Trolley 12");
        await page.GetByLabel("iPads at most").FillAsync("thirty");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create invitation" }).ClickAsync();

        // The error leads to its field, which has what was typed.
        await page.GetByRole(AriaRole.Alert).GetByRole(AriaRole.Link).ClickAsync();
        await Expect(page.GetByLabel("iPads at most")).ToHaveValueAsync("thirty");
        await Expect(page.GetByLabel("iPads at most")).ToHaveAttributeAsync("aria-invalid", "true");
        await Expect(page.GetByLabel("Name", new() { Exact = true })).ToHaveValueAsync("Trolley 12");
        await page.GetByLabel("iPads at most").FillAsync("30");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create invitation" }).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Trolley 12" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Img, new() { Name = "QR code" })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Revoke the invitation" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Revoke the invitation" }).ClickAsync();
        await Expect(page.GetByText("It lets no iPad in any more.")).ToBeVisibleAsync();
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task Everything_can_be_done_by_keyboard_alone()
    {
        for (var i = 1; i <= 3; i++) await server.Enrol(serial: $"TASTE{i}", name: $"Taste {i}");
        await using var visit = await browser.Visit(server);
        var page = visit.Page;
        var keys = page.Keyboard;
        await page.GotoAsync("/login");
        await keys.TypeAsync(server.Token);
        await keys.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Overview", Exact = true })).ToBeVisibleAsync();

        // The first Tab offers the way past the navigation.
        await keys.PressAsync("Tab");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Skip to the content" })).ToBeFocusedAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Skip to the content" })).ToBeInViewportAsync();
        await keys.PressAsync("Enter");
        await Expect(page.Locator("main")).ToBeFocusedAsync();

        await keys.PressAsync("?");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();

        // They can be switched off, for those whom single keys disturb.
        await page.GetByLabel("Use these keys").FocusAsync();
        await keys.PressAsync("Space");
        await keys.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToBeHiddenAsync();
        await page.ReloadAsync();
        await keys.PressAsync("?");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToBeHiddenAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Keyboard shortcuts" }).FocusAsync();
        await keys.PressAsync("Enter");
        await page.GetByLabel("Use these keys").FocusAsync();
        await keys.PressAsync("Space");
        await keys.PressAsync("Escape");

        await keys.PressAsync("g");
        await keys.PressAsync("i");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "iPads", Exact = true })).ToBeVisibleAsync();
        await keys.PressAsync("/");
        await keys.TypeAsync("taste");
        await keys.PressAsync("Enter");
        await Expect(page.GetByText("3 iPads that match")).ToBeVisibleAsync();

        await keys.PressAsync("j");
        await keys.PressAsync("x");
        await keys.PressAsync("j");
        await keys.PressAsync("j");
        await keys.PressAsync("x");
        await keys.PressAsync("k");
        await Expect(page.Locator("[data-chosen]")).ToHaveTextAsync("2 selected");
        await Expect(page.GetByLabel("Select Taste 2")).Not.ToBeCheckedAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Taste 2" })).ToBeFocusedAsync();
        await keys.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Taste 2" })).ToBeVisibleAsync();

        await keys.PressAsync("e");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Send push" })).ToBeFocusedAsync();
        await page.GetByLabel("More actions").FocusAsync();
        await keys.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Erase" })).ToBeVisibleAsync();
        await keys.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Erase" })).ToBeHiddenAsync();
        await Expect(page.GetByLabel("More actions")).ToBeFocusedAsync();
        await keys.PressAsync("Enter");
        await keys.PressAsync("Tab");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Refresh details" })).ToBeFocusedAsync();
        await keys.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("DeviceInformation is queued.");
        Assert.Empty(visit.Complaints);
    }
}
