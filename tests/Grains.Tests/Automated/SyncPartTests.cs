using CsCheck;
using FleetMdm.Grains.Automated;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Automated;

namespace FleetMdm.Grains.Tests.Automated;

/// <summary>The rules of the list and of the hold, without anything around them.</summary>
public sealed class SyncPartTests
{
    private static readonly DateTimeOffset Now = new(2026, 9, 1, 7, 0, 0, TimeSpan.Zero);

    private static readonly Gen<AppleDevice> Device = Gen.Select(Gen.Int[0, 4], Gen.Int[-3, 3], Gen.Int[1, 3], Gen.Int[0, 9]).Select((serial, minutes, operation, color) => new AppleDevice
    {
        SerialNumber = $"S{serial}",
        Operation = (AutomatedOperation)operation,
        OperationAt = Now.AddMinutes(minutes),
        Color = color.ToString(System.Globalization.CultureInfo.InvariantCulture),
    });

    [Fact]
    public void In_whatever_order_events_come_the_newest_of_each_iPad_counts() => Gen.Select(Device.Array[0, 12], Gen.Int).Sample((events, seed) =>
    {
        var merged = SyncPart.Merge(events);
        var shuffled = SyncPart.Merge(events.Select((one, i) => (one, Key: unchecked((i + 1) * (seed | 1)))).OrderBy(one => one.Key).Select(one => one.one));
        Assert.Equal(merged.Select(one => one.SerialNumber).Order(StringComparer.Ordinal), events.Select(one => one.SerialNumber).Distinct().Order(StringComparer.Ordinal));
        foreach (var one in merged)
        {
            var of = events.Where(other => other.SerialNumber == one.SerialNumber).ToList();
            Assert.Equal(of.Max(other => other.OperationAt), one.OperationAt);
            // Of the same moment, one that is there.
            Assert.Equal(of.Where(other => other.OperationAt == one.OperationAt).All(other => other.Operation == AutomatedOperation.Deleted), one.Operation == AutomatedOperation.Deleted);
            var other = shuffled.Single(candidate => candidate.SerialNumber == one.SerialNumber);
            Assert.Equal((one.OperationAt, one.Operation == AutomatedOperation.Deleted), (other.OperationAt, other.Operation == AutomatedOperation.Deleted));
        }

        Assert.Equal(merged, SyncPart.Merge(merged));
    }, iter: 20_000);

    [Fact]
    public void A_pause_is_never_shorter_than_Apple_wants_and_never_longer_than_a_day_and_a_quarter()
    {
        var wish = Gen.Int[0, 200_000].Select(seconds => seconds == 0 ? (TimeSpan?)null : TimeSpan.FromSeconds(seconds));
        Gen.Select(Gen.Enum<AutomatedProblem>(), Gen.Int[1, 1000], wish, Gen.Double[0, 1]).Sample((problem, failures, retryAfter, jitter) =>
        {
            var pause = SyncPart.Pause(problem, failures, retryAfter, jitter);
            Assert.True(pause >= TimeSpan.FromMinutes(1) && pause <= TimeSpan.FromHours(30));
            if (retryAfter is { } wanted && wanted <= TimeSpan.FromDays(1)) Assert.True(pause >= wanted);
            Assert.True(SyncPart.Pause(problem, failures + 1, retryAfter, jitter) >= pause);
        }, iter: 20_000);
    }

    private static AutomatedServer Server() => new()
    {
        Id = "id",
        Version = 1,
        Name = "name",
        Certificate = [],
        SealedKey = [],
        KeyMadeAt = Now,
        InvitationId = "invitation",
        CreatedAt = Now,
        CreatedBy = "ada",
        UpdatedAt = Now,
        UpdatedBy = "ada",
        FetchedAt = Now,
        Cursor = "c",
        Generation = 3,
    };

    [Fact]
    public void The_whole_list_is_asked_for_at_first_once_a_day_and_by_wish_and_a_begun_one_goes_on()
    {
        var server = Server();
        Assert.Equal(new SyncStep(false, "c", 3), SyncPart.Next(server, "c", false, Now.AddHours(23)));
        Assert.Equal(new SyncStep(true, null, 4), SyncPart.Next(server, "c", false, Now.AddHours(24)));
        Assert.Equal(new SyncStep(true, null, 4), SyncPart.Next(server, "c", true, Now));
        Assert.Equal(new SyncStep(true, null, 4), SyncPart.Next(server with { Cursor = null }, null, false, Now));
        Assert.Equal(new SyncStep(true, "c", 3), SyncPart.Next(server with { Fetching = true, FetchedAt = null }, "c", false, Now));
        // The clock was put back by years.
        Assert.True(SyncPart.Next(server, "c", false, Now.AddYears(-2)).Fetch);
    }

    private static AutomatedHold Held(HoldState state = HoldState.Held) => new() { DeviceId = "id", EnrolledAt = Now, UntilAt = Now.AddMinutes(30), State = state };

    [Fact]
    public void An_iPad_is_held_until_nothing_waits_and_at_most_until_its_time()
    {
        HoldDecision Decide(int minutes, int queued, params (AssignmentState, string)[] standings) => HoldPart.Decide(Held(), false, queued, standings, false, Now.AddMinutes(minutes));

        Assert.Equal(new HoldDecision(HoldStep.LetGo), Decide(0, 0));
        Assert.Equal(new HoldDecision(HoldStep.LetGo), Decide(0, 0, (AssignmentState.Installed, "Wi-Fi"), (AssignmentState.NotApplicable, "VPN")));
        Assert.Equal(HoldStep.Wait, Decide(29, 0, (AssignmentState.Waiting, "Wi-Fi")).Step);
        Assert.Equal(HoldStep.Wait, Decide(29, 0, (AssignmentState.Sent, "Wi-Fi")).Step);
        Assert.Equal(HoldStep.Wait, Decide(29, 1).Step);
        Assert.Equal(HoldStep.Wait, HoldPart.Decide(Held(), false, 0, [], true, Now).Step);
        Assert.Equal(new HoldDecision(HoldStep.LetGo, "Wi-Fi (not answered yet), Maths (not sent yet)"), Decide(30, 0, (AssignmentState.Sent, "Wi-Fi"), (AssignmentState.Waiting, "Maths")));
        Assert.Equal(new HoldDecision(HoldStep.LetGo, "Wi-Fi (the iPad refused it)"), Decide(1, 0, (AssignmentState.Failed, "Wi-Fi")));
        Assert.Equal(new HoldDecision(HoldStep.LetGo, "one command of its queue"), Decide(30, 1));
        Assert.Equal(HoldStep.Told, HoldPart.Decide(Held(HoldState.Going), true, 3, [], false, Now).Step);
        // It was told, the command was lost, and it still waits: it is told again at once.
        Assert.Equal(HoldStep.LetGo, HoldPart.Decide(Held(HoldState.LetGo), false, 2, [(AssignmentState.Sent, "Wi-Fi")], false, Now).Step);
    }
}
