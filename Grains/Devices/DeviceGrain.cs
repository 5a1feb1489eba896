using FleetMdm.Grains.Assignments;
using FleetMdm.Grains.Automated;
using FleetMdm.Grains.Classroom;
using FleetMdm.Grains.Declarations;
using FleetMdm.Grains.Exams;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Nodes;
using FleetMdm.Grains.Observability;
using FleetMdm.Grains.Push;
using FleetMdm.Grains.Renewals;
using FleetMdm.Grains.Webhooks;
using FleetMdm.Storage.ActivationLock;
using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Automated;
using FleetMdm.Storage.Classroom;
using FleetMdm.Storage.Declarations;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Exams;
using FleetMdm.Storage.Holdings;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Placeholders;
using FleetMdm.Storage.Profiles;
using FleetMdm.Storage.Renewals;
using FleetMdm.Storage.Returns;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Placement;

namespace FleetMdm.Grains.Devices;

// A message of an iPad, in this grain:
//
//   1. Fresh        this node is sure to be a member of the cluster (else 503); read the enrolment's rows, unless memory is as new
//                   as the newest append that this node was told of
//   2. Admit        the certificate is pinned here, and the enrolment is alive; else a refusal, and nothing changes
//   3. decide       what the message means for the enrolment and its queue
//   4. commit       what must last is durable before anything is answered
//   5. answer       the next command's bytes, or nothing
//
// DeviceGrain.cs           state, 1, 2 and what both sides share
// DeviceGrain.CheckIn.cs   Apple's check-in messages
// DeviceGrain.Report.cs    command reports and the queue
// DeviceGrain.Renewal.cs   how its identity certificate is kept alive
// DeviceGrain.Inventory.cs the lists that reports tell
// DeviceGrain.Plan.cs      what is assigned to it
// DeviceGrain.Declarations.cs declarative management
// DeviceGrain.Exam.cs      exams that lock it and release it
// DeviceGrain.Hold.cs      how long it is held in Setup Assistant
// DeviceGrain.Users.cs    the users of a Shared iPad
// DeviceGrain.Return.cs    how it is erased and comes back without hands
// DeviceGrain.Escrow.cs    the code that lifts Activation Lock
// DeviceGrain.Admin.cs     what administrators and the push grains ask

/// <inheritdoc cref="IDeviceGrain"/>
/// <remarks>
/// Where: on the node that the iPad's message came to, so that a balancer that keeps iPads to nodes spares them the way to another one; with a
/// balancer that spreads connections it is as good as at random.
/// Threads: one turn at a time, never re-entrant; while a turn waits for the store the next one waits too, and an iPad has one
/// connection. Memory is a cache: after any failed write everything is read anew. A second activation of the same enrolment
/// cannot overwrite (rows are version-guarded); one on a node that the cluster has given up does not answer at all (the lease).
/// </remarks>
[GrainType("device"), PreferLocalPlacement]
internal sealed partial class DeviceGrain(
    IDeviceStore store,
    IReenrolmentStore reenrolments,
    IEscrowStore escrow,
    IActivationLockStore activationLock,
    ILateAnswerStore lateAnswers,
    IUserChannelStore userChannels,
    IAuditStore audit,
    IRenewalStore renewals,
    IInventoryStore inventory,
    SecretSealer sealer,
    PushOutbox outbox,
    SeenBuffer seen,
    QueueEpoch epoch,
    IdleDevices idle,
    NodeLease lease,
    FleetMetrics metrics,
    RenewalMetrics renewalMetrics,
    IOptions<QueueOptions> options,
    IOptions<EnrolmentOptions> enrolment,
    IOptions<InventoryOptions> refresh,
    IPlaceholderStore placeholders,
    IHoldingStore holdings,
    IPeopleStore people,
    IAssignmentStore assignments,
    PlanHolder plans,
    IClassroomStore classroom,
    ClassroomProfiles classroomProfiles,
    IContentSyncStore licences,
    IDeclarationStore declarations,
    DeclarationSets declarationSets,
    IExamStore exams,
    ExamProfiles examProfiles,
    WebhookInterest webhooks,
    IAutomatedHoldStore holds,
    IReturnStore returns,
    IProfileStore library,
    IOptions<AutomatedOptions> automated,
    TimeProvider clock,
    ILogger<DeviceGrain> logger) : Grain, IDeviceGrain
{
    /// <summary>A certificate that is not known here makes the grain look once more, at most this often.</summary>
    private static readonly TimeSpan LookAgainForPinsAfter = TimeSpan.FromSeconds(2);

    private readonly DeviceQueue _queue = new();
    private DeviceRow? _row;
    private IReadOnlyList<Pin> _pins = [];
    private EnrolmentStatus? _deviceStatus;
    private DateTimeOffset? _lastSeen;
    private DateTimeOffset? _pushRequestedAt;
    private MemoryOfRows _memory;
    private DateTimeOffset _refreshAt = DateTimeOffset.MaxValue;
    private bool _believed;
    private bool _leftIdle;

    private string Id => this.GetPrimaryKeyString();

    /// <summary>A colon parts the device's id from the user's: neither UDIDs nor EnrollmentIDs have one.</summary>
    private bool IsUserChannel => Id.Contains(':');

    private string DeviceId => IsUserChannel ? Id[..Id.IndexOf(':')] : Id;

    private bool IsAlive => _row?.Status is EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled;

    private bool IsRemoved => _row?.Status == EnrolmentStatus.Removed || _deviceStatus == EnrolmentStatus.Removed;

    /// <summary>What the rules of enrolment know.</summary>
    private EnrolmentState State => new(Id, _row, _pins, _lastSeen);

    private TimeSpan ReplacedGrace => TimeSpan.FromDays(options.Value.ReplacedCertificateGraceDays);

    public async ValueTask Reload()
    {
        _believed = false;
        await Fresh();
    }

    /// <summary>One that ended without being asked may have left word.</summary>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        idle.TakeBack(Id);
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        TakeBackIdle();
        return LeaveUnanswered(cancellationToken);
    }

    /// <summary>Step 1.</summary>
    private ValueTask Fresh()
    {
        lease.Check();
        TakeBackIdle();
        return _believed && _memory.IsBelieved(epoch, Now()) ? ValueTask.CompletedTask : new ValueTask(Read());
    }

    private async Task Read()
    {
        TakeBackIdle();
        // The number is taken before the rows are: an append in between is then seen as news.
        var readEpoch = epoch.Current;
        var snapshot = await store.Load(Id);
        _row = snapshot.Row;
        _pins = snapshot.Pins;
        _deviceStatus = snapshot.DeviceStatus;
        _queue.Replace(snapshot.Queue);
        _digests = null;
        ForgetDeclared();
        _refreshAt = RefreshPart.DueAt(_row, refresh.Value) ?? DateTimeOffset.MaxValue;
        _planDue = snapshot.PlanDueAt;
        (_examDue, _examLocks) = (snapshot.ExamDueAt, new HashSet<string>());
        _examChanged |= !_believed && _examDue is not null && IsNewcomer(snapshot.Row);
        if (_planDue is null && !_believed && IsNewcomer(snapshot.Row)) FactsChanged();
        _lastSeen = Later(_lastSeen, Later(snapshot.Row?.LastSeenAt, seen.Find(Id)));
        _memory = new MemoryOfRows(readEpoch, Now());
        _believed = true;
    }

    /// <summary>Step 2, for every message but Authenticate.</summary>
    private async ValueTask<DeviceRefusal> Admit(PresentedCertificate certificate)
    {
        await Fresh();
        if (!IsPinned(certificate) && await BecomePinned(certificate) is var refusal and not DeviceRefusal.None) return refusal;
        if (IsRemoved) return DeviceRefusal.Unrecognized;
        if (!IsAlive) return DeviceRefusal.NotPinned;

        Saw(certificate);
        return DeviceRefusal.None;
    }

    private bool IsPinned(PresentedCertificate certificate) => EnrolmentPart.Speaks(_pins, certificate, Now(), ReplacedGrace);

    /// <summary>A certificate that memory does not know: pinned meanwhile by another activation, or the successor of the newest pin.</summary>
    private async Task<DeviceRefusal> BecomePinned(PresentedCertificate certificate)
    {
        if (!_memory.ReadAt.IsWithin(LookAgainForPinsAfter, Now()))
        {
            await Read();
            if (IsPinned(certificate)) return DeviceRefusal.None;
        }

        if (_row is null || _pins.Count == 0) return DeviceRefusal.NotPinned;
        var standing = await store.FindCertificate(certificate.Sha256);
        if (IsRemoved)
        {
            // Whatever descends from what was removed is told so, and is not taken.
            return (standing.Pinned ?? standing.RenewedPinned)?.DeviceId == DeviceId ? DeviceRefusal.Unrecognized : DeviceRefusal.NotPinned;
        }

        if (!IsAlive || !EnrolmentPart.Succeeds(_pins, standing)) return DeviceRefusal.NotPinned;
        var pin = new Pin(certificate.Sha256, certificate.NotAfter, EnrolmentPart.PinnedAt(_pins, Now()));
        var outcome = await Commit(new EnrolmentChange { Row = NextVersion(_row), WriteId = Guid.NewGuid(), At = Now(), Pin = pin });
        if (outcome != CommitOutcome.Committed) return DeviceRefusal.NotPinned;

        LogRenewed(Id, certificate.NotAfter);
        await RenewalDone();
        return DeviceRefusal.None;
    }

    /// <summary>The iPad is here: it has had its push, and it was seen.</summary>
    private void Saw(PresentedCertificate certificate)
    {
        if (certificate.Vouched) return;
        var now = Now();
        _lastSeen = now;
        _pushRequestedAt = null;
        seen.Mark(Id, now);
    }

    /// <summary>Step 4 for the enrolment's own row. A failure of any kind makes the grain read everything anew.</summary>
    private async Task<CommitOutcome> Commit(EnrolmentChange change)
    {
        _believed = false;
        if (webhooks.WantsDevices && EventPart.KindOf(_row, change.Row) is { } kind && webhooks.Wants(kind))
            change = change with { Event = EventPart.Of(kind, _row, change.Row, change.At) };
        var committed = await store.Commit(change);
        switch (committed.Outcome)
        {
            case CommitOutcome.Committed:
                _row = change.Row;
                _refreshAt = RefreshPart.DueAt(_row, refresh.Value) ?? DateTimeOffset.MaxValue;
                if (!IsUserChannel) _deviceStatus = change.Row.Status;
                TakePins(change);
                if (change.Finish is { } finish) _queue.Remove(finish.Sequence);
                if (change.EndQueue is not null) _queue.Clear();
                if (change.Inventory != InventoryEnd.Kept) _digests = null;
                _believed = true;
                // Another activation has finished it: what else memory holds is as old.
                if (change.Finish is not null && !committed.Finished) await Read();
                await Task.WhenAll(committed.EndedUserChannels.Select(ReloadUserChannel));
                return CommitOutcome.Committed;

            case CommitOutcome.VersionConflict:
                throw new FleetUnavailableException($"The enrolment {Id} was changed by another node at the same moment.");

            default:
                return committed.Outcome;
        }
    }

    private void TakePins(EnrolmentChange change)
    {
        if (change.Pin is not { } added && change.DropPinsBefore is null) return;
        var others = _pins.Where(pin => change.Pin is null || !pin.Sha256.AsSpan().SequenceEqual(change.Pin.Sha256));
        if (change.DropPinsBefore is { } before) others = others.Where(pin => pin.PinnedAt >= before);
        var same = _pins.FirstOrDefault(pin => change.Pin is not null && pin.Sha256.AsSpan().SequenceEqual(change.Pin.Sha256));
        var mine = same ?? change.Pin;
        _pins = [.. others.Concat(mine is null ? [] : [mine]).OrderByDescending(pin => pin.PinnedAt)];
    }

    private async Task ReloadUserChannel(string enrolmentId)
    {
        try
        {
            await GrainFactory.GetGrain<IDeviceGrain>(enrolmentId).Reload();
        }
        catch (Exception e)
        {
            // Its rows are ended already; a grain that did not hear of it finds out by the version guard or its next read.
            LogUserChannelNotTold(enrolmentId, e);
        }
    }

    /// <summary>Asks for a push unless one is outstanding. Never waits: pushes may be lost, the sweep repeats them.</summary>
    private bool RequestPush(bool evenIfOutstanding = false)
    {
        if (Pushable is not { } target) return false;
        var now = Now();
        if (!evenIfOutstanding && _pushRequestedAt is { } requested && requested.IsWithin(PushIsOutstandingFor, now)) return true;
        if (outbox.TryAdd(target)) _pushRequestedAt = now;
        return true;
    }

    /// <summary>Null: it cannot be woken.</summary>
    private PushTarget? Pushable => IsAlive && _row is { PushToken: { } token, PushMagic: { } magic, Topic: { } topic, PushTokenDead: null }
        ? new PushTarget(Id, topic, token, magic)
        : null;

    /// <summary>For so long the sender tries; then the push was taken by APNs, which keeps it for an iPad that is away, or it was given up, which nobody
    /// tells this grain. Asking again sooner only costs.</summary>
    private static readonly TimeSpan PushIsOutstandingFor = TimeSpan.FromMinutes(1);

    private static DeviceRow NextVersion(DeviceRow row) => row with { Version = row.Version + 1 };

    /// <summary>To the millisecond, as the store keeps it.</summary>
    private DateTimeOffset Now()
    {
        var now = clock.GetUtcNow();
        return new DateTimeOffset(now.Ticks - (now.Ticks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);
    }

    private static DateTimeOffset? Later(DateTimeOffset? one, DateTimeOffset? other) => one is null || other > one ? other : one;

    private string Purpose(string secret) => $"{secret}/{DeviceId}";

    [LoggerMessage(2010, LogLevel.Information, "{Id} authenticated: {ProductName} {SerialNumber}, {Ended} queued commands ended")]
    private partial void LogAuthenticated(string id, string? productName, string? serialNumber, int ended);

    [LoggerMessage(2019, LogLevel.Warning, "{Id} ({SerialNumber}) enrolled anew with another certificate: {Reason}. {Ended} queued commands ended")]
    private partial void LogDisplaced(string id, string? serialNumber, string reason, int ended);

    [LoggerMessage(2020, LogLevel.Warning,
        "Another device says that it is {Id}: serial number {SerialNumber}, from {Address}. The enrolled iPad has {EnrolledSerialNumber}. " +
        "It was refused; an administrator can allow it in the console")]
    private partial void LogClaimed(string id, string? serialNumber, string? address, string? enrolledSerialNumber);

    [LoggerMessage(2011, LogLevel.Information, "{Id} enrolled")]
    private partial void LogEnrolled(string id);

    [LoggerMessage(2012, LogLevel.Information, "{Id} checked out")]
    private partial void LogCheckedOut(string id);

    [LoggerMessage(2013, LogLevel.Information, "{Id} was removed by an administrator")]
    private partial void LogRemoved(string id);

    [LoggerMessage(2014, LogLevel.Information, "{Id} goes on with a renewed certificate, good until {NotAfter}")]
    private partial void LogRenewed(string id, DateTimeOffset notAfter);

    [LoggerMessage(2015, LogLevel.Warning, "{Id}: APNs says that its push token is dead ({Reason}); commands wait until the iPad sends a new one")]
    private partial void LogPushTokenDead(string id, string reason);

    [LoggerMessage(2016, LogLevel.Error, "{Id}: the body of {RequestType} {CommandUuid} is missing from the store; the command is ended")]
    private partial void LogBodyMissing(string id, string requestType, string commandUuid);

    [LoggerMessage(2017, LogLevel.Warning, "The user channel {Id} could not be told that its device enrolled anew")]
    private partial void LogUserChannelNotTold(string id, Exception exception);

    [LoggerMessage(2023, LogLevel.Information, "{Id}: the user channel {User} gave way to {NewUser}: no more than {Most} are kept")]
    private partial void LogUserGaveWay(string id, string user, string newUser, int most);

    [LoggerMessage(2051, LogLevel.Warning, "{Id}: {RequestType} {CommandUuid} was handed over {Count} times and never answered; other commands go first")]
    private partial void LogUnanswered(string id, string requestType, string commandUuid, int count);

    [LoggerMessage(2025, LogLevel.Information,
        "{Id}: {MessageType} came by its signature alone, and had been taken before. Nothing was changed: somebody may have recorded it, or the iPad did not get its answer")]
    private partial void LogTakenBefore(string id, string messageType);

    [LoggerMessage(2053, LogLevel.Information, "{Id}: {RequestType} {CommandUuid} was answered late, with {Ending}; it had ended as {Before}")]
    private partial void LogAnsweredLate(string id, string requestType, string commandUuid, CommandEnding ending, CommandEnding before);

    [LoggerMessage(2052, LogLevel.Information, "{Id}: that {CommandUuid} was handed over could not be written down")]
    private partial void LogNotCounted(string id, string commandUuid, Exception exception);

    [LoggerMessage(2024, LogLevel.Error, "{Id}: the store refused what {RequestType} {CommandUuid} told; the answer is kept without it")]
    private partial void LogNotTold(string id, string requestType, string commandUuid, Exception exception);

    [LoggerMessage(2040, LogLevel.Warning, "Device {Id} enrolled anew and says that its serial number is {Now}. It was {Before}.")]
    private partial void LogSerialNumberChanged(string id, string before, string? now);

    [LoggerMessage(2018, LogLevel.Warning, "{Id}: {RequestType} {CommandUuid} failed: {Summary}")]
    private partial void LogCommandFailed(string id, string requestType, string commandUuid, string? summary);
}
