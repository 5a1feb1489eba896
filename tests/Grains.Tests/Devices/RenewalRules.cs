using System.Collections.Concurrent;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Renewals;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Renewals;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Tests.Devices;

public sealed class RenewalSqliteCluster : SqliteCluster
{
    protected override void Configure(IServiceCollection services) => RenewalRules.RunOnlyByTests(services);
}

public sealed class RenewalPostgresCluster : PostgresCluster
{
    protected override void Configure(IServiceCollection services) => RenewalRules.RunOnlyByTests(services);
}

public sealed class RenewalRulesOnSqlite(RenewalSqliteCluster cluster) : RenewalRules(cluster, forgetful: false), IClassFixture<RenewalSqliteCluster>;

public sealed class RenewalRulesOnPostgreSqlForgetful(RenewalPostgresCluster cluster) : RenewalRules(cluster, forgetful: true), IClassFixture<RenewalPostgresCluster>;

/// <summary>What the server does to keep the identity certificates of iPads alive.</summary>
public abstract class RenewalRules(GrainCluster cluster, bool forgetful)
{
    private static readonly ConcurrentDictionary<string, bool> Unreachable = [];

    private IRenewalStore Renewals => cluster.Service<IRenewalStore>();

    private DateTimeOffset Now => cluster.Clock.GetUtcNow();

    /// <summary>The sweep runs when a test says so, and a test may keep it from reaching an iPad.</summary>
    internal static void RunOnlyByTests(IServiceCollection services)
    {
        services.Remove(services.Single(service => service.ServiceType == typeof(ISweepDuty) && service.ImplementationType == typeof(RenewalSweep)));
        services.AddSingleton<IIncomingGrainCallFilter, Away>();
    }

    private sealed class Away : IIncomingGrainCallFilter
    {
        public Task Invoke(IIncomingGrainCallContext context) =>
            context.InterfaceMethod.Name == nameof(IDeviceGrain.RenewIdentity) && Unreachable.ContainsKey(context.TargetId.Key.ToString()!)
                ? throw new InvalidOperationException("on purpose")
                : context.Invoke();
    }

    private async Task<TestIPad> Enrolled(TimeSpan? endsIn = null)
    {
        var ipad = new TestIPad(cluster, forgetful);
        var invitation = Guid.NewGuid().ToString("N");
        await cluster.Enrolments.CreateInvitation(new Invitation { Id = invitation, CreatedAt = Now, ExpiresAt = Now.AddDays(30), CreatedBy = "test" });
        ipad.Certificate = await ipad.InvitedBy(invitation, Now + (endsIn ?? TimeSpan.FromDays(4000)));
        return await ipad.Enrolled();
    }

    private static ValueTask<RenewalStep> Look(IDeviceGrain grain) => grain.RenewIdentity(now: false);

    private static ValueTask<RenewalStep> Ask(IDeviceGrain grain) => grain.RenewIdentity(now: true);

    [Fact]
    public async Task An_iPad_is_asked_once_keeps_its_old_identity_until_the_new_one_speaks_and_is_done_then()
    {
        using var ipad = await Enrolled();
        Assert.Equal(RenewalStep.Nothing, await ipad.Step(Look));
        Assert.Equal(RenewalStep.Started, await ipad.Step(Ask));
        Assert.Equal(RenewalStep.Waiting, await ipad.Step(Ask));
        var uuid = Assert.Single((await cluster.Devices.Load(ipad.Id)).Queue).CommandUuid;
        await ipad.NextPush();

        // Put off, fetched again: the order is the same, and holds no challenge.
        var order = (await ipad.RawReport(ReportStatus.Idle, null)).Renewal!;
        Assert.Equal((uuid, "mdm.district.example:8443", cluster.Topic), (order.CommandUuid, order.Authority, order.Topic));
        Assert.Equal(ipad.Certificate.Sha256, order.Renews);
        Assert.Null((await ipad.RawReport(ReportStatus.NotNow, uuid)).Renewal);
        Assert.Equal(RenewalStep.Waiting, await ipad.Step(Look));
        Assert.Equal(uuid, (await ipad.RawReport(ReportStatus.Idle, null)).Renewal!.CommandUuid);

        var old = ipad.Certificate;
        var renewed = await ipad.Renew();
        Assert.Equal(DeviceRefusal.None, (await ipad.TokenUpdate()).Refusal);
        Assert.NotNull(await Renewals.Find(ipad.Id));
        ipad.Certificate = renewed;
        Assert.Equal(DeviceRefusal.None, (await ipad.Authenticate()).Refusal);
        Assert.Equal(DeviceRefusal.None, (await ipad.TokenUpdate()).Refusal);
        Assert.Null(await ipad.Acknowledge(uuid));

        Assert.Null(await Renewals.Find(ipad.Id));
        Assert.Equal(CommandEnding.Acknowledged, (await cluster.Queries.FindHistory(ipad.Id, uuid))!.Ending);
        var sender = (await cluster.Service<IAuditStore>().FindSenders(ipad.Id, [uuid], Now.AddDays(-1)))[uuid];
        Assert.Equal(ActorKind.Server, sender.Actor.Kind);
        Assert.Equal(RenewalStep.Nothing, await ipad.Step(Look));
        ipad.Certificate = old;
        Assert.Equal(DeviceRefusal.Superseded, (await ipad.Authenticate()).Refusal);
    }

    [Fact]
    public async Task An_error_is_tried_again_by_another_command_and_after_three_a_person_is_told()
    {
        using var ipad = await Enrolled();
        using var other = await Enrolled();
        await ipad.Step(Ask);
        var uuids = new HashSet<string>();
        for (var failures = 1; failures <= RenewalPart.ManyFailures; failures++)
        {
            var uuid = (await ipad.RawReport(ReportStatus.Idle, null)).Renewal!.CommandUuid;
            Assert.True(uuids.Add(uuid));
            Assert.Null(await ipad.Fail(uuid));
            var row = (await Renewals.Find(ipad.Id))!;
            Assert.Equal((failures, "MCMDMErrorDomain 12001: it failed"), (row.Failures, row.Detail));
            Assert.Equal(failures == RenewalPart.ManyFailures ? RenewalProblem.RepeatedErrors : RenewalProblem.None, row.Problem);
            Assert.Equal(RenewalStep.NotDue, await ipad.Step(Look));
            Assert.Equal(failures == 1 ? RenewalStep.Started : RenewalStep.Waiting, await other.Step(Ask));
            cluster.Clock.Advance(row.NextAt - Now);
            Assert.Equal(RenewalStep.Started, await ipad.Step(Look));
        }

        Assert.Contains(await Renewals.List(withProblem: true, null, 1000), listing => listing.Renewal.DeviceId == ipad.Id);
        await ipad.RawReport(ReportStatus.Idle, null);
        ipad.Certificate = await ipad.Renew();
        Assert.Equal(DeviceRefusal.None, (await ipad.TokenUpdate()).Refusal);
        Assert.Null(await Renewals.Find(ipad.Id));
    }

    [Fact]
    public async Task An_iPad_that_acknowledges_and_goes_on_with_the_old_certificate_is_asked_again()
    {
        using var ipad = await Enrolled();
        await ipad.Step(Ask);
        await ipad.Acknowledge((await ipad.RawReport(ReportStatus.Idle, null)).Renewal!.CommandUuid);

        cluster.Clock.Advance(RenewalPart.SettleFor);
        Assert.Equal(RenewalStep.NotDue, await ipad.Step(Look));
        var row = (await Renewals.Find(ipad.Id))!;
        Assert.Equal(1, row.Failures);
        cluster.Clock.Advance(row.NextAt - Now);
        Assert.Equal(RenewalStep.Started, await ipad.Step(Look));
    }

    [Fact]
    public async Task What_was_lost_between_the_queue_and_the_row_starts_nothing_twice()
    {
        using var ipad = await Enrolled();
        await ipad.Step(Ask);
        var row = (await Renewals.Find(ipad.Id))!;

        // The node died before it could write the row.
        await Renewals.Save(row with { CommandUuid = null, StartedAt = null, NextAt = Now });
        Assert.Equal(RenewalStep.Waiting, await ipad.Step(Look));
        Assert.Single((await cluster.Devices.Load(ipad.Id)).Queue);
        Assert.Equal(row.CommandUuid, (await Renewals.Find(ipad.Id))!.CommandUuid);

        // The same, and the iPad's error came meanwhile.
        await ipad.Fail((await ipad.RawReport(ReportStatus.Idle, null)).Renewal!.CommandUuid);
        await Renewals.Save(row with { CommandUuid = null, StartedAt = null, NextAt = Now });
        await ipad.Step(Look);
        Assert.Empty((await cluster.Devices.Load(ipad.Id)).Queue);
        Assert.Equal(RenewalStep.NotDue, await ipad.Step(Look));
        Assert.Equal(1, (await Renewals.Find(ipad.Id))!.Failures);
    }

    [Fact]
    public async Task What_cannot_be_renewed_is_listed_with_its_reason_and_what_is_over_is_not()
    {
        using var foreign = await new TestIPad(cluster, forgetful).Enrolled();
        Assert.Equal(RenewalStep.Impossible, await foreign.Step(Ask));
        Assert.Equal(RenewalProblem.NotIssuedHere, (await Renewals.Find(foreign.Id))!.Problem);
        Assert.Empty((await cluster.Devices.Load(foreign.Id)).Queue);

        using var unknown = await Enrolled();
        await unknown.Step(Ask);
        var next = await unknown.Enqueue();
        var order = (await unknown.RawReport(ReportStatus.Idle, null)).Renewal!;
        var reply = await unknown.Step(grain => grain.AddressUnknown(order.CommandUuid));
        Assert.Equal(next, FleetMdm.Protocol.Mdm.CommandEnvelope.FindUuid(reply.Body));
        Assert.Equal(RenewalProblem.UnknownAddress, (await Renewals.Find(unknown.Id))!.Problem);
        Assert.Equal(CommandEnding.Cancelled, (await cluster.Queries.FindHistory(unknown.Id, order.CommandUuid))!.Ending);

        await foreign.Step(async grain => await grain.Remove());
        Assert.Equal(RenewalStep.Nothing, await foreign.Step(Look));
        Assert.Null(await Renewals.Find(foreign.Id));
    }

    [Fact]
    public async Task A_command_of_a_renewal_that_has_come_about_otherwise_is_not_delivered()
    {
        using var ipad = await Enrolled();
        await ipad.Step(Ask);
        ipad.Certificate = await ipad.Renew();

        var reply = await ipad.RawReport(ReportStatus.Idle, null);

        Assert.Null(reply.Renewal);
        Assert.Empty((await cluster.Devices.Load(ipad.Id)).Queue);
    }

    [Fact]
    public async Task A_thousand_that_end_together_are_spread_and_one_that_cannot_be_reached_holds_up_nobody()
    {
        const int IPads = 1_000;
        const int PerMinute = 20;
        var end = Now.AddDays(400);
        var ids = await Task.WhenAll(Enumerable.Range(0, IPads).Select(_ => Stored(end)));
        var lost = ids[0];
        Unreachable[lost] = true;
        var options = Options.Create(new RenewalOptions { PerHour = PerMinute * 60 });
        var sweep = new RenewalSweep(Renewals, cluster.Grains, options, cluster.Service<RenewalMetrics>(), cluster.Clock, NullLogger<RenewalSweep>.Instance);

        cluster.Clock.Advance(end.AddDays(-120).AddHours(1) - Now);
        await sweep.Run(CancellationToken.None);
        // Those of other tests of this class end much later.
        async Task<int> Due(int day) => (await Renewals.ListDue(end.AddDays(-120 + day), 10_000)).Count(id => ids.Contains(id));
        Assert.InRange(await Due(3), 50, 150);
        Assert.InRange(await Due(15), 400, 600);

        // As if the server had been off for the time of the spread.
        cluster.Clock.Advance(TimeSpan.FromDays(30));
        var started = 0;
        for (var minute = 0; minute < 58; minute++)
        {
            cluster.Clock.Advance(TimeSpan.FromMinutes(1));
            await sweep.Run(CancellationToken.None);
            var all = (int)await Renewals.CountStarted(Now.AddDays(-2));
            Assert.InRange(all - started, 0, PerMinute);
            started = all;
            Assert.InRange(await Renewals.CountStarted(Now.AddHours(-1)), 0, PerMinute * 60);
        }

        foreach (var id in ids.Except([lost])) Assert.NotNull((await Renewals.Find(id))!.StartedAt);
        Assert.Null((await Renewals.Find(lost))!.StartedAt);
        Unreachable.TryRemove(lost, out _);
        cluster.Clock.Advance(TimeSpan.FromHours(2));
        await sweep.Run(CancellationToken.None);
        Assert.NotNull((await Renewals.Find(lost))!.StartedAt);
    }

    /// <summary>An enrolment as it stands in the store, without a word of its iPad.</summary>
    private async Task<string> Stored(DateTimeOffset end)
    {
        var ipad = new TestIPad(cluster, forgetful: false);
        var invitation = Guid.NewGuid().ToString("N");
        await cluster.Enrolments.CreateInvitation(new Invitation { Id = invitation, CreatedAt = Now, ExpiresAt = Now.AddDays(30), CreatedBy = "test" });
        var certificate = await ipad.InvitedBy(invitation, end);
        var committed = await cluster.Devices.Commit(new EnrolmentChange
        {
            Row = new DeviceRow { Id = ipad.Id, DeviceId = ipad.Id, Kind = EnrolmentKind.Device, Status = EnrolmentStatus.Enrolled, Version = 1, Topic = cluster.Topic },
            WriteId = Guid.NewGuid(),
            At = Now,
            Pin = new Pin(certificate.Sha256, end, Now),
        });
        Assert.Equal(CommitOutcome.Committed, committed.Outcome);
        return ipad.Id;
    }
}
