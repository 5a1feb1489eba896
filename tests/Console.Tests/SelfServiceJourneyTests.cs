using FleetMdm.Api.Tests.Admin;
using FleetMdm.Storage.Devices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace FleetMdm.Console.Tests;

/// <summary>What a pupil and a teacher do, on the screen of an iPad and of a phone, without script.</summary>
public sealed class SelfServiceJourneyTests(SelfServiceServer district, Browser browser) : IClassFixture<SelfServiceServer>
{
    private async Task<Visit> SignIn(string person, string role, int width)
    {
        var account = await TestAccount.Ready(district.Server, $"j-{Guid.NewGuid():N}", role, person: person);
        var visit = await browser.Visit(district.Server, width, script: false);
        await visit.Page.GotoAsync("/login");
        await visit.Page.GetByLabel("User name").FillAsync(account.UserName);
        await visit.Page.GetByLabel("Password").FillAsync(TestAccount.Password);
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Sign in", Exact = true }).ClickAsync();
        return visit;
    }

    [Theory]
    [InlineData(820)]
    [InlineData(390)]
    public async Task A_pupil_reports_her_iPad_broken_and_finds_it(int width)
    {
        var pupil = await district.Person("Berg");
        var pad = await district.Give(pupil);
        await using var visit = await SignIn(pupil, "self-service", width);
        var page = visit.Page;
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Your iPads" })).ToBeVisibleAsync();
        Assert.Equal(0, await page.GetByRole(AriaRole.Link, new() { Name = "Groups" }).CountAsync());

        // Two taps.
        await page.Locator("a.tile").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "The screen is broken" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("The school knows");
        await Expect(page.GetByText("Reported: the screen is broken")).ToBeVisibleAsync();
        Assert.Equal(0, await page.GetByRole(AriaRole.Button, new() { Name = "The screen is broken" }).CountAsync());

        // Two taps: the iPad may be the one in the hand.
        await page.GetByRole(AriaRole.Link, new() { Name = "It is lost" }).ClickAsync();
        await Expect(page.GetByText("Are you holding it now?")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "It is lost: lock it and find it" }).ClickAsync();
        await Expect(page.GetByText("Lost mode begins as soon as the iPad is online")).ToBeVisibleAsync();
        using var queue = await district.Server.Admin.GetAsync(pad.Path);
        await pad.Answer((string)(await AdminServer.Body(queue, 200))["queue"]![0]!["commandUuid"]!);
        await page.ReloadAsync();
        await Expect(page.GetByText("Lost mode is on")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Where is it?" }).ClickAsync();
        await Expect(page.GetByText("has not answered yet")).ToBeVisibleAsync();
        Assert.Contains("done=asked", page.Url);
        await page.GetByRole(AriaRole.Button, new() { Name = "I have found it" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Lost mode ends");
        Assert.Empty(visit.Complaints);
    }

    [Theory]
    [InlineData(820)]
    [InlineData(390)]
    public async Task A_teachers_lesson(int width)
    {
        var school = await district.School($"Lesson school {width}");
        var (teacher, pupil) = (await district.Person("Lind", "teacher"), await district.Person("Ali"));
        var pad = await district.Give(pupil);
        await district.Server.Execute($"UPDATE devices SET unlock_token = x'00' WHERE id = '{pad.Id}'");
        await district.Server.Services.GetRequiredService<IDeviceStore>().Touch([(pad.Id, TimeProvider.System.GetUtcNow())]);
        await district.Class(school, "7B", teacher, pupil);
        await using var visit = await SignIn(teacher, "teacher", width);
        var page = visit.Page;
        await page.GetByRole(AriaRole.Link, new() { Name = "7B" }).ClickAsync();
        await Expect(page.GetByText("1 of 1 iPad is online")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "See who is here" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("The iPads are asked");

        // Two taps.
        await page.GetByText("Forgot the passcode?").ClickAsync();
        var button = page.GetByRole(AriaRole.Button, new() { Name = "Clear the passcode of Ali" });
        Assert.InRange((await button.BoundingBoxAsync())!.Height, 44, 80);
        await button.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("The passcode is cleared as soon as the iPad is reached");
        Assert.Contains("ClearPasscode", await district.Server.Admin.GetStringAsync(pad.Path));
        Assert.Empty(visit.Complaints);
    }

    [Theory]
    [InlineData(1180)]
    [InlineData(390)]
    public async Task A_teacher_locks_her_class_into_an_app_and_releases_it(int width)
    {
        var school = await district.School($"Locking school {width}");
        var (teacher, ali, bo) = (await district.Person("Lind", "teacher"), await district.Person("Ali"), await district.Person("Bo"));
        var (first, second) = (await district.Give(ali), await district.Give(bo));
        foreach (var one in (TestPad[])[first, second])
            await district.Server.Execute($"INSERT INTO inventory_items (device_id, list, key, name, details) VALUES ('{one.Id}', 1, 'org.example.geometry', 'Geometry', '{{}}')");
        await district.Class(school, "7B", teacher, ali, bo);
        await using var visit = await SignIn(teacher, "teacher", width);
        var page = visit.Page;
        await page.GetByRole(AriaRole.Link, new() { Name = "7B" }).ClickAsync();

        // Two taps.
        await page.GetByRole(AriaRole.Link, new() { Name = "Lock the class into an app" }).ClickAsync();
        var app = page.GetByRole(AriaRole.Button, new() { Name = "Geometry" });
        Assert.InRange((await app.BoundingBoxAsync())!.Height, 44, 120);
        await app.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("being locked");
        await Expect(page.GetByText("Locked into Geometry until")).ToBeVisibleAsync();

        // Ali's iPad comes; Bo's does not.
        var reply = await first.Idle();
        await first.Answer(reply.Profile!.CommandUuid);
        await page.ReloadAsync();
        await Expect(page.Locator(".tile", new() { HasText = "Ali" })).ToContainTextAsync("Locked");
        await Expect(page.Locator(".tile", new() { HasText = "Bo" })).ToContainTextAsync("Not locked yet");

        await page.GetByRole(AriaRole.Button, new() { Name = "Release Ali" }).ClickAsync();
        await Expect(page.Locator(".tile", new() { HasText = "Ali" })).ToContainTextAsync("Not released yet");
        await page.GetByRole(AriaRole.Button, new() { Name = "Release the class" }).ClickAsync();
        await Expect(page.GetByText("The lock into Geometry is over")).ToBeVisibleAsync();
        await Expect(page.Locator(".tile", new() { HasText = "Bo" })).ToContainTextAsync("Released");
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task No_page_of_people_violates_WCAG_2_2_AA_or_is_wider_than_its_window()
    {
        var school = await district.School("Axe school");
        var (teacher, pupil) = (await district.Person("Axe", "teacher"), await district.Person("Pupil"));
        var (own, over, pad) = (await district.Give(teacher), await district.Give(teacher), await district.Give(pupil));
        await district.Server.Execute($"UPDATE devices SET unlock_token = x'00', battery_level = 0.5, available_device_capacity = 3 WHERE id IN ('{pad.Id}', '{own.Id}')");
        await district.Server.Execute($"UPDATE holdings SET due_on = '2020-01-01' WHERE device_id = '{over.Id}'");
        var id = await district.Class(school, "7B", teacher, pupil, await district.Person("Without"));
        await district.Server.Execute($"INSERT INTO inventory_items (device_id, list, key, name, details) VALUES ('{pad.Id}', 1, 'org.example.geometry', 'Geometry', '{{}}')");
        await using var visit = await SignIn(teacher, "teacher", 820);
        List<string> wrong = [];
        await using var scripted = await browser.Visit(district.Server);
        await scripted.BringAxe();
        foreach (var cookie in await visit.Page.Context.CookiesAsync())
            await scripted.Page.Context.AddCookiesAsync([new Cookie { Name = cookie.Name, Value = cookie.Value, Url = district.Server.Address.AbsoluteUri }]);
        foreach (var path in (string[])["/my", $"/my/ipads/{own.Id}", $"/my/ipads/{own.Id}/lost", "/my/enrol", "/teach", $"/teach/{id}", $"/teach/{id}/lock", $"/teach/{id}/ipads/{pad.Id}/lock", "/account"])
        {
            await scripted.Page.GotoAsync(path);
            foreach (var details in await scripted.Page.Locator("main details > summary").AllAsync()) await details.ClickAsync();
            foreach (var width in (int[])[390, 820, 1440])
            {
                await scripted.Page.SetViewportSizeAsync(width, 900);
                var beyond = await scripted.Page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth");
                if (beyond > 0) wrong.Add($"{path} at {width}: {beyond} pixels wider than the window");
                foreach (var theme in (ColorScheme[])[ColorScheme.Light, ColorScheme.Dark])
                {
                    await scripted.Page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = theme });
                    wrong.AddRange((await scripted.Violations()).Select(violation => $"{path} at {width}, {theme}: {violation}"));
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Distinct()));
    }
}
