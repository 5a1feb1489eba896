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
        await page.GetByRole(AriaRole.Button, new() { Name = "Use the token" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("unknown, revoked or expired");
        await page.GetByLabel("API token").FillAsync(server.Token);
        await page.GetByRole(AriaRole.Button, new() { Name = "Use the token" }).ClickAsync();

        // It comes to where it wanted to go, and from the search straight to the iPad.
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "iPads", Exact = true })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Searchbox, new() { Name = "Find an iPad" }).FillAsync($"reise{script}");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = $"Reise {script}" })).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Lock the screen" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("\u201cLock\u201d is queued.");
        await page.GetByRole(AriaRole.Link, new() { Name = "Commands" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "Lock" })).ToContainTextAsync("Waiting");
        using var device = await server.Admin.GetAsync(pad.Path);
        await pad.Answer((string)(await AdminServer.Body(device, 200))["queue"]![0]!["commandUuid"]!);
        await page.ReloadAsync();
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "Lock" })).ToContainTextAsync("Acknowledged");
        await page.GetByRole(AriaRole.Link, new() { Name = "Lock", Exact = true }).ClickAsync();
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
        await page.GetByRole(AriaRole.Button, new() { Name = "Show its fields" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Erase: 3 iPads" })).ToBeVisibleAsync();
        await page.GetByLabel("Keep eSIM").SelectOptionAsync("true");
        await page.GetByLabel("Retry enrolment").SelectOptionAsync("true");
        await page.GetByRole(AriaRole.Button, new() { Name = "Check who can" }).ClickAsync();
        // What is wrong is said, and what was entered is kept.
        await Expect(page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await Expect(page.GetByLabel("Keep eSIM")).ToHaveValueAsync("true");
        await page.GetByLabel("Retry enrolment").SelectOptionAsync("");
        await page.GetByRole(AriaRole.Button, new() { Name = "Check who can" }).ClickAsync();

        // Nothing is sent before somebody saw who gets it and typed their number.
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Erase for 3 iPads?" })).ToBeVisibleAsync();
        await page.GetByLabel("type the number of iPads").FillAsync("2");
        await page.GetByRole(AriaRole.Button, new() { Name = "Erase: 3 iPads" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("type 3");
        await page.GetByLabel("type the number of iPads").FillAsync("3");
        await page.GetByRole(AriaRole.Button, new() { Name = "Erase: 3 iPads" }).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Erase for 3 iPads" })).ToBeVisibleAsync();
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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_person_gets_an_account_sets_a_password_and_a_second_step_and_signs_out_and_in(bool script)
    {
        var userName = $"reise-{script}@example.org".ToLowerInvariant();
        string link;
        await using (var administrator = await browser.Visit(server, script: script))
        {
            var desk = administrator.Page;
            await administrator.SignIn();
            await desk.GetByRole(AriaRole.Navigation, new() { Name = "Main" }).GetByRole(AriaRole.Link, new() { Name = "Accounts" }).ClickAsync();
            await desk.GetByRole(AriaRole.Link, new() { Name = "Create account" }).First.ClickAsync();
            await desk.GetByLabel("User name").FillAsync("two words");
            await desk.GetByLabel("Name", new() { Exact = true }).FillAsync("Anna Reise");
            await desk.GetByLabel("Role").SelectOptionAsync("helpdesk");
            await desk.GetByRole(AriaRole.Button, new() { Name = "Create account" }).ClickAsync();
            await Expect(desk.GetByRole(AriaRole.Alert)).ToContainTextAsync("no blanks");
            await desk.GetByLabel("User name").FillAsync(userName);
            await desk.GetByRole(AriaRole.Button, new() { Name = "Create account" }).ClickAsync();
            await Expect(desk.GetByRole(AriaRole.Heading, new() { Name = "Anna Reise" })).ToBeVisibleAsync();
            link = await desk.Locator(".notice code").InnerTextAsync();
            Assert.Empty(administrator.Complaints);
        }

        await using var visit = await browser.Visit(server, width: 820, script: script);
        var page = visit.Page;
        await page.GotoAsync(link);
        await page.GetByLabel("New password").FillAsync("Reise12345678");
        await page.GetByLabel("Once more").FillAsync("Reise12345678");
        await page.GetByRole(AriaRole.Button, new() { Name = "Set password" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("too easy to guess");
        await page.GetByLabel("New password").FillAsync(TestAccount.Password);
        await page.GetByLabel("Once more").FillAsync(TestAccount.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Set password" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("The password is set");

        await page.GetByLabel("User name").FillAsync(userName);
        await page.GetByLabel("Password").FillAsync(TestAccount.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Overview", Exact = true })).ToBeVisibleAsync();
        await page.GetByLabel("account and theme").ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Your account" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Second step", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Img, new() { Name = "QR code" })).ToBeVisibleAsync();
        var app = new TestApp(await page.Locator("form code").InnerTextAsync());
        await page.GetByLabel("Code of the app").FillAsync(app.Next());
        await page.GetByLabel("Your password").FillAsync(TestAccount.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Set up" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Keep these codes" })).ToBeVisibleAsync();
        var recovery = await page.Locator("li code").First.InnerTextAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "I have kept them" }).ClickAsync();
        await Expect(page.GetByText("10 recovery codes left")).ToBeVisibleAsync();

        foreach (var code in (string[])[app.Next(), recovery])
        {
            await page.GetByLabel("account and theme").ClickAsync();
            await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
            await page.GetByLabel("User name").FillAsync(userName);
            await page.GetByLabel("Password").FillAsync(TestAccount.Password);
            await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
            await page.GetByLabel("Code").FillAsync(code);
            await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
            await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Overview", Exact = true })).ToBeVisibleAsync();
        }

        await page.GotoAsync("/sessions");
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "(this one)" })).ToContainTextAsync("recovery code");
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task A_person_adds_a_passkey_and_signs_in_with_it_alone()
    {
        var person = await TestAccount.Ready(server, "passkey@example.org", totp: true);
        await using var visit = await browser.Visit(server, width: 820);
        var page = visit.Page;
        // A passkey belongs to a name. The device asks for nothing: its owner's finger is always on it.
        var console = $"http://localhost:{server.Address.Port}";
        var device = await page.Context.NewCDPSessionAsync(page);
        await device.SendAsync("WebAuthn.enable");
        await device.SendAsync("WebAuthn.addVirtualAuthenticator", new Dictionary<string, object>
        {
            ["options"] = new Dictionary<string, object>
            {
                ["protocol"] = "ctap2",
                ["transport"] = "internal",
                ["hasResidentKey"] = true,
                ["hasUserVerification"] = true,
                ["isUserVerified"] = true,
                ["automaticPresenceSimulation"] = true,
            },
        });

        await page.GotoAsync(console + "/login");
        await page.GetByLabel("User name").FillAsync(person.UserName);
        await page.GetByLabel("Password").FillAsync(TestAccount.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await page.GetByLabel("Code").FillAsync(person.NextCode());
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await page.GotoAsync(console + "/account");
        await page.GetByRole(AriaRole.Link, new() { Name = "Passkeys", Exact = true }).ClickAsync();
        await page.GetByLabel("Which device is it?").FillAsync("iPad at home");
        await page.GetByLabel("Your password").FillAsync("not this one");
        await page.GetByRole(AriaRole.Button, new() { Name = "Go on" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert).First).ToContainTextAsync("This is not the password");
        await Expect(page.GetByLabel("Which device is it?")).ToHaveValueAsync("iPad at home");
        await page.GetByLabel("Your password").FillAsync(TestAccount.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Go on" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Create the passkey" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("You can sign in with it now");
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "iPad at home" })).ToContainTextAsync("on this device alone");

        await page.GetByLabel("account and theme").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Use a passkey" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Overview", Exact = true })).ToBeVisibleAsync();
        await page.GotoAsync(console + "/sessions");
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "(this one)" })).ToContainTextAsync("passkey");

        // Without it, the same button says what to do.
        await page.GotoAsync(console + "/account/passkeys");
        await page.GetByRole(AriaRole.Button, new() { Name = "Remove the passkey iPad at home" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Delete it on the device too");
        await page.GetByLabel("account and theme").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Use a passkey" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert).First).ToContainTextAsync("Use your password");

        // By its number, the console offers none, and says why where one would be added.
        await page.GotoAsync("/login");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Use a passkey" })).ToBeHiddenAsync();
    }

    [Fact]
    public async Task An_invitation_is_created_shown_and_revoked()
    {
        await using var visit = await browser.Visit(server, width: 820);
        var page = visit.Page;
        await visit.SignIn();
        await page.GetByRole(AriaRole.Navigation, new() { Name = "Main" }).GetByRole(AriaRole.Link, new() { Name = "Enrolment", Exact = true }).ClickAsync();
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
        // The page gives the focus when it is drawn. User name, password, button; then the token.
        await Expect(page.GetByLabel("User name")).ToBeFocusedAsync();
        for (var i = 0; i < 3; i++) await keys.PressAsync("Tab");
        await Expect(page.GetByLabel("API token")).ToBeFocusedAsync();
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
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Erase…", Exact = true })).ToBeVisibleAsync();
        await keys.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Erase…", Exact = true })).ToBeHiddenAsync();
        await Expect(page.GetByLabel("More actions")).ToBeFocusedAsync();
        await keys.PressAsync("Enter");
        await keys.PressAsync("Tab");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Refresh details" })).ToBeFocusedAsync();
        await keys.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("\u201cAsk for details\u201d is queued.");
        Assert.Empty(visit.Complaints);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_profile_is_built_changed_compared_and_gone_back_to(bool script)
    {
        var pad = await server.Enrol(name: $"Profil {script}");
        await using var visit = await browser.Visit(server, script: script);
        var page = visit.Page;
        await visit.SignIn();
        await page.GetByRole(AriaRole.Navigation, new() { Name = "Main" }).GetByRole(AriaRole.Link, new() { Name = "Profiles" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Build profile" }).ClickAsync();
        await page.GetByLabel("Search", new() { Exact = true }).FillAsync("wi-fi");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await page.GetByLabel("Wi-Fi", new() { Exact = true }).CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Fill in" }).ClickAsync();

        // A second payload is added, and what was typed stays, the password too.
        await page.Locator("[name=PayloadDisplayName]").FillAsync($"School network {script}");
        await page.Locator("[name='PayloadContent[0].SSID_STR']").FillAsync("School");
        await page.Locator("[name='PayloadContent[0].EncryptionType']").SelectOptionAsync("WPA2");
        await page.Locator("[name='PayloadContent[0].Password']").FillAsync("eight characters");
        await page.GetByLabel("Payload", new() { Exact = true }).SelectOptionAsync("com.apple.applicationaccess");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add payload" }).ClickAsync();
        await Expect(page.Locator("[name='PayloadContent[0].SSID_STR']")).ToHaveValueAsync("School");
        await Expect(page.Locator("[name='PayloadContent[0].Password']")).ToHaveAttributeAsync("placeholder", "Entered; it stays as it is");
        var camera = page.Locator("[name='PayloadContent[1].allowCamera']");
        if (script)
        {
            // Among 176 keys it is found by its name.
            var section = page.Locator("section.payload").Nth(1);
            await section.GetByLabel("Search among these keys").FillAsync("camera");
            await Expect(page.Locator("[name='PayloadContent[1].allowAirDrop']")).ToBeHiddenAsync();
            await Expect(camera).ToBeVisibleAsync();
        }

        await camera.SelectOptionAsync("false");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save profile" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("in the library");
        await Expect(page.GetByText("eight characters")).ToHaveCountAsync(0);

        await page.GetByRole(AriaRole.Link, new() { Name = "Edit" }).ClickAsync();
        await page.Locator("[name='PayloadContent[0].SSID_STR']").FillAsync("");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save new version" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("the name of the network");
        await page.Locator("[name='PayloadContent[0].SSID_STR']").FillAsync("School-2");
        await page.GetByLabel("Why, for the list of versions").FillAsync("New access points");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save new version" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("A new version was saved");

        await page.GetByRole(AriaRole.Link, new() { Name = "Versions" }).ClickAsync();
        await Expect(page.GetByText("New access points")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Compare version 1" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "SSID_STR" })).ToContainTextAsync("School-2");
        await page.GetByRole(AriaRole.Button, new() { Name = "Go back to version 1" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("The old version is the newest again");
        await Expect(page.GetByText("version 3")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Link, new() { Name = "Install" }).ClickAsync();
        await page.GetByLabel("Those that a filter finds").CheckAsync();
        await page.GetByLabel("Filter", new() { Exact = true }).FillAsync($"serial:{(await AdminServer.Body(await server.Admin.GetAsync(pad.Path), 200))["serialNumber"]}");
        await page.GetByRole(AriaRole.Button, new() { Name = "Count them" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Install on 1 iPad" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "for 1 iPad" })).ToBeVisibleAsync();
        await page.GotoAsync($"/ipads/{pad.Id}/profiles");
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = $"School network {script}" })).ToContainTextAsync("On its way");
        Assert.Empty(visit.Complaints);
    }
}
