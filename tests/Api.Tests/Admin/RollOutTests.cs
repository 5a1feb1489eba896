using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Assignments that come to their iPads in waves, over HTTP and in the console, with iPads that come and answer.</summary>
public sealed class RollOutTests(AdminServer server) : IClassFixture<AdminServer>
{
    private const string Path = "/api/v1/assignments";

    private async Task<List<TestPad>> Pads(string serial, int count)
    {
        var pads = new List<TestPad>();
        for (var i = 0; i < count; i++) pads.Add(await server.Enrol(serial: $"{serial}{i}"));
        return pads;
    }

    private async Task<JsonObject> Create(string name, string serials, string rollOut)
    {
        using var profile = await server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json(ProfileTests.Body(ProfileTests.WiFi(ProfileTests.NewIdentifier()))));
        var body = new JsonObject
        {
            ["name"] = name,
            ["profileId"] = (string)(await AdminServer.Body(profile, 201))["id"]!,
            ["target"] = $"name:{serials}",
            ["rollOut"] = JsonNode.Parse(rollOut),
        };
        using var answer = await server.Admin.PostAsync(Path, AdminServer.Json(body.ToJsonString()));
        return await AdminServer.Body(answer, 201);
    }

    private async Task<JsonObject> Get(string path)
    {
        using var answer = await server.Admin.GetAsync(path);
        return await AdminServer.Body(answer, 200);
    }

    private async Task<JsonObject> Post(JsonObject assignment, string what, int status = 200)
    {
        using var answer = await server.Admin.PostAsync($"{Path}/{assignment["id"]}/{what}", null);
        return await AdminServer.Body(answer, status);
    }

    private async Task<JsonObject> Until(JsonObject assignment, Func<JsonNode, bool> isSo)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (true)
        {
            var now = await Get($"{Path}/{assignment["id"]}");
            if (isSo(now["rollOut"]!)) return now;
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);
        }
    }

    /// <summary>Those iPads that get something now, with its CommandUUID.</summary>
    private static async Task<List<(TestPad Pad, string Uuid)>> Getting(IEnumerable<TestPad> pads)
    {
        var found = new List<(TestPad, string)>();
        foreach (var pad in pads)
        {
            var reply = await pad.Idle();
            if (reply.Profile is { } profile) found.Add((pad, profile.CommandUuid));
            else if (reply.Body is { } body) found.Add((pad, Encoding.UTF8.GetString(body).Split("<key>CommandUUID</key>")[1].Split("<string>")[1].Split('<')[0]));
        }

        return found;
    }

    private static async Task Report(TestPad pad, string uuid, string? error = null)
    {
        await pad.Grain.Report(
            new CommandReportMessage
            {
                Status = error is null ? ReportStatus.Acknowledged : ReportStatus.Error,
                CommandUuid = uuid,
                ErrorSummary = error,
                Result = "<plist version=\"1.0\"><dict/></plist>"u8.ToArray(),
            }, pad.Certificate);
        await pad.Idle();
    }

    [Fact]
    public async Task It_goes_on_by_itself_when_a_wave_is_through_and_a_newcomer_gets_it_at_once_when_all_have_it()
    {
        var pads = await Pads("ROGOOD", 4);
        var assignment = await Create("Good", "ROGOOD", """{"waves": [1, "50%"]}""");
        Assert.Equal(("Running", 1, 3), ((string)assignment["rollOut"]!["state"]!, (int)assignment["rollOut"]!["wave"]!, (int)assignment["rollOut"]!["of"]!));

        var first = Assert.Single(await Getting(pads));
        await Report(first.Pad, first.Uuid);
        var second = await Until(assignment, rollOut => (int)rollOut["wave"]! == 2);
        Assert.Equal([1, 1, 0], second["rollOut"]!["waves"]!.AsArray().Select(wave => (int)wave!["reached"]!));
        Assert.Contains("wave 2 of 3", await server.Admin.GetStringAsync("/assignments?q=Good"), StringComparison.Ordinal);
        Assert.Contains("Wave 2 of 3", await server.Admin.GetStringAsync($"/assignments/{assignment["id"]}"), StringComparison.Ordinal);

        // One that enrols meanwhile waits for its turn, whatever it says of itself.
        var newcomer = await server.Enrol(serial: "ROGOOD9");
        Assert.Empty(await Getting([newcomer]));
        var next = Assert.Single(await Getting(pads.Append(newcomer)));
        await Report(next.Pad, next.Uuid);
        await Until(assignment, rollOut => (int)rollOut["wave"]! == 3);
        var last = await Getting(pads.Append(newcomer));
        Assert.Equal(3, last.Count);
        foreach (var (pad, uuid) in last) await Report(pad, uuid);
        await Until(assignment, rollOut => (string)rollOut["state"]! == "Over");

        Assert.Single(await Getting([await server.Enrol(serial: "ROGOOD8")]));
        await Post(assignment, "take-back", 409);
    }

    [Fact]
    public async Task A_profile_that_makes_iPads_fail_stops_by_itself_is_told_and_goes_on_when_somebody_says_so()
    {
        var pads = await Pads("ROFAIL", 6);
        var assignment = await Create("Fails", "ROFAIL", """{"waves": [2, "100%"]}""");
        var first = await Getting(pads);
        Assert.Equal(2, first.Count);
        foreach (var (pad, uuid) in first) await Report(pad, uuid, "The certificate has expired.");

        var stopped = await Until(assignment, rollOut => (string)rollOut["state"]! == "Paused");

        Assert.Equal("2 of the first 2 failed. Most often: The certificate has expired.", (string)stopped["rollOut"]!["stopReason"]!);
        Assert.Empty(await Getting(pads.Except(first.Select(one => one.Pad))));
        Assert.Contains("stopped by itself", await server.Admin.GetStringAsync("/assignments?q=Fails"), StringComparison.Ordinal);
        Assert.Contains("roll-out stopped by itself: Fails", await server.Admin.GetStringAsync("/"), StringComparison.Ordinal);
        var page = await server.Admin.GetStringAsync($"/assignments/{assignment["id"]}");
        Assert.Contains("The certificate has expired.", page, StringComparison.Ordinal);
        Assert.Contains("Go on", page, StringComparison.Ordinal);
        Assert.Contains("Take back", page, StringComparison.Ordinal);
        var records = (await Get($"/api/v1/audit?verb=assignment.stop&target={assignment["id"]}"))["items"]!.AsArray();
        Assert.Contains("2 of the first 2 failed", (string)Assert.Single(records)!["detail"]!, StringComparison.Ordinal);

        using var went = await server.Admin.PostAsync($"/assignments/{assignment["id"]}/go-on", new FormUrlEncodedContent([]));
        Assert.Equal(303, (int)went.StatusCode);
        Assert.Equal(4, (await Getting(pads.Except(first.Select(one => one.Pad)))).Count);
        Assert.DoesNotContain("roll-out stopped by itself: Fails", await server.Admin.GetStringAsync("/"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_is_taken_back_is_taken_from_those_that_have_it()
    {
        var pads = await Pads("ROBACK", 3);
        var assignment = await Create("Back", "ROBACK", """{"waves": [1]}""");
        var (pad, uuid) = Assert.Single(await Getting(pads));
        await Report(pad, uuid);
        Assert.Contains("Take back", await server.Admin.GetStringAsync($"/assignments/{assignment["id"]}/take-back"), StringComparison.Ordinal);

        Assert.Equal("over", (string)(await Post(assignment, "take-back"))["phase"]!);

        var removal = Assert.Single(await Getting([pad]));
        Assert.StartsWith("F1EE7002-", removal.Uuid, StringComparison.Ordinal);
        await Post(assignment, "take-back", 409);
        await Post(assignment, "go-on", 409);
    }

    [Fact]
    public async Task The_form_asks_for_waves_and_says_what_is_wrong_with_a_share()
    {
        await Pads("ROFORM", 1);
        var fields = new Dictionary<string, string> { ["what"] = "zone", ["name"] = "Form in waves", ["timeZone"] = "Europe/Oslo", ["target"] = "name:ROFORM", ["rollOut"] = "true", ["stopWhenFailed"] = "200" };
        using var wrong = await server.Admin.PostAsync("/assignments", new FormUrlEncodedContent(fields));
        Assert.Equal(400, (int)wrong.StatusCode);
        Assert.Contains("Enter a whole number from 1 to 100", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        fields["stopWhenFailed"] = "20 %";
        using var created = await server.Admin.PostAsync("/assignments", new FormUrlEncodedContent(fields));
        Assert.Equal(303, (int)created.StatusCode);
        var rollOut = (await Get($"{Path}/{created.Headers.Location!.ToString().Split('?')[0].Split('/')[^1]}"))["rollOut"]!;
        Assert.Equal((20, "In waves: the first 10, then up to 10%, then all; stops when more than 20 % of a wave fail"), ((int)rollOut["stopWhenFailed"]!, (string)rollOut["words"]!));
    }

    [Theory]
    [InlineData("""{"waves": ["0%"]}""", "rollOut.waves[0]")]
    [InlineData("""{"stopWhenFailed": 101}""", "rollOut.stopWhenFailed")]
    [InlineData("""{"sample": 0}""", "rollOut.sample")]
    [InlineData("""{"nextWhenDone": 0}""", "rollOut.nextWhenDone")]
    [InlineData("""{"waveHours": 721}""", "rollOut.waveHours")]
    public async Task What_cannot_be_is_refused_and_named(string rollOut, string field)
    {
        var body = new JsonObject { ["name"] = "Wrong", ["setting"] = JsonNode.Parse("""{"item": "TimeZone", "timeZone": "Europe/Oslo"}"""), ["rollOut"] = JsonNode.Parse(rollOut) };
        using var answer = await server.Admin.PostAsync(Path, AdminServer.Json(body.ToJsonString()));
        Assert.NotNull((await AdminServer.Problem(answer, 400))["errors"]![field]);
    }
}
