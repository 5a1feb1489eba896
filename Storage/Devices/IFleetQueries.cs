using FleetMdm.Storage.Filters;

namespace FleetMdm.Storage.Devices;

/// <summary>What administrators and sweeps ask of the whole fleet. Nothing of it is on an iPad's path.</summary>
public interface IFleetQueries
{
    /// <summary>Enrolments in their order, after the cursor <paramref name="after"/> (keyset paging; <see cref="DeviceCursor"/>).</summary>
    Task<IReadOnlyList<DeviceRow>> ListDevices(Scope scope, DeviceFilter filter, string? after, int limit, DeviceOrder order = default);

    /// <summary>How many enrolments the filter finds.</summary>
    Task<long> Count(Scope scope, DeviceFilter filter);

    /// <summary>For a person.</summary>
    Task<DeviceRow?> FindDevice(Scope scope, string enrolmentId);

    /// <summary>For the server itself.</summary>
    Task<DeviceRow?> FindDevice(string enrolmentId);

    /// <summary>How many enrolments there are, by status (user channels not counted).</summary>
    Task<IReadOnlyDictionary<EnrolmentStatus, long>> CountDevices(Scope scope);

    /// <summary>How many commands wait in all queues; those of cancelled operations, which nobody gets any more, do not. Reads the whole queue: for a look now and then, not for a request.</summary>
    Task<WaitingCommands> CountWaiting();

    /// <summary>How many Authenticated or Enrolled enrolments depend on this topic.</summary>
    Task<long> CountByTopic(string topic);

    /// <summary>Finished commands of an enrolment, newest first (by sequence, descending), before the given sequence.</summary>
    Task<IReadOnlyList<HistoryRow>> ListHistory(string enrolmentId, long? beforeSequence, int limit);

    /// <summary>One finished command with its result.</summary>
    Task<HistoryRow?> FindHistory(string enrolmentId, string commandUuid);

    /// <summary>
    /// Enrolments (by id, after <paramref name="after"/>) that have something queued, can be pushed to, and have been silent for a while: to be
    /// woken again. Which times count as long ago is told by <paramref name="since"/>.
    /// </summary>
    Task<IReadOnlyList<PushTarget>> ListSilent(SilentSince since, string? after, int limit);

    /// <summary>
    /// Enrolments (by id, after <paramref name="after"/>) that can be pushed to and have something queued that was accepted
    /// between these times, and that since then were neither seen nor pushed to: their push was lost.
    /// </summary>
    Task<IReadOnlyList<PushTarget>> ListUntold(DateTimeOffset acceptedSince, DateTimeOffset acceptedBefore, string? after, int limit);
}

/// <summary>What makes an enrolment silent.</summary>
/// <param name="Silent">It was not seen since then, and a command is waiting that is older than that.</param>
/// <param name="Pushed">APNs has taken no push since then, or none since that command came, or has not taken the last one.</param>
/// <param name="Ahead">Times after this one were written by a clock that was wrong, and count as long ago.</param>
public sealed record SilentSince(DateTimeOffset Silent, DateTimeOffset Pushed, DateTimeOffset Ahead);

/// <param name="NotNow">Those of them that their iPads have put off.</param>
public sealed record WaitingCommands(long All, long NotNow);

/// <summary>Where to push for one enrolment. Data for the sender; never logged.</summary>
public sealed record PushTarget(string EnrolmentId, string Topic, byte[] Token, string PushMagic);

/// <summary>Every order has an index that gives it.</summary>
public enum DeviceSort
{
    Id,
    /// <summary>The name, or the serial number of one without a name, in whatever case.</summary>
    Name,
    SerialNumber,
    /// <summary>The last contact; one that was never seen is the longest ago.</summary>
    LastSeen,
}

public readonly record struct DeviceOrder(DeviceSort By, bool Descending = false);

/// <summary>All parts that are set must hold. Empty: every device channel that is not Removed or Unenrolled when used as a
/// target of an operation; every enrolment when listing.</summary>
public sealed record DeviceFilter
{
    public static readonly DeviceFilter Everything = new();

    /// <summary>Part of serial number, device name, UDID/id or user name; case does not matter.</summary>
    public string? Query { get; init; }
    public EnrolmentStatus? Status { get; init; }
    public string? School { get; init; }
    public string? ProductName { get; init; }
    /// <summary>Exactly, or a prefix when it ends in a dot.</summary>
    public string? OsVersion { get; init; }
    public string? SerialNumber { get; init; }
    public EnrolmentKind? Kind { get; init; }
    /// <summary>Seen, but not since then, and enrolled before it.</summary>
    public DateTimeOffset? SeenBefore { get; init; }
    public DateTimeOffset? SeenAfter { get; init; }
    /// <summary>What was written in the words of the filter.</summary>
    public DeviceExpression? Expression { get; init; }
    /// <summary>Whose iPads: set by the store methods, from what they are given.</summary>
    internal Scope Scope { get; init; } = Scope.District;
}
