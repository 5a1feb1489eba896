using System.Security.Cryptography;
using FleetMdm.Grains.Audit;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Nodes;
using FleetMdm.Grains.Push;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Profiles;
using FleetMdm.Storage.Returns;
using Microsoft.Extensions.Logging;
using StoredFilter = FleetMdm.Storage.Devices.DeviceFilter;

namespace FleetMdm.Grains.Operations;

// A command for a whole district:
//
//   1. append     one transaction: the operation and a queue row for each iPad of its target; then the administrator has 202.
//                 With a pace: the operation and its members; OperationPacer appends the queue rows when their turn comes, and 2 and 3 follow
//   2. announce   every live node confirms that queues have changed; no iPad's grain is woken
//   3. push       page by page through the outbox, which lets no more through than APNs takes
//
// Each step leaves its mark in the operation's row, so that another node goes on where a dead one left off (Resume). A page of
// pushes may then go out twice, which APNs coalesces.

/// <inheritdoc cref="IOperationGrain"/>
/// <remarks>
/// Threads: one turn at a time; the drive (2 and 3) is a timer that lets other turns in between, so that questions are answered
/// while it runs. Everything that lasts is in the store: the grain may be lost at any moment.
/// </remarks>
[GrainType("operation")]
internal sealed partial class OperationGrain(
    IOperationStore store,
    IOperationPaceStore paces,
    OperationPacer pacer,
    QueueAnnouncer announcer,
    PushOutbox outbox,
    TimeProvider clock,
    ILogger<OperationGrain> logger) : Grain, IOperationGrain
{
    /// <summary>Pushes of one page: large enough for a batch to APNs, small enough to lose little progress.</summary>
    private const int PushPage = 500;

    /// <summary>After a failure of the store or the cluster.</summary>
    private static readonly TimeSpan DriveAgainAfter = TimeSpan.FromSeconds(5);

    /// <summary>Counting reads an index over the operation's rows; a page that is watched does not ask more often.</summary>
    private static readonly TimeSpan CountAtMostEvery = TimeSpan.FromMilliseconds(400);

    /// <summary>What they wait for changes with the clock, and reading it reads those that wait.</summary>
    private static readonly TimeSpan WaitsAtMostEvery = TimeSpan.FromSeconds(5);

    /// <summary>What is due later is found by the sweep.</summary>
    private static readonly TimeSpan LongestTimer = TimeSpan.FromMinutes(1);

    /// <summary>Nobody guesses it.</summary>
    private const int InvitationBytes = 20;

    private OperationRow? _row;
    private OperationPacing? _pacing;
    private DateTimeOffset _pacedAt;
    private IReadOnlyList<OperationWait>? _waits;
    private DateTimeOffset _waitsAt;
    private OperationCounts? _counts;
    private IReadOnlyList<LeftOutReason>? _reasons;
    private DateTimeOffset _countedAt;
    private IGrainTimer? _drive;
    private bool _driving;
    private bool _driveAgain;

    private string Id => this.GetPrimaryKeyString();

    public Task<OperationAccepted> StartFiltered(OperationOrder order) => Start(order);

    public Task<OperationAccepted> StartProfile(OperationOrder order) => Start(order);

    public Task<OperationAccepted> StartInSchools(OperationOrder order) => Start(order);

    public Task<OperationAccepted> StartPaced(OperationOrder order) => Start(order);

    public async Task<OperationAccepted> Start(OperationOrder order)
    {
        // 1
        var now = clock.GetUtcNow();
        var append = new OperationAppend
        {
            Id = Id,
            CommandUuid = order.Command.CommandUuid,
            RequestType = order.Command.RequestType,
            Body = order.Command.Command,
            AcceptedAt = now,
            ExpiresAt = order.Command.ExpiresAt,
            RequestedBy = order.RequestedBy,
            Push = order.Command.Push,
            Ids = order.Target.Ids,
            Filter = order.Target.Ids is null && order.Target.FailedOf is null ? ToStore(order.Target.Filter, now) : null,
            FailedOf = order.Target.FailedOf,
            RepeatId = order.RepeatId,
            Scope = order.Target.Schools is { } schools ? Scope.Of(schools) : Scope.District,
            Asked = order.Asked,
            Expected = order.Expected,
            MustBeExpected = order.MustBeExpected,
            Requirements = order.Command.Force ? [] : RequirementPart.ToStore(order.Command.Requirements),
            Profile = ToStore(order.Profile),
            Pace = OperationPace.Read(order.Pace) is { } pace ? pace with { Push = order.Command.Push, Profile = ToStore(order.Profile) } : null,
            Return = ToStore(ReturnCommand.Read(order.Command.Command)),
            HoldersOnly = order.Profile?.HoldersOnly ?? false,
            Audit = order.Profile is { } sent
                ? Records.OfCaller(now, sent.Remove ? AuditVerbs.ProfileRemove : AuditVerbs.ProfileInstall, AuditTargets.Profile, sent.ProfileId, Id, sent.Words + (order.Command.Force ? ", forced" : ""))
                : order.RepeatId is { } repeat ? RunRecord(now, repeat, order)
                : Records.OfCaller(
                    now, AuditVerbs.OperationStart, AuditTargets.Operation, Id, order.Command.CommandUuid,
                    order.Command.RequestType + (ReturnCommand.IsTemplate(order.Command.Command) ? " with Return to Service" : "") + (order.Command.Force ? ", forced" : "") + (order.Target.FailedOf is { } failed ? $", for those that failed in {failed}" : "")),
        };
        try
        {
            _row = await store.Append(append);
        }
        catch (OperationRefusedException refused)
        {
            return new OperationAccepted(Id, refused.Found, now, []) { Refused = true, Reasons = RequirementPart.ToWords(refused.Reasons) };
        }

        Forget();
        _reasons = null;
        DriveSoon(TimeSpan.Zero);
        LogStarted(Id, _row.RequestType, _row.Total, _row.RequestedBy, _row.LeftOut);
        return new OperationAccepted(Id, _row.Total, _row.AcceptedAt, _row.UnknownIds) { LeftOut = _row.LeftOut, Reasons = await Reasons(_row) };
    }

    public async Task<OperationDescription?> Describe()
    {
        var now = clock.GetUtcNow();
        if (_row is null || _counts is null || now - _countedAt >= CountAtMostEvery)
        {
            _row = await store.Find(Id);
            if (_row is null) return null;
            _counts = await store.Count(Id);
            _countedAt = now;
        }

        // The drive lets this in between its steps, and forgets what it has changed.
        var (row, counts) = (_row, _counts);

        var pacing = row.Pace is null ? null : await Pacing(now);
        // What a cancelled operation still has in queues is never delivered any more: it is dropped when its iPad comes.
        var dropped = row.CancelledAt is null ? 0 : counts.Queued;
        var never = pacing is not null && (row.CancelledAt is not null || pacing.Phase == nameof(OperationPhase.Over)) ? pacing.NotBegun : 0;
        return new OperationDescription
        {
            Id = Id,
            CommandUuid = row.CommandUuid,
            RequestType = row.RequestType,
            AcceptedAt = row.AcceptedAt,
            RequestedBy = row.RequestedBy,
            Total = row.Total,
            Queued = counts.Queued - dropped,
            NotNow = dropped > 0 ? 0 : counts.NotNow,
            Acknowledged = counts.Acknowledged,
            Failed = counts.Failed,
            Ended = counts.Ended + dropped + never,
            AnnouncedAt = row.AnnouncedAt,
            CancelledAt = row.CancelledAt,
            Pushed = row.Pushed,
            Asked = row.Asked,
            LeftOut = row.LeftOut,
            LeftOutReasons = await Reasons(row),
            Pacing = never > 0 ? pacing! with { NotBegun = 0 } : pacing,
            RetryOf = row.RetryOf,
            RepeatId = row.RepeatId,
        };
    }

    private async Task<OperationPacing?> Pacing(DateTimeOffset now)
    {
        if (_pacing is { } known && now - _pacedAt < CountAtMostEvery) return known;
        if (await paces.Find(Id) is not { } operation) return null;
        var waves = await paces.ListWaves(Id);
        if (_waits is not { } waits || now - _waitsAt >= WaitsAtMostEvery)
        {
            waits = await pacer.Waits(operation, waves[operation.Wave - 1], operation.Wave == waves.Count);
            (_waits, _waitsAt) = (waits, now);
        }

        var pacing = new OperationPacing
        {
            Pace = operation.Pace.Write(),
            Phase = operation.Phase.ToString(),
            NotBegun = operation.NotBegun,
            Skipped = operation.Skipped,
            Wave = operation.Wave,
            Waves = [.. waves.Select(wave => new OperationWave(wave.Wave, wave.Last - wave.First + 1, wave.BeganAt, wave.EndedAt))],
            Waits = waits,
            StopReason = operation.StopReason,
            NextAt = operation.NextAt,
        };
        (_pacing, _pacedAt) = (pacing, now);
        return pacing;
    }

    /// <summary>They never change.</summary>
    private async Task<IReadOnlyList<LeftOutReason>?> Reasons(OperationRow row) =>
        row.LeftOut == 0 ? null : _reasons ??= RequirementPart.ToWords(await store.ListReasons(Id));

    public async Task<bool> Cancel()
    {
        var now = clock.GetUtcNow();
        var audit = Records.OfCaller(now, AuditVerbs.OperationCancel, AuditTargets.Operation, Id, detail: _row?.RequestType);
        if (!await store.Cancel(Id, now, audit)) return false;
        _row = await store.Find(Id);
        Forget();
        await announcer.Announce(CancellationToken.None);
        LogCancelled(Id);
        return true;
    }

    public async Task<bool> Pause()
    {
        if (!await paces.Pause(Id, null, Records.OfCaller(clock.GetUtcNow(), AuditVerbs.OperationPause, AuditTargets.Operation, Id, detail: _row?.RequestType))) return false;
        Forget();
        return true;
    }

    public async Task<bool> GoOn()
    {
        var now = clock.GetUtcNow();
        if (!await paces.GoOn(Id, now, Records.OfCaller(now, AuditVerbs.OperationGoOn, AuditTargets.Operation, Id, detail: _row?.RequestType))) return false;
        Forget();
        DriveSoon(TimeSpan.Zero);
        return true;
    }

    public async Task Resume()
    {
        _row = await store.Find(Id);
        if (_row is not null) DriveSoon(TimeSpan.Zero);
    }

    /// <summary>The next description is read anew.</summary>
    private void Forget()
    {
        _counts = null;
        _pacing = null;
        _waits = null;
    }

    private void DriveSoon(TimeSpan after)
    {
        if (_driving)
        {
            _driveAgain |= after == TimeSpan.Zero;
            return;
        }

        _drive?.Dispose();
        _drive = this.RegisterGrainTimer(
            static (grain, stopping) => grain.Drive(stopping),
            this,
            new GrainTimerCreationOptions(after, Timeout.InfiniteTimeSpan) { Interleave = true, KeepAlive = true });
    }

    private async Task Drive(CancellationToken stopping)
    {
        if (_driving) return;
        _driving = true;
        _driveAgain = false;
        TimeSpan? again = null;
        try
        {
            again = await DriveOnce(stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // This node stops; the sweep of another one resumes.
        }
        catch (Exception e)
        {
            LogDriveFailed(Id, e);
            again = DriveAgainAfter;
        }
        finally
        {
            _driving = false;
        }

        if (_driveAgain) again = TimeSpan.Zero;
        if (again is { } after) DriveSoon(after);
    }

    /// <returns>When to go on; null: it is done, or it is the sweep's turn to say so.</returns>
    private async Task<TimeSpan?> DriveOnce(CancellationToken stopping)
    {
        // From the store: this may go on where an earlier attempt, or another node, left off.
        if (await store.Find(Id) is not { } row) return null;
        _row = row;
        var (announced, after, pushed) = (row.AnnouncedAt is not null, row.PushedAfter, row.Pushed);
        var turn = row.Pace is null ? null : (DateTimeOffset?)clock.GetUtcNow();
        while (true)
        {
            // 1, of those whose turn it is. It may come while many others are pushed.
            if (turn <= clock.GetUtcNow())
            {
                turn = await pacer.Advance(Id);
                if (await store.Find(Id) is not { } paced) return null;
                _row = paced;
                (announced, after) = (paced.AnnouncedAt is not null, paced.PushedAfter);
                Forget();
            }

            // 2
            if (!announced)
            {
                await announcer.Announce(stopping);
                await store.MarkAnnounced(Id, clock.GetUtcNow());
                announced = true;
            }

            // 3
            if (after is not { } sequence) break;
            // A cancelled operation wakes nobody any more.
            var page = _row.CancelledAt is null ? await store.PushTargets(Id, sequence, PushPage) : [];
            if (page.Count > 0) await outbox.AddAsync([.. page.Select(target => target.Target)], stopping);
            pushed += page.Count;
            after = page.Count < PushPage ? null : page[^1].Sequence;
            await store.MarkPushed(Id, after, pushed);
        }

        _counts = null;
        return turn - clock.GetUtcNow() is { } wait && wait <= LongestTimer ? Longer(wait, TimeSpan.Zero) : null;
    }

    /// <summary>Nobody asks for a run: the server starts it.</summary>
    private AuditRecord RunRecord(DateTimeOffset now, string repeatId, OperationOrder order) => AuditRecord.New(now, AuditActor.Server, AuditVerbs.OperationStart) with
    {
        TargetKind = AuditTargets.Operation,
        TargetId = Id,
        Subject = order.Command.CommandUuid,
        Detail = $"{order.Command.RequestType}, a run of {repeatId}",
    };

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private static ProfileOrder? ToStore(ProfileSending? profile) => profile is null ? null : new ProfileOrder(profile.ProfileId, profile.Version, profile.Remove);

    private static ReturnAppend? ToStore(ReturnOrder? order) => order is null ? null : new ReturnAppend(
        order.WifiProfileId, order.WifiName, order.Hours, order.KeepApps, $"return-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(InvitationBytes))}");

    private static StoredFilter ToStore(Interfaces.DeviceFilter? filter, DateTimeOffset now) => filter is null
        ? StoredFilter.Everything
        : new StoredFilter
        {
            Query = filter.Query,
            Status = filter.Status is { } status ? Enum.Parse<EnrolmentStatus>(status, ignoreCase: true) : null,
            School = filter.School,
            ProductName = filter.ProductName,
            OsVersion = filter.OsVersion,
            SerialNumber = filter.SerialNumber,
            Kind = filter.Kind is { } kind ? Enum.Parse<EnrolmentKind>(kind, ignoreCase: true) : null,
            SeenBefore = filter.SeenBefore,
            SeenAfter = filter.SeenAfter,
            Expression = filter.Expression is { } expression ? DeviceExpression.Parse(expression, now) : null,
        };

    [LoggerMessage(2110, LogLevel.Information, "Operation {Id}: {RequestType} queued for {Total} iPads, asked for by {RequestedBy}; {LeftOut} were left out")]
    private partial void LogStarted(string id, string requestType, long total, string requestedBy, long leftOut);

    [LoggerMessage(2111, LogLevel.Information, "Operation {Id} was cancelled")]
    private partial void LogCancelled(string id);

    [LoggerMessage(2112, LogLevel.Warning, "Operation {Id}: announcing or pushing failed; it goes on in a few seconds")]
    private partial void LogDriveFailed(string id, Exception exception);
}
