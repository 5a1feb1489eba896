using System.Text.Json;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Api.Operations;

/// <summary>One command for many iPads.</summary>
public sealed record OperationRequest
{
    public required OperationTargetRequest Target { get; init; }
    /// <summary>A command as for one iPad: <c>{"requestType": …}</c>.</summary>
    public required JsonElement Command { get; init; }
    /// <summary>From when on it is not delivered any more.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
    /// <summary>The same, 1 to 8760 hours from now.</summary>
    public int? ExpiresInHours { get; init; }
    /// <summary>false: wake nobody; each gets it when it next comes.</summary>
    /// <remarks>Settable: for an init property the serializer's generated code would put false where the field is absent.</remarks>
    public bool Push { get; set; } = true;
    /// <summary>For how many iPads it must be, or it is not started. Those that are left out do not count.</summary>
    public long? Expected { get; init; }
    /// <summary>What the dry run of the same request returned. Commands that take something away need it, for more than one iPad.</summary>
    public string? Confirmation { get; init; }
    /// <summary>true: also those get it that would refuse it, by what is known of them.</summary>
    public bool? Force { get; init; }
    /// <summary>How it begins. Absent: on all at once.</summary>
    public OperationPaceRequest? Pace { get; init; }
}

/// <summary>Which iPads: exactly one of the three.</summary>
public sealed record OperationTargetRequest
{
    /// <summary>true: every enrolled iPad.</summary>
    public bool? All { get; init; }
    /// <summary>1 to 100000 enrolment ids.</summary>
    public IReadOnlyList<string>? Ids { get; init; }
    /// <summary>All that it finds. It must have at least one part.</summary>
    public DeviceFilterRequest? Filter { get; init; }
}

/// <summary>The filter of the list of devices.</summary>
public sealed record DeviceFilterRequest
{
    public string? Q { get; init; }
    public string? Status { get; init; }
    public string? School { get; init; }
    public string? ProductName { get; init; }
    public string? OsVersion { get; init; }
    public string? SerialNumber { get; init; }
    public string? Kind { get; init; }
    public DateTimeOffset? SeenBefore { get; init; }
    public DateTimeOffset? SeenAfter { get; init; }
    /// <summary>Conditions in words, as in <c>os&lt;17.5 and not supervised</c>. What is "seven days ago" in it counts from the start of the operation.</summary>
    public string? Filter { get; init; }
}

/// <summary>Every iPad of the target has the command in its queue, durably.</summary>
public sealed record OperationStarted
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    /// <summary>The iPads share it.</summary>
    public required string CommandUuid { get; init; }
    public required string RequestType { get; init; }
    /// <summary>How many iPads it is for.</summary>
    public required long Total { get; init; }
    public required DateTimeOffset AcceptedAt { get; init; }
    /// <summary>Asked-for ids that are not enrolled, at most 1000 of them.</summary>
    public required IReadOnlyList<string> UnknownIds { get; init; }
    /// <summary>iPads of the target that did not get it, since they would have refused it; null: none.</summary>
    public LeftOutView? LeftOut { get; init; }
    /// <summary>What is odd in the command. It was taken all the same.</summary>
    public required IReadOnlyList<Commands.CommandWarning> Warnings { get; init; }
}

/// <summary>What an operation would do, now. Nothing was done.</summary>
public sealed record OperationPlanView
{
    public required string RequestType { get; init; }
    /// <summary>Enrolled iPads of the target.</summary>
    public required long Total { get; init; }
    /// <summary>Those that would get the command.</summary>
    public required long Can { get; init; }
    /// <summary>Those that would be left out.</summary>
    public required long Cannot { get; init; }
    /// <summary>Why. An iPad may have several reasons.</summary>
    public required IReadOnlyList<PlanReasonView> Reasons { get; init; }
    /// <summary>Asked-for ids that are not enrolled, at most 1000 of them.</summary>
    public required IReadOnlyList<string> UnknownIds { get; init; }
    /// <summary>It takes something away that cannot be brought back: for more than one iPad, the start needs the confirmation.</summary>
    public required bool Destructive { get; init; }
    /// <summary>What is odd in the command. It would be taken all the same.</summary>
    public required IReadOnlyList<Commands.CommandWarning> Warnings { get; init; }
    /// <summary>Send it with the same request to start it for exactly as many iPads as <c>can</c>. null: no iPad can.</summary>
    public string? Confirmation { get; init; }
    public DateTimeOffset? ConfirmationExpiresAt { get; init; }
}

/// <summary>Why iPads would be left out.</summary>
public sealed record PlanReasonView
{
    /// <summary>As of a command for one iPad: supervision, ipados-too-old, …</summary>
    public required string Code { get; init; }
    /// <summary>A sentence.</summary>
    public required string Reason { get; init; }
    public required long Count { get; init; }
    /// <summary>Some of them, at most five.</summary>
    public required IReadOnlyList<PlanExampleView> Examples { get; init; }
}

/// <summary>An iPad that would be left out.</summary>
public sealed record PlanExampleView(string Id, string? SerialNumber, string? DeviceName, string? OsVersion);

/// <summary>iPads that were left out of an operation.</summary>
public sealed record LeftOutView
{
    public required long Count { get; init; }
    /// <summary>Why. An iPad may have several reasons.</summary>
    public required IReadOnlyList<LeftOutReasonView> Reasons { get; init; }

    internal static LeftOutView? Of(long count, IReadOnlyList<LeftOutReason>? reasons) => count == 0 ? null : new()
    {
        Count = count,
        Reasons = [.. (reasons ?? []).Select(reason => new LeftOutReasonView(reason.Code, reason.Reason, reason.Devices))],
    };
}

/// <param name="Code">As of a command for one iPad: supervision, ipados-too-old, …</param>
/// <param name="Reason">A sentence.</param>
public sealed record LeftOutReasonView(string Code, string Reason, long Count);

/// <summary>An iPad that was left out of an operation.</summary>
public sealed record LeftOutDeviceView
{
    /// <summary>The enrolment's id.</summary>
    public required string Id { get; init; }
    public string? SerialNumber { get; init; }
    public string? DeviceName { get; init; }
    /// <summary>As it is now.</summary>
    public string? OsVersion { get; init; }
    /// <summary>Why, in sentences.</summary>
    public required IReadOnlyList<string> Reasons { get; init; }

    internal static LeftOutDeviceView Of(LeftOutRow row, IReadOnlyList<LeftOutReason> reasons) => new()
    {
        Id = row.EnrolmentId,
        SerialNumber = row.SerialNumber,
        DeviceName = row.DeviceName,
        OsVersion = row.OsVersion,
        Reasons = [.. reasons.Where(reason => (row.Unmet & (1L << reason.Number)) != 0).Select(reason => reason.Reason)],
    };
}

/// <summary>An operation in a list.</summary>
public record OperationSummary
{
    public required string Id { get; init; }
    public required string CommandUuid { get; init; }
    public required string RequestType { get; init; }
    public required DateTimeOffset AcceptedAt { get; init; }
    /// <summary>The name of the token that asked for it.</summary>
    public required string RequestedBy { get; init; }
    public required long Total { get; init; }
    /// <summary>When every node knew of it.</summary>
    public DateTimeOffset? AnnouncedAt { get; init; }
    public DateTimeOffset? CancelledAt { get; init; }
    /// <summary>How many were woken for it so far.</summary>
    public required long Pushed { get; init; }
    /// <summary>Which iPads it was asked for. Absent: it was started before targets were kept.</summary>
    public OperationTargetView? Target { get; init; }
    /// <summary>The operation whose failures it tries again.</summary>
    public string? RetryOf { get; init; }
    /// <summary>The repeating operation that it is a run of.</summary>
    public string? RepeatId { get; init; }

    internal static OperationSummary Of(OperationRow row) => new()
    {
        Id = row.Id,
        CommandUuid = row.CommandUuid,
        RequestType = row.RequestType,
        AcceptedAt = row.AcceptedAt,
        RequestedBy = row.RequestedBy,
        Total = row.Total,
        AnnouncedAt = row.AnnouncedAt,
        CancelledAt = row.CancelledAt,
        Pushed = row.Pushed,
        Target = OperationTargetView.Read(row.Asked),
        RetryOf = row.RetryOf,
        RepeatId = row.RepeatId,
    };
}

/// <summary>The target of an operation, as it was asked for.</summary>
public sealed record OperationTargetView
{
    private const int MostIds = 100;

    /// <summary>true: every enrolled iPad.</summary>
    public bool? All { get; init; }
    /// <summary>The first 100 ids.</summary>
    public IReadOnlyList<string>? Ids { get; init; }
    /// <summary>How many ids there were.</summary>
    public int? IdCount { get; init; }
    public DeviceFilterRequest? Filter { get; init; }
    /// <summary>The id of an operation: the iPads on which it failed.</summary>
    public string? FailedOf { get; init; }
    /// <summary>The name of a profile of the library: the iPads that had it.</summary>
    public string? HoldersOf { get; init; }
    /// <summary>What of the library is installed or removed: name and version of the profile. Absent: another command.</summary>
    public string? Profile { get; init; }

    internal static OperationTargetView Of(OperationTargetRequest target) => new()
    {
        All = target.All,
        Ids = target.Ids is { } ids ? [.. ids.Take(MostIds)] : null,
        IdCount = target.Ids?.Count,
        Filter = target.Filter,
    };

    internal static string Write(OperationTargetView target, IReadOnlyList<string>? ids) =>
        JsonSerializer.Serialize(target with { Ids = ids is null ? null : [.. ids.Take(MostIds)], IdCount = ids?.Count }, AdminJson.Default.OperationTargetView);

    internal static string Write(OperationTargetRequest target) => JsonSerializer.Serialize(Of(target), AdminJson.Default.OperationTargetView);

    internal static OperationTargetView? Read(string? asked)
    {
        try
        {
            return asked is null ? null : JsonSerializer.Deserialize(asked, AdminJson.Default.OperationTargetView);
        }
        catch (JsonException)
        {
            // Written by another version, whose filter had parts that this one does not know.
            return null;
        }
    }
}

/// <summary>One iPad of an operation.</summary>
public sealed record OperationDeviceView
{
    /// <summary>The enrolment's id.</summary>
    public required string Id { get; init; }
    public string? SerialNumber { get; init; }
    public string? DeviceName { get; init; }
    /// <summary>Queued or NotNow while it waits; then Acknowledged, Error, CommandFormatError, Cancelled, Expired, Reenrolled, CheckedOut, Removed, Erased or UserDeleted. NotBegun: its turn has
    /// not come. Skipped: it had left when its turn came.</summary>
    [OneOf("NotBegun", "Skipped", "Queued", "NotNow", "Acknowledged", "Error", "CommandFormatError", "Cancelled", "Expired", "Reenrolled", "CheckedOut", "Removed", "Erased", "UserDeleted")]
    public required string State { get; init; }
    public required int NotNowCount { get; init; }
    public DateTimeOffset? NotNowAt { get; init; }
    public DateTimeOffset? SentAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    /// <summary>The first item of the iPad's error chain.</summary>
    public string? Error { get; init; }

    internal static OperationDeviceView Of(OperationDeviceRow row) => new()
    {
        Id = row.EnrolmentId,
        SerialNumber = row.SerialNumber,
        DeviceName = row.DeviceName,
        State = row.Part?.ToString() ?? row.Ending?.ToString() ?? (row.NotNowAt is null ? nameof(OperationPart.Queued) : nameof(OperationPart.NotNow)),
        NotNowCount = row.NotNowCount,
        NotNowAt = row.NotNowAt,
        SentAt = row.SentAt,
        FinishedAt = row.FinishedAt,
        Error = row.ErrorSummary,
    };
}

/// <summary>An operation with its counts.</summary>
public sealed record OperationView : OperationSummary
{
    /// <summary>Not finished yet, NotNow included.</summary>
    public required long Queued { get; init; }
    /// <summary>Of the queued ones, those whose iPad answered NotNow last.</summary>
    public required long NotNow { get; init; }
    public required long Acknowledged { get; init; }
    /// <summary>Answered Error or CommandFormatError.</summary>
    public required long Failed { get; init; }
    /// <summary>Cancelled, expired, or ended because the iPad enrolled again or left.</summary>
    public required long Ended { get; init; }
    /// <summary>Nothing is queued any more, and nothing begins later.</summary>
    public required bool Complete { get; init; }
    /// <summary>How it begins, and how far it is; null: it began on all at once.</summary>
    public OperationPaceView? Pace { get; init; }
    /// <summary>Operations that tried its failures again, newest first, at most 10. Only of an operation that is asked for by its id.</summary>
    public IReadOnlyList<string>? Retries { get; init; }
    /// <summary>iPads of the target that did not get it, since they would have refused it; null: none.</summary>
    public LeftOutView? LeftOut { get; init; }

    internal static OperationView Of(OperationDescription operation) => new()
    {
        Id = operation.Id,
        CommandUuid = operation.CommandUuid,
        RequestType = operation.RequestType,
        AcceptedAt = operation.AcceptedAt,
        RequestedBy = operation.RequestedBy,
        Total = operation.Total,
        AnnouncedAt = operation.AnnouncedAt,
        CancelledAt = operation.CancelledAt,
        Pushed = operation.Pushed,
        Queued = operation.Queued,
        NotNow = operation.NotNow,
        Acknowledged = operation.Acknowledged,
        Failed = operation.Failed,
        Ended = operation.Ended,
        Complete = operation.Queued == 0 && operation.Pacing is not { NotBegun: > 0 },
        Pace = OperationPaceView.Of(operation.Pacing),
        RetryOf = operation.RetryOf,
        RepeatId = operation.RepeatId,
        LeftOut = LeftOutView.Of(operation.LeftOut, operation.LeftOutReasons),
        Target = OperationTargetView.Read(operation.Asked),
    };
}
