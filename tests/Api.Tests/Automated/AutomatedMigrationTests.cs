using System.Net;
using System.Net.Http.Headers;
using FleetMdm.Api.Tests.Admin;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.Api.Tests.Automated;

/// <summary>iPads that move between device management services by a deadline, as an administrator meets them.</summary>
public sealed class AutomatedMigrationTests(AutomatedHost host) : IClassFixture<AutomatedHost>
{
    /// <summary>Of looks, 50 ms apart: a token may be used 240 times a minute.</summary>
    private const int AskEvery = 20;

    private static int _ipads = 70_000;

    private async Task<string> Profile(string more = "") => (string)(await host.Post("profiles", $$"""{"name": "{{Guid.NewGuid():N}}"{{more}}}"""))["id"]!;

    /// <summary>iPads that are in use with a service of another server.</summary>
    private SimulatedMdmServer Elsewhere(params string[] serials)
    {
        var service = host.Apple.Portal.AddServer("Elsewhere " + Guid.NewGuid().ToString("N")[..8], "");
        host.Apple.Portal.Assign(service, serials);
        return service;
    }

    /// <summary>Has Apple asked, now and then: whoever asks while it is being asked is not heard.</summary>
    private async Task Until(string service, Func<Task<bool>> there, string what)
    {
        var looks = 0;
        await AutomatedHost.Until(async () =>
        {
            if (looks++ % AskEvery != 0) return await there();
            using var asked = await host.Admin.PostAsync($"/api/v1/automated/servers/{service}/sync", null);
            await AdminServer.Body(asked, 200);
            return await there();
        }, what);
    }

    /// <summary>Apple tells times in seconds, and of two events of one second the one counts that says that the iPad is there: what follows is of a later one.</summary>
    private static Task NextSecond() => Task.Delay(TimeSpan.FromMilliseconds(1_000 - TimeProvider.System.GetUtcNow().Millisecond), TimeProvider.System);

    private Task Until(string service, string serial, string migration, string? state = null) => Until(service, async () =>
    {
        using var answer = await host.Admin.GetAsync($"/api/v1/automated/devices/{serial}");
        if (answer.StatusCode != HttpStatusCode.OK) return false;
        var device = await AdminServer.Body(answer, 200);
        return (string?)device["migration"] == migration && (state is null || (string?)device["state"] == state);
    }, $"{serial}: {migration}, {state}");

    private async Task<string[]> Listed(string service, string migration) =>
        [.. (await host.Get($"devices?server={service}&migration={migration}"))["items"]!.AsArray().Select(item => (string)item!["serialNumber"]!)];

    private async Task<string> Page(string path)
    {
        using var page = await host.Admin.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        return await page.Content.ReadAsStringAsync();
    }

    [Fact]
    public async Task An_iPad_that_is_to_come_stands_on_the_list_with_its_deadline_and_people_are_told_as_it_comes_near()
    {
        Elsewhere("MOVESOON1", "MOVELATER1", "MOVELATE1", "MOVEFAR1");
        var (id, portal) = await host.Connect(await Profile());
        var now = TimeProvider.System.GetUtcNow();
        host.Apple.Portal.Migrate(portal, now.AddDays(6), "MOVESOON1");
        host.Apple.Portal.Migrate(portal, now.AddDays(13), "MOVELATER1");
        host.Apple.Portal.Migrate(portal, now.AddDays(60), "MOVEFAR1");
        await Until(id, "MOVESOON1", "comes", "assigned");
        Assert.Equal(["MOVEFAR1", "MOVELATER1", "MOVESOON1"], await Listed(id, "comes"));
        Assert.Empty(await Listed(id, "late"));
        var device = await host.Get("devices/MOVESOON1");
        Assert.InRange((DateTimeOffset)device["migrationDeadline"]!, now.AddDays(6).AddSeconds(-2), now.AddDays(6));
        Assert.Null(device["migrationObstacle"]);
        Assert.NotNull(device["migrationSince"]);
        Assert.Contains("Comes by migration until", await Page("/automated/devices/MOVESOON1"), StringComparison.Ordinal);
        Assert.Contains("within 7 days", await Page("/"), StringComparison.Ordinal);
        Assert.Contains("iPads that move between services", await Page("/automated"), StringComparison.Ordinal);
        var counts = await host.Get("migrations");
        Assert.True((long)counts["within14Days"]! >= 2 && (long)counts["within7Days"]! >= 1 && (long)counts["comes"]! >= 3, counts.ToJsonString());

        // Tomorrow; then the deadline is over, and it did not come.
        host.Apple.Portal.MoveDeadline("MOVESOON1", now.AddHours(20));
        await Until(id, async () => (long)(await host.Get("migrations"))["within1Day"]! > 0, "it has a day");
        Assert.Contains("within a day", await Page("/"), StringComparison.Ordinal);
        host.Apple.Portal.Migrate(portal, now.AddMinutes(-1), "MOVELATE1");
        await Until(id, "MOVELATE1", "late");
        Assert.Equal(["MOVELATE1"], await Listed(id, "late"));
        Assert.Contains("should have come by migration by now", await Page("/"), StringComparison.Ordinal);
        Assert.Contains("Should have come by migration", await Page("/automated/devices/MOVELATE1"), StringComparison.Ordinal);
        Assert.Contains("MOVELATE1", await Page("/automated/devices?migration=late"), StringComparison.Ordinal);
        Assert.Contains(",late,", await Page($"/automated/devices.csv?server={id}&migration=late"), StringComparison.Ordinal);

        using var odd = await host.Admin.GetAsync("/api/v1/automated/devices?migration=soon");
        await AdminServer.Blames(odd, "migration");
    }

    [Fact]
    public async Task A_move_that_is_cancelled_or_whose_iPad_is_released_is_over()
    {
        Elsewhere("MOVECANCEL1", "MOVERELEASE1");
        var (ours, _) = await host.Connect(null, "MOVEBACK1");
        var (id, portal) = await host.Connect(await Profile());
        var deadline = TimeProvider.System.GetUtcNow().AddDays(60);
        host.Apple.Portal.Migrate(portal, deadline, "MOVECANCEL1", "MOVERELEASE1", "MOVEBACK1");
        foreach (var serial in (string[])["MOVECANCEL1", "MOVERELEASE1", "MOVEBACK1"]) await Until(id, serial, "comes", "assigned");
        Assert.Equal(3, (await Listed(id, "comes")).Length);

        await NextSecond();
        // Back to a service that is not ours; out of the organisation; back to one of ours.
        host.Apple.Portal.CancelMigration("MOVECANCEL1");
        host.Apple.Portal.Unassign("MOVERELEASE1");
        host.Apple.Portal.CancelMigration("MOVEBACK1");
        await Until(id, "MOVECANCEL1", "none", "released");
        await Until(id, "MOVERELEASE1", "none", "released");
        await Until(ours, async () => await host.Get("devices/MOVEBACK1") is var back && ((string?)back["serverId"], (string?)back["migration"]) == (ours, "none"), "it is back");
        Assert.Empty(await Listed(id, "comes"));
    }

    [Fact]
    public async Task An_iPad_that_comes_asks_twice_and_gets_its_profile_each_time_and_one_of_another_service_gets_none()
    {
        await host.InstallPushCertificate();
        await using var fleet = new IPadFleet(new FleetOptions { Trust = TrustAnchors.FromPem(host.Apple.RootPem), Factory = host.Factory });
        VirtualIPad Add() => fleet.Add(IPadDescription.Number(Interlocked.Increment(ref _ipads)) with { OsVersion = "26.1" });
        var (comes, goes) = (Add(), Add());
        Elsewhere(comes.Description.SerialNumber);
        var (id, portal) = await host.Connect(await Profile(), goes.Description.SerialNumber);
        host.Apple.Portal.Migrate(portal, TimeProvider.System.GetUtcNow().AddDays(60), comes.Description.SerialNumber);
        await Until(id, goes.Description.SerialNumber, "none", "assigned");
        await NextSecond();
        host.Apple.Portal.Migrate(Elsewhere(), TimeProvider.System.GetUtcNow().AddDays(60), goes.Description.SerialNumber);
        await Until(id, comes.Description.SerialNumber, "comes", "assigned");
        await Until(id, goes.Description.SerialNumber, "none", "released");

        async Task<HttpStatusCode> Ask(VirtualIPad ipad)
        {
            using var content = new ByteArrayContent(OutOfTheBox.MachineInfo(ipad)) { Headers = { ContentType = new MediaTypeHeaderValue("application/pkcs7-signature") } };
            using var client = host.Server.Client();
            using var answer = await client.PostAsync("/mdm/automated/enroll", content);
            return answer.StatusCode;
        }

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Forbidden), (await Ask(comes), await Ask(comes), await Ask(goes)));
        // Asking is not coming: it has to enrol.
        Assert.Equal("comes", (string?)(await host.Get($"devices/{comes.Description.SerialNumber}"))["migration"]);
    }

    [Fact]
    public async Task What_an_iPad_would_lose_or_what_keeps_it_from_moving_is_said_before()
    {
        Elsewhere("MOVENOPROFILE1", "MOVELOSES1", "MOVESHARED1", "MOVETHROTTLED1");
        var (without, first) = await host.Connect(null);
        var (losing, second) = await host.Connect(await Profile(""", "awaitConfiguration": false"""));
        host.Apple.Portal.Migrate(first, TimeProvider.System.GetUtcNow().AddDays(60), "MOVENOPROFILE1");
        host.Apple.Portal.Migrate(second, TimeProvider.System.GetUtcNow().AddDays(60), "MOVELOSES1");
        await Until(without, "MOVENOPROFILE1", "comes", "none");
        await Until(losing, "MOVELOSES1", "comes", "assigned");
        Assert.StartsWith("No enrolment profile", (string?)(await host.Get("devices/MOVENOPROFILE1"))["migrationObstacle"], StringComparison.Ordinal);
        Assert.Contains("loses its managed apps", (string?)(await host.Get("devices/MOVELOSES1"))["migrationObstacle"], StringComparison.Ordinal);
        Assert.Contains("loses its managed apps", await Page("/automated/devices/MOVELOSES1"), StringComparison.Ordinal);

        var (both, third) = await host.Connect(await Profile(""", "sharedIPad": true"""));
        host.Apple.Portal.Migrate(third, TimeProvider.System.GetUtcNow().AddDays(60), "MOVESHARED1");
        await Until(both, "MOVESHARED1", "comes", "assigned");
        Assert.Contains("Shared iPad", (string?)(await host.Get("devices/MOVESHARED1"))["migrationObstacle"], StringComparison.Ordinal);
        host.Apple.Faults.AssignmentOf["MOVETHROTTLED1"] = "THROTTLED";
        host.Apple.Portal.Migrate(second, TimeProvider.System.GetUtcNow().AddDays(60), "MOVETHROTTLED1");
        await Until(losing, "MOVETHROTTLED1", "comes", "throttled");
        Assert.Contains("did not assign", (string?)(await host.Get("devices/MOVETHROTTLED1"))["migrationObstacle"], StringComparison.Ordinal);
    }
}
