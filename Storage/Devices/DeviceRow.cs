namespace FleetMdm.Storage.Devices;

/// <summary>How far an enrolment has come. Stored as a number: never renumber.</summary>
public enum EnrolmentStatus : short
{
    /// <summary>Authenticate was accepted, TokenUpdate has not come yet.</summary>
    Authenticated = 1,
    Enrolled = 2,
    /// <summary>The iPad checked out, or its device enrolled anew (for a user channel).</summary>
    Unenrolled = 3,
    /// <summary>Removed by an administrator: told to unenrol whenever it comes.</summary>
    Removed = 4,
    /// <summary>The iPad acknowledged EraseDevice: nothing of the enrolment is left on it.</summary>
    Erased = 5,
}

/// <summary>What an enrolment is. Stored as a number: never renumber.</summary>
public enum EnrolmentKind : short
{
    Device = 1,
    UserEnrollment = 2,
    /// <summary>The user channel of a Shared iPad.</summary>
    SharedUser = 3,
}

/// <summary>
/// One enrolment as it is stored. Changed by its own grain only, under <see cref="Version"/>, when the enrolment or its identity
/// changes; not with each command. Times are UTC and kept to the millisecond.
/// </summary>
public sealed record DeviceRow
{
    public required string Id { get; init; }
    /// <summary>The device channel's id; equal to <see cref="Id"/> except for a user channel.</summary>
    public required string DeviceId { get; init; }
    public required EnrolmentKind Kind { get; init; }
    public required EnrolmentStatus Status { get; init; }
    /// <summary>1 for the first write, then one more with each.</summary>
    public long Version { get; init; }

    public string? Udid { get; init; }
    public string? SerialNumber { get; init; }
    public string? ProductName { get; init; }
    public string? Model { get; init; }
    public string? ModelName { get; init; }
    public string? DeviceName { get; init; }
    public string? OsVersion { get; init; }
    public string? BuildVersion { get; init; }
    public string? Imei { get; init; }
    public string? Meid { get; init; }
    public string? UserShortName { get; init; }
    public string? UserLongName { get; init; }

    public string? School { get; init; }
    public string? InvitationId { get; init; }

    public string? Topic { get; init; }
    /// <summary>Data, never a key: two enrolments may carry the same one.</summary>
    public byte[]? PushToken { get; init; }
    public string? PushMagic { get; init; }
    /// <summary>APNs' reason why <see cref="PushToken"/> is dead; null while it is good.</summary>
    public string? PushTokenDead { get; init; }
    /// <summary>Whether one is in escrow. The token itself is read when it is used (<see cref="IEscrowStore"/>); a commit writes it by
    /// <see cref="EnrolmentChange.UnlockToken"/>.</summary>
    public bool HasUnlockToken { get; init; }
    /// <summary>Likewise, by <see cref="EnrolmentChange.BootstrapToken"/>.</summary>
    public bool HasBootstrapToken { get; init; }
    public bool AwaitingConfiguration { get; init; }

    public DateTimeOffset? AuthenticatedAt { get; init; }
    public DateTimeOffset? EnrolledAt { get; init; }
    public DateTimeOffset? TokenUpdatedAt { get; init; }
    public DateTimeOffset? UnenrolledAt { get; init; }
    /// <summary>When EraseDevice was last handed to the iPad. One that has been silent since is taken for erased when it enrols again.</summary>
    public DateTimeOffset? EraseSentAt { get; init; }

    /// <summary>As the iPad last answered DeviceInformation, and so are the four below; null: it never said so since it enrolled.</summary>
    public bool? IsSupervised { get; init; }
    /// <summary>0 to 1.</summary>
    public double? BatteryLevel { get; init; }
    /// <summary>In GB.</summary>
    public double? DeviceCapacity { get; init; }
    /// <summary>In GB.</summary>
    public double? AvailableDeviceCapacity { get; init; }
    /// <summary>When it last said so.</summary>
    public DateTimeOffset? DetailsAt { get; init; }
    /// <summary>A Shared iPad; null: it never said so since it enrolled.</summary>
    public bool? IsShared { get; init; }
    /// <summary>In lost mode, as it last said or acknowledged; null: it never did since it enrolled.</summary>
    public bool? IsLost { get; init; }
    /// <summary>What the enrolment profile allows the server to do, as a sum of Apple's numbers; null: everything, or it is not known.</summary>
    public int? AccessRights { get; init; }

    /// <summary>Digests of check-in messages that were taken, so that a recorded one is known again; null: none.</summary>
    public byte[]? TakenMessages { get; init; }

    /// <summary>Written by <see cref="IDeviceStore.Touch"/>, outside the version; ignored by a commit.</summary>
    public DateTimeOffset? LastSeenAt { get; init; }
    /// <summary>The last push that APNs answered, or was given up without an answer; written by <see cref="IDeviceStore.RecordPushes"/>, outside the version.</summary>
    public DateTimeOffset? PushedAt { get; init; }
    /// <summary><c>accepted</c>, APNs' reason, or <see cref="PushRecord.NoAnswer"/>; written with <see cref="PushedAt"/>.</summary>
    public string? PushResult { get; init; }
    /// <summary>When an administrator allowed that another certificate takes this enrolment over, and until when; written by
    /// <see cref="Enrolment.IReenrolmentStore"/>, outside the version. Spent when the iPad has enrolled since.</summary>
    public DateTimeOffset? ReenrolmentGrantedAt { get; init; }
    public DateTimeOffset? ReenrolmentUntil { get; init; }
    /// <summary>When it is next to be asked about itself; written by <see cref="Inventory.IInventoryStore.Schedule"/>, outside the version.</summary>
    public DateTimeOffset? RefreshAt { get; init; }
}

/// <summary>A certificate that may speak for a device. Pins belong to the device channel; its user channels share them.</summary>
/// <param name="Sha256">SHA-256 of the certificate's DER: unique over the whole fleet.</param>
/// <param name="NotAfter">When the certificate expires.</param>
/// <param name="PinnedAt">When it was pinned.</param>
public sealed record Pin(byte[] Sha256, DateTimeOffset NotAfter, DateTimeOffset PinnedAt);

/// <summary>Everything that a grain needs when it wakes: one batched read.</summary>
/// <param name="Row">Null: never seen.</param>
/// <param name="Pins">The pins of the row's <see cref="DeviceRow.DeviceId"/> (for an unknown user channel: of the part of
/// its id before the first colon), newest first.</param>
/// <param name="DeviceStatus">The status of the device channel (for a device: its own).</param>
/// <param name="Queue">In order of <see cref="QueuedRow.Sequence"/>.</param>
public sealed record DeviceSnapshot(
    DeviceRow? Row,
    IReadOnlyList<Pin> Pins,
    EnrolmentStatus? DeviceStatus,
    IReadOnlyList<QueuedRow> Queue)
{
    /// <summary>When the grain has next something to do for what is assigned to the iPad (<see cref="Assignments.IAssignmentStore"/>): <see cref="NothingDue"/> when it has
    /// nothing to do; null: nothing is assigned to it.</summary>
    public DateTimeOffset? PlanDueAt { get; init; }

    /// <summary>Likewise for the exams that the iPad is in (<see cref="Exams.IExamStore"/>); null: it is in none.</summary>
    public DateTimeOffset? ExamDueAt { get; init; }

    /// <summary>Later than anything.</summary>
    public static readonly DateTimeOffset NothingDue = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);
}
