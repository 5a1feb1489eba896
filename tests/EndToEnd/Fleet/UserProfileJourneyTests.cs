using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>Profiles for the users of a simulated Shared iPad, by pushes, from the assignment to the user's channel and back.</summary>
public sealed class UserProfileJourneyTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Ada = "ada@school.example", Bo = "bo@school.example", Identifier = "journey.of.users";

    [Fact]
    public Task Each_user_gets_it_with_the_login_keeps_it_and_loses_it_when_it_is_assigned_no_more() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet, description => description with { Shared = true });
        var profile = await server.Admin.CreateProfileAsync(new JsonObject
        {
            ["PayloadIdentifier"] = Identifier,
            ["PayloadDisplayName"] = "Timetable",
            ["PayloadContent"] = new JsonArray(new JsonObject { ["PayloadType"] = "com.apple.webClip.managed", ["Label"] = "Timetable", ["URL"] = "https://school.example" }),
        });
        var assignment = (string)(await server.Admin.PostAsync("/api/v1/assignments", new JsonObject
        {
            ["name"] = "Timetable of users",
            ["profileId"] = profile,
            ["channel"] = "user",
            ["target"] = $"serial:{ipad.Description.SerialNumber}",
        }))["id"]!;

        await ipad.LogInAsync(Ada);
        await Until(async () => await StateAsync(ipad, Ada) == "installed");
        Assert.Equal([Identifier], ipad.ProfilesOf(Ada));
        Assert.Empty(ipad.InstalledProfiles);
        ipad.LogOut(Ada);
        await ipad.LogInAsync(Bo);
        await Until(async () => await StateAsync(ipad, Bo) == "installed");
        Assert.Equal([Identifier], ipad.ProfilesOf(Bo));

        // Ada is away: it waits for her, and only for her.
        await server.Admin.DeleteAsync($"/api/v1/assignments/{assignment}");
        await Until(async () => await StateAsync(ipad, Bo) == "none");
        Assert.Empty(ipad.ProfilesOf(Bo));
        Assert.Equal("leaving", await StateAsync(ipad, Ada));
        Assert.Equal([Identifier], ipad.ProfilesOf(Ada));
        await ipad.LogInAsync(Ada);
        await Until(async () => await StateAsync(ipad, Ada) == "none");
        Assert.Empty(ipad.ProfilesOf(Ada));
    });

    private async Task<string> StateAsync(VirtualIPad ipad, string user) =>
        (await server.Admin.GetAsync($"/api/v1/devices/{ipad.Udid}/shared-ipad"))["users"]!.AsArray().Where(one => (string)one!["userName"]! == user)
            .SelectMany(one => one!["profiles"]!.AsArray()).Select(one => (string)one!["state"]!).SingleOrDefault("none");

    private static async Task Until(Func<Task<bool>> so)
    {
        using var guard = new CancellationTokenSource(RunningServer.Guard);
        while (!await so()) await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, guard.Token);
    }
}
