using FleetMdm.Api.Access;
using FleetMdm.Api.Holdings;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Devices;

/// <summary>An enrolment in a list.</summary>
public record DeviceSummary
{
    /// <summary>The UDID; the EnrollmentID of a User Enrollment; or UDID:UserShortName for a user of a Shared iPad.</summary>
    public required string Id { get; init; }
    /// <summary>Device, UserEnrollment or SharedUser.</summary>
    [OneOf("Device", "UserEnrollment", "SharedUser")]
    public required string Kind { get; init; }
    /// <summary>Authenticated (enrolment begun), Enrolled, Unenrolled (the iPad left), Removed (by an administrator) or Erased.</summary>
    [OneOf("Authenticated", "Enrolled", "Unenrolled", "Removed", "Erased")]
    public required string Status { get; init; }
    public string? Udid { get; init; }
    public string? SerialNumber { get; init; }
    public string? DeviceName { get; init; }
    public string? ProductName { get; init; }
    public string? Model { get; init; }
    public string? ModelName { get; init; }
    public string? OsVersion { get; init; }
    public string? BuildVersion { get; init; }
    /// <summary>As the iPad last answered DeviceInformation; null: it has not said so since it enrolled.</summary>
    public bool? IsSupervised { get; init; }
    /// <summary>Whether it is a Shared iPad; null: it has not said so since it enrolled.</summary>
    public bool? IsShared { get; init; }
    /// <summary>Whether it is in lost mode, as it last said or acknowledged; null: it never did since it enrolled.</summary>
    public bool? IsLost { get; init; }
    /// <summary>0 to 1, as of detailsAt.</summary>
    public double? BatteryLevel { get; init; }
    /// <summary>In GB.</summary>
    public double? DeviceCapacity { get; init; }
    /// <summary>In GB, as of detailsAt.</summary>
    public double? AvailableDeviceCapacity { get; init; }
    /// <summary>When the iPad last told such details, by an answer to DeviceInformation.</summary>
    public DateTimeOffset? DetailsAt { get; init; }
    public string? UserShortName { get; init; }
    public string? UserLongName { get; init; }
    public string? School { get; init; }
    /// <summary>Who has it; null: nobody.</summary>
    public HolderView? Holder { get; init; }
    /// <summary>Only for those who may see secrets: it lets iPads in while the invitation is open.</summary>
    public string? InvitationId { get; init; }
    public DateTimeOffset? EnrolledAt { get; init; }
    public DateTimeOffset? UnenrolledAt { get; init; }
    /// <summary>The last contact; in lists up to a minute late.</summary>
    public DateTimeOffset? LastSeenAt { get; init; }
    /// <summary>When APNs last answered a push.</summary>
    public DateTimeOffset? PushedAt { get; init; }
    /// <summary>accepted, or the reason that APNs gave.</summary>
    public string? PushResult { get; init; }
    /// <summary>Whether it can be woken: it has a push token, and APNs has not said that it is dead.</summary>
    public required bool CanBePushed { get; init; }

    internal static DeviceSummary Of(DeviceRow row, FleetUser reader) => Fill(row, null, reader);

    private protected static DeviceView Fill(DeviceRow row, DeviceDescription? live, FleetUser reader) => new()
    {
        Id = row.Id,
        Kind = row.Kind.ToString(),
        Status = live?.Status ?? row.Status.ToString(),
        Udid = row.Udid,
        SerialNumber = row.SerialNumber,
        DeviceName = row.DeviceName,
        ProductName = row.ProductName,
        Model = row.Model,
        ModelName = row.ModelName,
        OsVersion = row.OsVersion,
        BuildVersion = row.BuildVersion,
        IsSupervised = row.IsSupervised,
        IsShared = row.IsShared,
        IsLost = row.IsLost,
        BatteryLevel = row.BatteryLevel,
        DeviceCapacity = row.DeviceCapacity,
        AvailableDeviceCapacity = row.AvailableDeviceCapacity,
        DetailsAt = row.DetailsAt,
        UserShortName = row.UserShortName,
        UserLongName = row.UserLongName,
        School = row.School,
        InvitationId = reader.MaySeeSecrets ? row.InvitationId : null,
        EnrolledAt = row.EnrolledAt,
        UnenrolledAt = row.UnenrolledAt,
        LastSeenAt = live?.LastSeenAt ?? row.LastSeenAt,
        PushedAt = row.PushedAt,
        PushResult = row.PushResult,
        CanBePushed = row is { PushToken: not null, PushTokenDead: null, Status: EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled },
        Waiting = live?.Waiting,
        PushRequestedAt = live?.PushRequestedAt,
        PushTokenDead = row.PushTokenDead,
        AwaitingConfiguration = row.AwaitingConfiguration,
        ReenrolmentUntil = row.ReenrolmentGrantedAt > (row.AuthenticatedAt ?? DateTimeOffset.MinValue) ? row.ReenrolmentUntil : null,
        Queue = live is null ? [] : [.. live.Queue.Select(QueuedView.Of)],
    };
}

/// <summary>One enrolment, as its grain sees it at this moment.</summary>
public sealed record DeviceView : DeviceSummary
{
    /// <summary>A sentence: what the server waits for; null when nothing is queued.</summary>
    public string? Waiting { get; init; }
    /// <summary>When a push was asked for that the iPad has not answered yet.</summary>
    public DateTimeOffset? PushRequestedAt { get; init; }
    /// <summary>Why APNs says that the push token is dead; null while it is good.</summary>
    public string? PushTokenDead { get; init; }
    /// <summary>The iPad waits in Setup Assistant.</summary>
    public required bool AwaitingConfiguration { get; init; }
    /// <summary>Until when another certificate may take this enrolment over, because an administrator allowed it; null: it may not.</summary>
    public DateTimeOffset? ReenrolmentUntil { get; init; }
    /// <summary>Commands that are not finished, oldest first.</summary>
    public required IReadOnlyList<QueuedView> Queue { get; init; }

    internal static DeviceView Of(DeviceRow row, DeviceDescription? live, FleetUser reader) => Fill(row, live, reader);
}

/// <summary>A command that is not finished.</summary>
public sealed record QueuedView
{
    public required string CommandUuid { get; init; }
    public required string RequestType { get; init; }
    /// <summary>Queued, Sent (delivered, not answered yet), NotNow (offered again later), SetAside (never answered; the others go first) or
    /// Cancelling.</summary>
    [OneOf("Queued", "Sent", "NotNow", "SetAside", "Cancelling")]
    public required string State { get; init; }
    public required DateTimeOffset AcceptedAt { get; init; }
    public DateTimeOffset? SentAt { get; init; }
    public DateTimeOffset? NotNowAt { get; init; }
    public required int NotNowCount { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public string? OperationId { get; init; }
    /// <summary>How often it was delivered without an answer.</summary>
    public required int UnansweredCount { get; init; }
    public DateTimeOffset? UnansweredAt { get; init; }
    /// <summary>A sentence: why it was set aside, and what comes next.</summary>
    public string? Reason { get; init; }

    internal static QueuedView Of(QueuedCommand command) => new()
    {
        CommandUuid = command.CommandUuid,
        RequestType = command.RequestType,
        State = command.State.ToString(),
        AcceptedAt = command.AcceptedAt,
        SentAt = command.SentAt,
        NotNowAt = command.NotNowAt,
        NotNowCount = command.NotNowCount,
        ExpiresAt = command.ExpiresAt,
        OperationId = command.OperationId,
        UnansweredCount = command.UnansweredCount,
        UnansweredAt = command.UnansweredAt,
        Reason = command.Reason,
    };
}
