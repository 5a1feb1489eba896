using FleetMdm.Grains.Devices;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>Which questions are due, without a store.</summary>
public sealed class RefreshPartTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 2, 8, 0, 0, TimeSpan.Zero);
    private static readonly InventoryOptions Defaults = new();
    private static readonly Dictionary<InventoryList, DateTimeOffset> Nothing = [];

    private static DeviceRow Row(string id = "IPAD") => new()
    {
        Id = id,
        DeviceId = id.Split(':')[0],
        Kind = EnrolmentKind.Device,
        Status = EnrolmentStatus.Enrolled,
        EnrolledAt = Now.AddDays(-30),
    };

    private static List<string> Due(DeviceRow row, Dictionary<InventoryList, DateTimeOffset> told, string[] waiting, DateTimeOffset now) =>
        [.. RefreshPart.Due(row, told, waiting, Defaults, now).Select(command => command.RequestType)];

    [Fact]
    public void What_was_never_told_is_due_and_what_waits_already_is_not()
    {
        Assert.Equal(["DeviceInformation", "SecurityInfo", "InstalledApplicationList", "ProfileList", "CertificateList"], Due(Row(), Nothing, [], Now));
        Assert.Equal(["DeviceInformation", "InstalledApplicationList", "CertificateList"], Due(Row(), Nothing, ["SecurityInfo", "ProfileList"], Now));
    }

    [Fact]
    public void A_question_is_due_once_in_each_of_its_turns()
    {
        var asked = 0;
        var row = Row();
        for (var hour = 0; hour < 24 * 28; hour++)
        {
            if (!Due(row, Nothing, ["SecurityInfo", "InstalledApplicationList", "ProfileList", "CertificateList"], Now.AddHours(hour)).Contains("DeviceInformation")) continue;
            asked++;
            row = row with { DetailsAt = Now.AddHours(hour) };
        }

        Assert.InRange(asked, 28, 29);
    }

    [Fact]
    public void The_next_turn_lies_within_a_day_and_never_behind()
    {
        for (var n = 0; n < 500; n++)
        {
            var next = RefreshPart.Next($"IPAD{n}", Defaults, Now);
            Assert.InRange(next, Now.AddSeconds(1), Now.AddDays(1));
            Assert.Equal(next, RefreshPart.Next($"IPAD{n}", Defaults, next.AddSeconds(-1)));
        }
    }

    [Fact]
    public void The_turns_of_a_fleet_are_spread_over_the_day()
    {
        var byHour = Enumerable.Range(0, 24_000).GroupBy(n => RefreshPart.Next($"00008030-{n:X16}", Defaults, Now).Hour).Select(hour => hour.Count()).ToList();
        Assert.Equal(24, byHour.Count);
        Assert.All(byHour, count => Assert.InRange(count, 800, 1_200));
    }

    [Fact]
    public void Only_an_iPad_that_is_enrolled_and_set_up_is_asked_and_not_at_once()
    {
        Assert.Equal(Now.AddDays(-30).AddHours(1), RefreshPart.DueAt(Row(), Defaults));
        Assert.Equal(Now, RefreshPart.DueAt(Row() with { RefreshAt = Now }, Defaults));
        Assert.Equal(Now.AddDays(-30).AddHours(1), RefreshPart.DueAt(Row() with { RefreshAt = Now.AddDays(-31) }, Defaults));
        Assert.Null(RefreshPart.DueAt(null, Defaults));
        Assert.Null(RefreshPart.DueAt(Row() with { Status = EnrolmentStatus.Authenticated }, Defaults));
        Assert.Null(RefreshPart.DueAt(Row() with { AwaitingConfiguration = true }, Defaults));
        Assert.Null(RefreshPart.DueAt(Row("IPAD:mira"), Defaults));
        Assert.Null(RefreshPart.DueAt(Row(), new InventoryOptions
        {
            DeviceInformationHours = 0,
            SecurityInfoHours = 0,
            InstalledApplicationListHours = 0,
            ProfileListHours = 0,
            CertificateListHours = 0,
        }));
    }

    [Fact]
    public void Its_questions_are_told_from_those_of_people_by_their_UUIDs()
    {
        var uuid = RefreshQuestions.NewUuid();
        Assert.True(Guid.TryParseExact(uuid, "D", out _));
        Assert.True(RefreshQuestions.Is(uuid));
        Assert.NotEqual(uuid, RefreshQuestions.NewUuid());
        Assert.False(RefreshQuestions.Is(Guid.NewGuid().ToString().ToUpperInvariant()));
        Assert.False(RefreshQuestions.Is(Guid.CreateVersion7().ToString()));
        Assert.False(RefreshQuestions.Is(null));
    }
}

/// <summary>A silo that asks iPads about themselves each day.</summary>
public sealed class AskingCluster : GrainCluster
{
    protected override short Silos => 1;

    protected override string RefreshHours => "24";

    protected override Task<IReadOnlyDictionary<string, string?>> OpenStore(string folder) =>
        Task.FromResult<IReadOnlyDictionary<string, string?>>(new Dictionary<string, string?> { ["Storage:Provider"] = "Sqlite" });

    protected override Task CloseStore() => Task.CompletedTask;
}

/// <summary>iPads are asked about themselves when they come anyway.</summary>
public sealed class RefreshTests(AskingCluster cluster) : IClassFixture<AskingCluster>
{
    private async Task<List<string>> AskedOn(TestIPad pad, string? first)
    {
        var asked = new List<string>();
        for (var uuid = first; uuid is not null; uuid = await pad.Acknowledge(uuid))
        {
            Assert.True(RefreshQuestions.Is(uuid));
            asked.Add((await cluster.Devices.Load(pad.Id)).Queue.Single(row => row.CommandUuid == uuid).RequestType);
        }

        return asked;
    }

    private async Task<TestIPad> Enrolled(bool forgetful)
    {
        var pad = await new TestIPad(cluster, forgetful).Enrolled();
        Assert.Null(await pad.Connect());
        return pad;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_iPad_is_asked_once_a_day_when_it_comes_and_never_woken_for_it(bool forgetful)
    {
        using var pad = await Enrolled(forgetful);
        cluster.Clock.Advance(TimeSpan.FromMinutes(61));
        Assert.Equal(["DeviceInformation", "SecurityInfo", "InstalledApplicationList", "ProfileList", "CertificateList"], await AskedOn(pad, await pad.Connect()));
        Assert.Null(await pad.Connect());
        Assert.Equal(0, pad.UnseenPushes);

        // Within the next two days it is asked twice, however often it comes.
        var rounds = 0;
        for (var hour = 0; hour < 48; hour++)
        {
            cluster.Clock.Advance(TimeSpan.FromHours(1));
            if ((await AskedOn(pad, await pad.Connect())).Count > 0) rounds++;
        }

        Assert.Equal(2, rounds);
        Assert.Equal(0, pad.UnseenPushes);
    }

    [Fact]
    public async Task What_people_have_sent_comes_first_and_is_not_asked_twice()
    {
        using var pad = await Enrolled(forgetful: false);
        cluster.Clock.Advance(TimeSpan.FromHours(2));
        var sent = await pad.Enqueue("RestartDevice", push: false);
        var put = await pad.Enqueue("ProfileList", push: false);
        Assert.Equal(sent, await pad.Connect());
        Assert.Equal(put, await pad.Acknowledge(sent));
        // It is locked: nothing else is asked of it on this connection.
        Assert.Null(await pad.NotNow(put));
        Assert.Equal(put, await pad.Connect());
        var first = await pad.Fail(put);
        Assert.Contains("ProfileList", await AskedOn(pad, first));
    }

    [Fact]
    public async Task An_iPad_that_answers_with_errors_is_asked_again_at_its_next_time_only()
    {
        using var pad = await Enrolled(forgetful: true);
        cluster.Clock.Advance(TimeSpan.FromHours(2));
        var count = 0;
        for (var uuid = await pad.Connect(); uuid is not null; uuid = await pad.Fail(uuid)) count++;
        Assert.Equal(5, count);
        Assert.Null(await pad.Connect());
    }

    [Fact]
    public async Task The_answer_is_not_kept()
    {
        using var pad = await Enrolled(forgetful: false);
        cluster.Clock.Advance(TimeSpan.FromHours(2));
        var uuid = await pad.Connect();
        await pad.Acknowledge(uuid!);
        var finished = await cluster.Queries.FindHistory(pad.Id, uuid!);
        Assert.Equal(CommandEnding.Acknowledged, finished!.Ending);
        Assert.True(finished is { Result: null, ResultHash: null });
    }
}
