using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Journal;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>Declarations and updates on a simulated iPad, from the assignment to the iPad and back. No journey may show a violation of Apple's rules.</summary>
public sealed class DeclarationJourneyTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static int _number;

    private async Task<string> AssignAsync(VirtualIPad ipad, string member, string json)
    {
        var made = await server.Admin.PostAsync("/api/v1/assignments", new JsonObject
        {
            ["name"] = $"Journey {Interlocked.Increment(ref _number)}",
            [member] = JsonNode.Parse(json),
            ["target"] = $"serial:{ipad.Description.SerialNumber}",
        });
        return (string)made["id"]!;
    }

    private async Task<(string State, string Words)> OfAsync(VirtualIPad ipad, string id) =>
        (await server.Admin.GetAsync($"/api/v1/devices/{ipad.Udid}/assignments"))["items"]!.AsArray().Where(one => (string)one!["assignmentId"]! == id)
            .Select(one => ((string)one!["state"]!, (string)one!["words"]!)).SingleOrDefault(("none", ""));

    private static Task StatusAsync(VirtualIPad ipad, long after) =>
        ipad.Journal.WaitForAsync(entry => entry is { Kind: JournalKind.CheckIn, What: "DeclarativeManagement", HttpStatus: 200, Detail: "status" } && entry.Sequence > after, RunningServer.Guard);

    private static long Last(VirtualIPad ipad) => ipad.Journal.Entries.Count > 0 ? ipad.Journal.Entries[^1].Sequence : 0;

    [Fact]
    public Task A_declaration_comes_by_a_push_is_told_of_and_leaves_again() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        var before = Last(ipad);
        var id = await AssignAsync(ipad, "declaration", """{"type": "com.apple.configuration.passcode.settings", "payload": {"MinimumLength": 6}}""");
        await StatusAsync(ipad, before);

        Assert.Equal(("installed", "It is on the iPad."), await OfAsync(ipad, id));
        Assert.Contains(id, ipad.Declarations);
        var view = await server.Admin.GetAsync($"/api/v1/devices/{ipad.Udid}/declarations");
        Assert.Contains("device.operating-system.version", view.ToJsonString(), StringComparison.Ordinal);
        Assert.Empty(view["errors"]!.AsArray());
        // It connects again, and is asked nothing.
        before = Last(ipad);
        await ipad.ConnectAsync();
        await ipad.ReportStatusAsync();
        Assert.DoesNotContain(ipad.Journal.Entries, entry => entry.Sequence > before && entry.NextCommandUuid is not null);

        before = Last(ipad);
        await server.Admin.DeleteAsync($"/api/v1/assignments/{id}");
        await StatusAsync(ipad, before);
        Assert.Empty(ipad.Declarations);
        Assert.Equal("none", (await OfAsync(ipad, id)).State);
    });

    [Fact]
    public Task What_an_iPad_refuses_is_told() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        ipad.FailOnDeclaration("com.apple.configuration.passcode.settings", "Error.ConfigurationNotSupported", "Not on this iPad");
        var before = Last(ipad);
        var id = await AssignAsync(ipad, "declaration", """{"type": "com.apple.configuration.passcode.settings", "payload": {"MinimumLength": 6}}""");
        await StatusAsync(ipad, before);

        Assert.Equal(("failed", "This iPad does not support the configuration. (Error.ConfigurationNotSupported) Not on this iPad."), await OfAsync(ipad, id));
    });

    [Fact]
    public Task An_update_is_loaded_and_installed_at_its_deadline() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet, description => description with { OsVersion = "18.3", BuildVersion = "22D60" });
        // The deadline has passed: it is installed as soon as it is loaded.
        var id = await AssignAsync(ipad, "softwareUpdate", """{"version": "18.6.2", "deadline": "2025-12-04T18:00"}""");
        await ipad.Journal.WaitForAsync(entry => entry.Kind == JournalKind.WentOnline, RunningServer.Guard);
        await StatusAsync(ipad, ipad.Journal.Entries.Last(entry => entry.Kind == JournalKind.WentOnline).Sequence);

        Assert.Equal("18.6.2", ipad.OsVersion);
        Assert.Equal(("installed", "It has iPadOS 18.6.2."), await OfAsync(ipad, id));
    }, options => options with { DownloadTime = TimeSpan.FromMilliseconds(50), RestartTime = TimeSpan.FromMilliseconds(100) });

    [Fact]
    public Task An_iPad_that_is_too_old_for_an_update_by_declaration_says_why() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet, description => description with { OsVersion = "16.7", BuildVersion = "20H19" });
        var id = await AssignAsync(ipad, "softwareUpdate", """{"version": "16.7.10", "deadline": "2026-12-04T18:00"}""");
        await ipad.ConnectAsync();

        var (state, words) = await OfAsync(ipad, id);
        Assert.Equal("notApplicable", state);
        Assert.Contains("needs iPadOS 17.0", words, StringComparison.Ordinal);
        Assert.Empty(ipad.Declarations);
    });
}
