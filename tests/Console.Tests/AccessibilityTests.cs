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

        // Of people: as one who has signed in with an account, in all states.
        var person = await TestAccount.Ready(server, "person@example.org");
        var invited = await TestAccount.Create(server, "invited@example.org", "viewer");
        await visit.Page.GotoAsync(new Uri(invited.Link).AbsolutePath);
        await Look("/set-password");
        await visit.Page.GotoAsync("/set-password/none");
        await Look("/set-password/none");
        await visit.Page.GotoAsync("/login");
        await visit.Page.GetByLabel("User name").FillAsync(person.UserName);
        await visit.Page.GetByLabel("Password").FillAsync("wrong");
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Look("a refused sign-in");
        await person.SetUpTotp();
        await visit.Page.GetByLabel("Password").FillAsync(TestAccount.Password);
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Look("/login/code");
        await visit.Page.GetByLabel("Code").FillAsync(person.RecoveryCodes[0]);
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        foreach (var path in (string[])["/account", "/account/password", "/account/totp", "/account/passkeys", "/sessions"])
        {
            await visit.Page.GotoAsync(path);
            await Look(path);
        }

        await visit.Page.GotoAsync("/account/totp");
        await visit.Page.GetByLabel("Your password").FillAsync(TestAccount.Password);
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Remove the second step" }).ClickAsync();
        await visit.Page.GotoAsync("/account/totp");
        await Look("/account/totp, to be set up");
        await visit.SignIn();

        // What opens, and what a refused form shows.
        await visit.Page.GotoAsync(pages.First(path => path.StartsWith("/ipads/", StringComparison.Ordinal)));
        foreach (var menu in await visit.Page.Locator("details.menu:visible > summary").AllAsync())
        {
            await menu.ClickAsync();
            // What is behind it cannot be hit, and was looked at before.
            wrong.AddRange((await visit.Violations("details.menu[open]")).Select(violation => $"an open menu: {violation}"));
            await visit.Page.Keyboard.PressAsync("Escape");
        }

        await visit.Page.Keyboard.PressAsync("?");
        wrong.AddRange((await visit.Violations()).Select(violation => $"the list of keys: {violation}"));
        await visit.Page.GotoAsync("/invitations/new");
        await visit.Page.GetByLabel("Open for days").FillAsync("9000");
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Create invitation" }).ClickAsync();
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await Look("a refused form");
        // A list in a message would be cut.
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Distinct()));
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
        Assert.Contains(found, violation => violation.StartsWith("label: <input id=\"userName\"", StringComparison.Ordinal));
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
            // One line; on a phone as many as it takes to show all of it.
            Assert.InRange(row!.Height, 35, width <= 700 ? 120 : 46);
            foreach (var cell in await visit.Page.Locator("tbody tr").First.Locator("th, td").AllAsync())
            {
                if (await cell.BoundingBoxAsync() is { } box && width <= 700) Assert.InRange(box.X + box.Width, 0, width);
            }
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
        using var repeat = await server.Admin.PostAsync("/api/v1/repeating-operations",
            AdminServer.Json("""{"name": "Every day", "target": {"all": true}, "command": {"requestType": "DeviceInformation"}, "at": "17:00"}"""));
        var repeating = (string)(await AdminServer.Body(repeat, 201))["id"]!;
        using var waves = await server.Admin.PostAsync("/api/v1/operations",
            AdminServer.Json($$$"""{"target": {"ids": ["{{{pad.Id}}}"]}, "command": {"requestType": "SecurityInfo"}, "pace": {"waves": [10], "startAt": "{{{TimeProvider.System.GetUtcNow().AddDays(1):O}}}"}}"""));
        var paced = (string)(await AdminServer.Body(waves, 202))["id"]!;
        using var invitation = await server.Admin.PostAsync("/api/v1/invitations", AdminServer.Json("""{"name": "Alle Seiten"}"""));
        var number = (long)(await AdminServer.Body(invitation, 201))["number"]!;
        var (token, _) = await server.MakeToken("viewer", "Alle Seiten");
        using var made = await server.Admin.PostAsync("/api/v1/schools",
            AdminServer.Json("""{"name": "North School", "code": "NS", "timeZone": "Europe/Stockholm", "hours": [{"day": "monday", "from": "08:00", "to": "15:30"}]}"""));
        var school = (string)(await AdminServer.Body(made, 201))["id"]!;
        using var person = await server.Admin.PostAsync("/api/v1/people",
            AdminServer.Json($$"""{"role": "pupil", "givenName": "Ali", "familyName": "Berg", "schoolId": "{{school}}", "email": "ali.berg@school.example"}"""));
        var pupil = (string)(await AdminServer.Body(person, 201))["id"]!;
        using var seven = await server.Admin.PostAsync("/api/v1/classes", AdminServer.Json($$"""{"name": "7B", "schoolId": "{{school}}"}"""));
        var @class = (string)(await AdminServer.Body(seven, 201))["id"]!;
        using var joined = await server.Admin.PutAsync($"/api/v1/classes/{@class}/members/{pupil}", AdminServer.Json("""{"role": "pupil"}"""));
        Assert.True(joined.IsSuccessStatusCode);
        using var assigned = await server.Admin.PostAsync("/api/v1/assignments", AdminServer.Json("""{"name": "Alle Seiten", "setting": {"item": "DeviceName", "deviceName": "Alle"}, "target": "serial:DMPALLESEITEN", "rollOut": {}}"""));
        var assignment = (string)(await AdminServer.Body(assigned, 201))["id"]!;
        using var examined = await server.Admin.PostAsync("/api/v1/exams",
            AdminServer.Json($$"""{"name": "Alle Seiten", "app": {"bundleId": "org.example.exam"}, "iPads": ["{{pad.Id}}"], "endsAt": "{{TimeProvider.System.GetUtcNow().AddHours(5):O}}"}"""));
        var exam = (string)(await AdminServer.Body(examined, 201))["id"]!;
        using var network = await server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json("""
            {"profile": {"PayloadDisplayName": "Alle Seiten", "PayloadIdentifier": "example.seiten.wifi", "PayloadContent": [{"PayloadType": "com.apple.wifi.managed", "SSID_STR": "School", "EncryptionType": "WPA2", "Password": "pupils-and-more"}]}}
            """));
        var wifi = (string)(await AdminServer.Body(network, 201))["id"]!;
        using var erased = await server.Admin.PostAsync("/api/v1/returns", AdminServer.Json($$$"""
            {"target": {"ids": ["{{{pad.Id}}}"]}, "wifiProfileId": "{{{wifi}}}", "push": false, "pace": {"startAt": "{{{TimeProvider.System.GetUtcNow().AddDays(30):O}}}"}}
            """));
        var returned = (string)(await AdminServer.Body(erased, 202))["id"]!;
        using var ended = await server.Admin.PostAsync("/api/v1/campaigns", AdminServer.Json("{\"name\": \"Alle Seiten\", \"target\": \"status:enrolled\"}"));
        var campaign = (string)(await AdminServer.Body(ended, 201))["id"]!;
        var month = TimeProvider.System.GetUtcNow().AddDays(30).UtcDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        using var planned = await server.Admin.PostAsync("/api/v1/exams",
            AdminServer.Json($$"""{"name": "Noch nicht", "apps": ["org.example.exam", "com.apple.calculator"], "target": "serial:DMPALLESEITEN", "startsAt": "{{month}}T08:00:00Z", "endsAt": "{{month}}T09:00:00Z"}"""));
        var coming = (string)(await AdminServer.Body(planned, 201))["id"]!;
        using var grouped = await server.Admin.PostAsync("/api/v1/groups", AdminServer.Json("""{"name": "Alle Seiten"}"""));
        var group = (string)(await AdminServer.Body(grouped, 201))["id"]!;
        using var filled = await server.Admin.PostAsync($"/api/v1/groups/{group}/members", AdminServer.Json($$"""{"iPads": ["{{pad.Id}}"]}"""));
        Assert.True(filled.IsSuccessStatusCode);
        using var list = await server.Admin.PostAsync("/api/v1/people-imports",
            new StringContent("id,given name,family name,role\n1,Bo,Alm,pupil\n2,Cia,,headmaster\n", System.Text.Encoding.UTF8, "text/csv"));
        var import = (string)(await AdminServer.Body(list, 201))["id"]!;
        using var held = await server.Admin.PutAsync($"{pad.Path}/holder", AdminServer.Json($$"""{"personId": "{{pupil}}", "until": "2030-06-11"}"""));
        await AdminServer.Body(held, 200);
        using var exported = await server.Admin.PostAsync("/api/v1/device-imports",
            new StringContent("Serial Number,Name,Owner\nALLPAGES1,NS-1,ali.berg@school.example\nALLPAGES2,NS-2,nobody\n", System.Text.Encoding.UTF8, "text/csv"));
        var devices = (string)(await AdminServer.Body(exported, 201))["id"]!;
        using var forNextYear = await server.Admin.PostAsync("/api/v1/device-imports?handOver=true",
            new StringContent("Serial Number,Owner\nALLPAGES3,ali.berg@school.example\n", System.Text.Encoding.UTF8, "text/csv"));
        var applied = (string)(await AdminServer.Body(forNextYear, 201))["id"]!;
        using var nextYear = await server.Admin.PostAsync($"/api/v1/device-imports/{applied}/apply", null);
        await AdminServer.Body(nextYear, 200);
        using var broken = await server.Admin.PostAsync($"{pad.Path}/incidents", AdminServer.Json("""{"kind": "brokenScreen", "text": "It fell."}"""));
        await AdminServer.Body(broken, 201);
        using var service = await server.Admin.PostAsync("/api/v1/automated/servers", AdminServer.Json("""{"name": "Alle Seiten"}"""));
        var automated = (string)(await AdminServer.Body(service, 201))["id"]!;
        using var enrolment = await server.Admin.PostAsync("/api/v1/automated/profiles", AdminServer.Json("""{"name": "Alle Seiten", "skipSetupItems": ["AppleID", "NewerThanWeKnow"]}"""));
        var pupils = (string)(await AdminServer.Body(enrolment, 201))["id"]!;
        await server.Execute($"""
            INSERT INTO automated_devices (serial_number, server_id, model, color, description, generation, first_at, changed_at, state, state_at, attempts, reason, next_at)
            VALUES ('DMPALLESEITEN', '{automated}', 'iPad (10th generation)', 'BLUE', 'IPAD 10.9 WIFI 64GB', 1, 1, 1, 4, 1, 1, 'Apple wants this iPad left alone for a while.', 1893456000000);
            INSERT INTO automated_holds (device_id, serial_number, enrolled_at, until_at, state, missing, ended_at) VALUES ('{pad.Id}', 'DMPALLESEITEN', 1, 2, 5, 'Wi-Fi', 3);
            UPDATE automated_servers SET problem = 3, problem_detail = 'Apple has new terms.', problem_at = 1, token = x'00', token_expires_at = 1893456000000 WHERE id = '{automated}';
            """);
        var location = Guid.NewGuid().ToString("D");
        await server.Execute($"""
            INSERT INTO content_locations (id, uid, name, organization, country, token, token_expires_at, token_at, token_by, mdm_id, mdm_name, revision, failures, problem, problem_detail, problem_at, created_at, created_by)
            VALUES ('{location}', 'alle-seiten', 'Alle Seiten', 'Springfield', 'SE', x'00', 1893456000000, 1, 'ada', 'other', 'Other MDM', 0, 1, 4, '"Other MDM" manages the location.', 1, 1, 'ada');
            INSERT INTO content_assets (location_id, adam_id, pricing, product_type, device_assignable, revocable, total, assigned, available, generation, counted_at, name, name_key, bundle_id)
            VALUES ('{location}', '361309726', 'STDQ', 'App', 1, 1, 1, 1, 0, 1, 1, 'Pages', 'pages', 'com.apple.Pages');
            INSERT INTO content_licences (location_id, adam_id, pricing, serial_number, state, ours, keep, attempts, reason, generation, changed_at)
            VALUES ('{location}', '361309726', 'STDQ', 'DMPALLESEITEN', 1, 1, 0, 0, 'No licence is left: 1 is missing.', 0, 1);
            """);
        var account = await TestAccount.Create(server, "alle.seiten@example.org", "helpdesk");
        using var hooked = await server.Admin.PostAsync("/api/v1/webhooks", AdminServer.Json("""{"name": "Alle Seiten", "url": "http://127.0.0.1:9/", "events": ["device."]}"""));
        var hook = (string)(await AdminServer.Body(hooked, 201))["webhook"]!["id"]!;
        using var tried = await server.Admin.PostAsync($"/api/v1/webhooks/{hook}/test", null);
        await AdminServer.Body(tried, 202);
        return
        [
            "/webhooks", "/webhooks/new", $"/webhooks/{hook}", $"/webhooks/{hook}?state=dead", $"/webhooks/{hook}/edit", $"/webhooks/{hook}/delete", "/audit/verification",
            "/automated", "/automated/new", $"/automated/servers/{automated}", $"/automated/servers/{automated}/delete", "/automated/devices", "/automated/devices/DMPALLESEITEN", "/automated/profiles",
            "/automated/profiles/new", $"/automated/profiles/{pupils}", $"/automated/groups/{group}", "/automated/held",
            "/apps-and-books", "/apps-and-books?q=nothing", "/apps-and-books/locations", $"/apps-and-books/locations/{location}", $"/apps-and-books/locations/{location}/licences",
            $"/apps-and-books/locations/{location}/delete", "/assignments/new?what=bought", $"/assignments/new?what=bought&name=Seiten&bought={location}%2F361309726%2FSTDQ&target=serial%3ADMPALLESEITEN&preview=true",
            "/assignments", "/assignments/new", "/assignments/new?what=name", "/assignments/new?what=declaration", "/assignments/new?what=update", "/assignments/new?what=store&name=Seiten&storeId=361309726&target=serial%3ADMPALLESEITEN&preview=true", $"/assignments/{assignment}",
            $"/assignments/{assignment}/edit", $"/assignments/{assignment}/delete", $"/assignments/{assignment}/take-back",
            "/exams", "/exams/new", $"/exams/new?what=apps&name=Seiten&apps=org.example.exam&target=serial%3ADMPALLESEITEN&ends={month}T08%3A00&starts={month}T07%3A00&preview=true",
            "/classroom", $"/classroom/{school}", $"/classroom/{school}?state=failed&done=on", $"/ipads/{pad.Id}/classroom",
            "/operations/returns", "/operations/returns/new", $"/operations/returns/new?id={pad.Id}", $"/operations/returns/{returned}", $"/operations/returns/{returned}?state=Missing", "/operations/returns/answer",
            "/ipads?filter=lost", "/set-up", "/campaigns", "/campaigns/new", "/campaigns/new?name=Seiten&target=status%3Aenrolled&preview=true", $"/campaigns/{campaign}", $"/campaigns/{campaign}?part=all", $"/campaigns/{campaign}/collect",
            $"/campaigns/{campaign}/collect?outcome=unknown&said=No%20iPad", $"/campaigns/{campaign}/close", $"/campaigns/{campaign}/delete",
            $"/exams/{exam}", $"/exams/{exam}?state=all", $"/exams/{exam}/release", $"/exams/{coming}", $"/exams/{coming}/edit", $"/exams/{coming}/delete", $"/ipads/{pad.Id}",
            "/accounts", "/accounts/new", $"/accounts/{account.Id}", $"/accounts/{account.Id}/edit", $"/accounts/{account.Id}/delete",
            "/groups", "/groups/new", "/groups/new?name=Alle&rule=name%3Aalle&preview=true", $"/groups/{group}", $"/groups/{group}/edit", $"/groups/{group}/delete",
            "/incidents", $"/ipads/{pad.Id}/notes", "/device-imports", $"/device-imports/{devices}", $"/device-imports/{applied}", "/enrolment-imports", "/export",
            "/loans", $"/ipads/{pad.Id}/person?q=berg", "/ipads?columns=person",
            "/people/import", $"/people/imports/{import}",
            "/people", "/people/new", $"/people/{pupil}", $"/people/{pupil}/edit", $"/people/{pupil}/delete",
            "/classes", "/classes/new", $"/classes/{@class}", $"/classes/{@class}/edit", $"/classes/{@class}/delete",
            "/schools", "/schools/new", $"/schools/{school}", $"/schools/{school}/edit", $"/schools/{school}/delete",
            "/", "/ipads", "/ipads?q=alle&columns=serial.battery", "/ipads?q=nobody+has+this", $"/ipads/{pad.Id}", $"/ipads/{pad.Id}/commands", $"/ipads/{pad.Id}/history",
            $"/ipads/{pad.Id}/commands/{uuid}", $"/ipads/{pad.Id}/erase", $"/ipads/{pad.Id}/profile", "/operations", "/operations/new?q=alle", $"/operations/{started}",
            $"/operations/{started}/cancel", $"/operations/{paced}", $"/operations/{paced}/retry", "/operations/repeating", $"/operations/repeating/{repeating}", "/operations/new?q=alle&type=DeviceLock", "/invitations", "/invitations/new", $"/invitations/{number}", $"/invitations/{number}/revoke", "/claims", "/push-certificate", "/audit",
            "/placeholders", "/apps", "/apps?q=nothing", "/hosted-apps", "/authorities", "/authorities/prepare", "/ipads?supervised=yes", "/certificates", $"/invitations/{number}/sheet", $"/ipads/{pad.Id}/apps", $"/ipads/{pad.Id}/security", $"/ipads/{pad.Id}/lost-mode", $"/ipads/{pad.Id}/shared-ipad", $"/ipads/{pad.Id}/shared-ipad/delete", "/assignments/new?what=shared",
            $"/ipads/{pad.Id}/activation-lock", $"/ipads/{pad.Id}/declarations", "/operations/new?q=alle&type=EraseDevice", "/operations/new?q=alle&type=Settings&item=DeviceName", $"/ipads/{pad.Id}/command",
            $"/ipads/{pad.Id}/command/EraseDevice", $"/ipads/{pad.Id}/command/Settings?item=Wallpaper", "/ipads?filter=os%3C",
            "/profiles", "/profiles/new", "/profiles/new?type=com.apple.wifi.managed&type=com.apple.airprint", "/profiles/upload", .. await ProfilePages(pad),
            "/tokens", "/tokens/new", $"/tokens/{token}/revoke", "/roles", "/roles/helpdesk", "/roles/new", .. await RolePages(), "/ipads/NOBODY", "/docs",
        ];
    }

    private async Task<IReadOnlyList<string>> RolePages()
    {
        using var made = await server.Admin.PostAsync("/api/v1/roles", AdminServer.Json("""{"name": "alle-seiten", "title": "Alle Seiten", "rights": ["device.read"]}"""));
        await AdminServer.Body(made, 201);
        return ["/roles/alle-seiten", "/roles/alle-seiten/edit", "/roles/alle-seiten/delete"];
    }

    /// <summary>Of one profile with two versions, installed on an iPad.</summary>
    private async Task<IReadOnlyList<string>> ProfilePages(TestPad pad)
    {
        const string Wifi = """{"PayloadType": "com.apple.wifi.managed", "SSID_STR": "School", "EncryptionType": "WPA2", "Password": "eight characters"}""";
        using var made = await server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json(
            $$"""{"profile": {"PayloadIdentifier": "example.all.pages", "PayloadDisplayName": "Alle Seiten", "PayloadContent": [{{Wifi}}]} }"""));
        var id = (string)(await AdminServer.Body(made, 201))["id"]!;
        using var change = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/profiles/{id}")
        {
            Content = AdminServer.Json(
                $$"""{"profile": {"PayloadIdentifier": "example.all.pages", "PayloadDisplayName": "Alle Seiten", "PayloadContent": [{{Wifi}}, {"PayloadType": "com.apple.applicationaccess", "allowHostPairing": false}]} }"""),
            Headers = { { "If-Match", "*" } },
        };
        using var changed = await server.Admin.SendAsync(change);
        await AdminServer.Body(changed, 200);
        using var installed = await server.Admin.PostAsync($"/api/v1/profiles/{id}/install", AdminServer.Json($$"""{"target": {"ids": ["{{pad.Id}}"]}, "push": false}"""));
        await AdminServer.Body(installed, 202);
        var path = $"/profiles/{id}";
        return
        [
            path, $"{path}/edit", $"{path}/upload", $"{path}/versions", $"{path}/compare?from=1&to=2", $"{path}/ipads", $"{path}/install", $"{path}/remove", $"{path}/delete",
            $"/ipads/{pad.Id}/profiles",
        ];
    }
}
