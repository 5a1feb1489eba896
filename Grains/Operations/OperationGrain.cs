using FleetMdm.Grains.Audit;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Nodes;
using FleetMdm.Grains.Push;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Operations;
using Microsoft.Extensions.Logging;
using StoredFilter = FleetMdm.Storage.Devices.DeviceFilter;

namespace FleetMdm.Grains.Operations;

// A command for a whole district:
//
//   1. append     one transaction: the operation and a queue row for each iPad of its target; then the administrator has 202
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

    private OperationRow? _row;
    private OperationCounts? _counts;
    private DateTimeOffset _countedAt;
    private IGrainTimer? _drive;
    private bool _driving;

    private string Id => this.GetPrimaryKeyString();

    public Task<OperationAccepted> StartFiltered(OperationOrder order) => Start(order);

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
            Filter = order.Target.Ids is null ? ToStore(order.Target.Filter, now) : null,
            Asked = order.Asked,
            Expected = order.Expected,
            MustBeExpected = order.MustBeExpected,
            Audit = Records.OfCaller(
                now, AuditVerbs.OperationStart, AuditTargets.Operation, Id, order.Command.CommandUuid, order.Command.RequestType),
        };
        try
        {
            _row = await store.Append(append);
        }
        catch (OperationRefusedException refused)
        {
            return new OperationAccepted(Id, refused.Found, now, []) { Refused = true };
        }

        _counts = null;
        DriveSoon(TimeSpan.Zero);
        LogStarted(Id, _row.RequestType, _row.Total, _row.RequestedBy);
        return new OperationAccepted(Id, _row.Total, _row.AcceptedAt, _row.UnknownIds);
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

        // What a cancelled operation still has in queues is never delivered any more: it is dropped when its iPad comes.
        var dropped = _row.CancelledAt is null ? 0 : _counts.Queued;
        return new OperationDescription
        {
            Id = Id,
            CommandUuid = _row.CommandUuid,
            RequestType = _row.RequestType,
            AcceptedAt = _row.AcceptedAt,
            RequestedBy = _row.RequestedBy,
            Total = _row.Total,
            Queued = _counts.Queued - dropped,
            NotNow = dropped > 0 ? 0 : _counts.NotNow,
            Acknowledged = _counts.Acknowledged,
            Failed = _counts.Failed,
            Ended = _counts.Ended + dropped,
            AnnouncedAt = _row.AnnouncedAt,
            CancelledAt = _row.CancelledAt,
            Pushed = _row.Pushed,
            Asked = _row.Asked,
        };
    }

    public async Task<bool> Cancel()
    {
        var now = clock.GetUtcNow();
        var audit = Records.OfCaller(now, AuditVerbs.OperationCancel, AuditTargets.Operation, Id, detail: _row?.RequestType);
        if (!await store.Cancel(Id, now, audit)) return false;
        _row = await store.Find(Id);
        _counts = null;
        await announcer.Announce(CancellationToken.None);
        LogCancelled(Id);
        return true;
    }

    public async Task Resume()
    {
        _row = await store.Find(Id);
        if (_row is not null) DriveSoon(TimeSpan.Zero);
    }

    private void DriveSoon(TimeSpan after)
    {
        if (_driving) return;
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
        var failed = false;
        try
        {
            // From the store: this may go on where an earlier attempt, or another node, left off.
            if (await store.Find(Id) is not { } row) return;
            _row = row;

            // 2
            if (row.AnnouncedAt is null)
            {
                await announcer.Announce(stopping);
                await store.MarkAnnounced(Id, clock.GetUtcNow());
            }

            // 3
            var (after, pushed) = (row.PushedAfter, row.Pushed);
            while (after is { } sequence)
            {
                // A cancelled operation wakes nobody any more.
                var page = _row.CancelledAt is null ? await store.PushTargets(Id, sequence, PushPage) : [];
                if (page.Count > 0) await outbox.AddAsync([.. page.Select(target => target.Target)], stopping);
                pushed += page.Count;
                after = page.Count < PushPage ? null : page[^1].Sequence;
                await store.MarkPushed(Id, after, pushed);
            }

            _counts = null;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // This node stops; the sweep of another one resumes.
        }
        catch (Exception e)
        {
            LogDriveFailed(Id, e);
            failed = true;
        }
        finally
        {
            _driving = false;
        }

        if (failed) DriveSoon(DriveAgainAfter);
    }

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

    [LoggerMessage(2110, LogLevel.Information, "Operation {Id}: {RequestType} queued for {Total} iPads, asked for by {RequestedBy}")]
    private partial void LogStarted(string id, string requestType, long total, string requestedBy);

    [LoggerMessage(2111, LogLevel.Information, "Operation {Id} was cancelled")]
    private partial void LogCancelled(string id);

    [LoggerMessage(2112, LogLevel.Warning, "Operation {Id}: announcing or pushing failed; it goes on in a few seconds")]
    private partial void LogDriveFailed(string id, Exception exception);
}
