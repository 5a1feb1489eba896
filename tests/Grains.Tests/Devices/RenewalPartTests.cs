using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Renewals;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Renewals;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>When an identity certificate is renewed, and why not.</summary>
public sealed class RenewalPartTests
{
    private static readonly DateTimeOffset Now = new(2026, 9, 1, 8, 0, 0, TimeSpan.Zero);
    private static readonly byte[] Sha = new byte[32];
    private static readonly RenewalOptions Options = new();

    private static readonly RenewalRow Due = new() { DeviceId = "PAD", Sha256 = Sha, NotAfter = Now.AddDays(100), NextAt = Now };

    private static readonly DeviceRow Enrolled = new()
    {
        Id = "PAD",
        DeviceId = "PAD",
        Kind = EnrolmentKind.Device,
        Status = EnrolmentStatus.Enrolled,
        Topic = "com.apple.mgmt.test",
        PushToken = [1],
        PushMagic = "magic",
    };

    private static readonly CertificateStanding Issued = new()
    {
        Issued = new IssuedCertificate { Sha256 = Sha, Der = [], IssuedAt = Now.AddYears(-4), NotAfter = Due.NotAfter },
    };

    private static readonly QueuedRow Queued = new()
    {
        Sequence = 1,
        CommandUuid = "C",
        RequestType = "InstallProfile",
        BodyHash = [],
        AcceptedAt = Now,
    };

    private static RenewalState State => new(Enrolled, [new Pin(Sha, Due.NotAfter, Now.AddYears(-4))], Due, Issued, null, Now);

    [Fact]
    public void What_ends_on_one_day_is_spread_over_the_days_and_planned_the_same_each_time()
    {
        var end = Now.AddDays(300);
        var plans = Enumerable.Range(0, 10_000)
            .Select(n => RenewalPart.Plan(new EndingIdentity($"PAD{n}", Sha, end.AddYears(-5), end), Options).NextAt).ToList();

        Assert.Equal(plans[77], RenewalPart.Plan(new EndingIdentity("PAD77", Sha, end.AddYears(-5), end), Options).NextAt);
        Assert.All(plans, at => Assert.InRange(at, end.AddDays(-120), end.AddDays(-90)));
        var days = plans.GroupBy(at => (int)(at - end.AddDays(-120)).TotalDays).Select(day => day.Count()).ToList();
        Assert.Equal(30, days.Count);
        Assert.All(days, count => Assert.InRange(count, 250, 420));
    }

    [Theory]
    [InlineData(30, 10, 5)]
    [InlineData(360, 120, 90)]
    [InlineData(1825, 120, 90)]
    public void A_certificate_that_lives_for_a_short_time_is_renewed_in_the_last_third_of_it(int lifetimeDays, int first, int last)
    {
        var plans = Enumerable.Range(0, 200)
            .Select(n => RenewalPart.Plan(new EndingIdentity($"PAD{n}", Sha, Now, Now.AddDays(lifetimeDays)), Options).NextAt - Now).ToList();
        Assert.All(plans, at => Assert.InRange(at.TotalDays, lifetimeDays - first, lifetimeDays - last));
    }

    [Fact]
    public void A_try_is_named_by_the_iPad_its_certificate_and_its_number()
    {
        var first = RenewalPart.CommandOf(Due);
        Assert.Equal(first, RenewalPart.CommandOf(Due with { NextAt = Now.AddDays(1), Detail = "x" }));
        Assert.Equal(8, Guid.Parse(first).Version);
        Assert.Equal(4, new[] { Due, Due with { Failures = 1 }, Due with { DeviceId = "OTHER" }, Due with { Sha256 = [1] } }.Select(RenewalPart.CommandOf).Distinct().Count());
    }

    [Fact]
    public void It_starts_when_it_is_due_and_not_before()
    {
        Assert.Equal(RenewalStep.NotDue, RenewalPart.Look(State, Now.AddSeconds(-1)).Step);
        Assert.Equal(RenewalStep.Started, RenewalPart.Look(State with { Asked = true }, Now.AddSeconds(-1)).Step);
        var (step, row) = RenewalPart.Look(State, Now);
        Assert.Equal((RenewalStep.Started, Now, RenewalPart.CommandOf(Due)), (step, row!.StartedAt, row.CommandUuid));
    }

    [Fact]
    public void What_is_over_goes()
    {
        RenewalState[] over =
        [
            State with { Row = null }, State with { Row = Enrolled with { Status = EnrolmentStatus.Removed } }, State with { Pins = [] },
            State with { Pins = [new Pin([1], Now.AddYears(5), Now), State.Pins[0]] },
        ];
        Assert.All(over, state => Assert.Equal((RenewalStep.Nothing, (RenewalRow?)null), Parts(RenewalPart.Look(state, Now))));
    }

    [Fact]
    public void A_queued_command_waits_whoever_asks_and_after_more_than_a_week_a_person_is_told()
    {
        var waiting = State with { Queued = Queued, Asked = true };
        var (step, row) = RenewalPart.Look(waiting, Now.AddDays(8));
        Assert.Equal((RenewalStep.Waiting, RenewalProblem.None, "C"), (step, row!.Problem, row.CommandUuid));

        (step, row) = RenewalPart.Look(waiting, Now.AddDays(10));
        Assert.Equal((RenewalStep.Waiting, RenewalProblem.Silent), (step, row!.Problem));
        Assert.Contains("last seen on 2026-09-01", row.Detail, StringComparison.Ordinal);
        (_, row) = RenewalPart.Look(waiting with { Queued = Queued with { NotNowCount = 4, NotNowAt = Now.AddDays(9) } }, Now.AddDays(10));
        Assert.Contains("put it off 4 times", row!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_that_has_ended_without_a_renewal_is_a_failure_and_is_tried_again_later_each_time()
    {
        var started = State with { Renewal = Due with { CommandUuid = "C", StartedAt = Now } };
        var now = Now;
        var waits = new List<TimeSpan>();
        RenewalRow? row = null;
        for (var failure = 1; failure <= 6; failure++)
        {
            (var step, row) = RenewalPart.Look(started, now);
            Assert.Equal((RenewalStep.NotDue, failure, (string?)null), (step, row!.Failures, row.CommandUuid));
            Assert.Equal(failure < RenewalPart.ManyFailures ? RenewalProblem.None : RenewalProblem.RepeatedErrors, row.Problem);
            waits.Add(row.NextAt - now);
            now = row.NextAt;
            (step, row) = RenewalPart.Look(started with { Renewal = row }, now);
            Assert.Equal(RenewalStep.Started, step);
            started = started with { Renewal = row! };
        }

        Assert.Equal([1, 6, 24, 72, 168, 336], waits.Select(wait => wait.TotalHours));
        Assert.Equal(RenewalProblem.RepeatedErrors, row!.Problem);
    }

    [Theory]
    [InlineData(400, 9, 30)]
    [InlineData(40, 9, 10)]
    [InlineData(8, 9, 2)]
    [InlineData(2, 9, 1)]
    [InlineData(0.1, 1, 1 / 24.0)]
    [InlineData(-1, 9, 30)]
    public void A_pause_has_a_longest_and_leaves_time_for_more_tries_before_the_end(double daysLeft, int failures, double pause)
    {
        var renewal = Due with { NotAfter = Now.AddDays(daysLeft), Failures = failures - 1 };
        Assert.Equal(pause, (RenewalPart.Failed(renewal, null, Now).NextAt - Now).TotalDays, 6);
    }

    [Fact]
    public void What_cannot_be_renewed_is_said_with_its_reason_and_looked_at_again()
    {
        var withdrawn = Issued with { Invitation = new InvitationStanding { Id = "I", CreatedAt = Now, CertificatesWithdrawnAt = Now } };
        (RenewalState State, RenewalProblem Problem)[] cases =
        [
            (State with { Standing = new CertificateStanding() }, RenewalProblem.NotIssuedHere),
            (State with { Standing = withdrawn }, RenewalProblem.Withdrawn),
            (State with { Row = Enrolled with { Status = EnrolmentStatus.Authenticated } }, RenewalProblem.NotEnrolled),
            (State with { Row = Enrolled with { Kind = EnrolmentKind.UserEnrollment } }, RenewalProblem.OtherKind),
        ];
        foreach (var (state, problem) in cases)
        {
            var (step, row) = RenewalPart.Look(state with { Asked = true }, Now);
            Assert.Equal((RenewalStep.Impossible, problem, (string?)null), (step, row!.Problem, row.CommandUuid));
            Assert.InRange(row.NextAt, Now.AddHours(1), Now.AddDays(2));
            Assert.Equal(RenewalProblem.None, RenewalPart.Look(State with { Renewal = row }, row.NextAt).Row!.Problem);
        }
    }

    private static (RenewalStep, RenewalRow?) Parts(RenewalDecision decision) => (decision.Step, decision.Row);
}
