namespace FleetMdm.Grains.Interfaces;

/// <summary>A command for one enrolment.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.command-order")]
public sealed record CommandOrder
{
    /// <summary>Upper-case UUID. Repeating an order with the same UUID queues nothing twice.</summary>
    [Id(0)] public required string CommandUuid { get; init; }
    /// <summary>Apple's name, as in <c>DeviceInformation</c>.</summary>
    [Id(1)] public required string RequestType { get; init; }
    /// <summary>The Command dictionary as an XML plist fragment, <c>&lt;dict&gt;…&lt;/dict&gt;</c> in UTF-8; the device is sent
    /// it inside an envelope with the CommandUUID.</summary>
    [Id(2)] public required byte[] Command { get; init; }
    /// <summary>From when on it is no longer delivered; null: never.</summary>
    [Id(3)] public DateTimeOffset? ExpiresAt { get; init; }
    /// <summary>False: do not wake the iPad; it is delivered when the iPad next comes.</summary>
    [Id(4)] public bool Push { get; init; } = true;
    /// <summary>It is queued although what is known of the iPad speaks against it.</summary>
    [Id(5)] public bool Force { get; init; }
    /// <summary>What must be true of the iPad; null: nothing.</summary>
    [Id(6)] public IReadOnlyList<CommandRequirement>? Requirements { get; init; }
}

/// <summary>One thing that must be true of an iPad for a command to work on it.</summary>
/// <param name="Kind">The number of a <c>RequirementKind</c>. One that is not known holds nobody up.</param>
/// <param name="What">What needs it: the command, or a key in it.</param>
/// <param name="Field">Where it stands in the command; empty: the command itself.</param>
/// <param name="Text">The version, or the access right; null: none.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.command-requirement")]
public sealed record CommandRequirement(
    [property: Id(0)] byte Kind,
    [property: Id(1)] string What,
    [property: Id(2)] string Field,
    [property: Id(3)] string? Text);

/// <summary>A requirement that an iPad does not meet.</summary>
/// <param name="Code">A stable name of the kind.</param>
/// <param name="Field">Where it stands in the command; empty: the command itself.</param>
/// <param name="Reason">A sentence.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.command-misfit")]
public sealed record CommandMisfit([property: Id(0)] string Code, [property: Id(1)] string Field, [property: Id(2)] string Reason);

public enum EnqueueOutcome : byte
{
    Accepted = 0,
    /// <summary>The same CommandUUID is queued or finished already: nothing was changed.</summary>
    AlreadyAccepted = 1,
    UnknownDevice = 2,
    /// <summary>The iPad checked out or was removed: no command can reach it before it enrols again.</summary>
    NotEnrolled = 3,
    /// <summary>The queue of this enrolment holds as many commands as it may.</summary>
    QueueFull = 4,
    /// <summary>The iPad would refuse it, by what is known of it: <see cref="EnqueueResult.Misfits"/>. Nothing was queued.</summary>
    Unfit = 5,
}

[GenerateSerializer, Immutable, Alias("fleetmdm.enqueue-result")]
public sealed record EnqueueResult([property: Id(0)] EnqueueOutcome Outcome, [property: Id(1)] DateTimeOffset AcceptedAt)
{
    /// <summary>Why it does not fit; null: it does.</summary>
    [Id(2)] public IReadOnlyList<CommandMisfit>? Misfits { get; init; }
}

public enum CancelOutcome : byte
{
    Cancelled = 0,
    UnknownCommand = 1,
    /// <summary>Delivered and not yet answered: it may be running.</summary>
    InFlight = 2,
}

public enum RemoveOutcome : byte
{
    Removed = 0,
    UnknownDevice = 1,
    AlreadyRemoved = 2,
}

public enum PushOutcome : byte
{
    Requested = 0,
    UnknownDevice = 1,
    /// <summary>No TokenUpdate has come yet, the enrolment ended, or APNs said that the token is dead.</summary>
    NoPushToken = 2,
}

/// <summary>Where a queued command stands.</summary>
public enum CommandState : byte
{
    /// <summary>Not delivered since the iPad last connected.</summary>
    Queued = 0,
    /// <summary>Delivered, not yet answered.</summary>
    Sent = 1,
    /// <summary>The iPad answered NotNow; it is offered again.</summary>
    NotNow = 2,
    /// <summary>Its operation was cancelled; it is dropped when the iPad next comes.</summary>
    Cancelling = 3,
    /// <summary>Delivered several times and never answered; the others go first.</summary>
    SetAside = 4,
}

[GenerateSerializer, Immutable, Alias("fleetmdm.queued-command")]
public sealed record QueuedCommand
{
    [Id(0)] public required string CommandUuid { get; init; }
    [Id(1)] public required string RequestType { get; init; }
    [Id(2)] public required CommandState State { get; init; }
    [Id(3)] public required DateTimeOffset AcceptedAt { get; init; }
    [Id(4)] public DateTimeOffset? SentAt { get; init; }
    [Id(5)] public DateTimeOffset? NotNowAt { get; init; }
    [Id(6)] public int NotNowCount { get; init; }
    [Id(7)] public DateTimeOffset? ExpiresAt { get; init; }
    [Id(8)] public string? OperationId { get; init; }
    /// <summary>How often it was delivered and not answered.</summary>
    [Id(9)] public int UnansweredCount { get; init; }
    [Id(10)] public DateTimeOffset? UnansweredAt { get; init; }
    /// <summary>For people: why it was set aside, and what comes next.</summary>
    [Id(11)] public string? Reason { get; init; }
}

/// <summary>One enrolment as its grain sees it. Secrets and push credentials are never in it.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.device-description")]
public sealed record DeviceDescription
{
    [Id(0)] public required string Id { get; init; }
    /// <summary>One of Authenticated, Enrolled, Unenrolled, Removed.</summary>
    [Id(1)] public required string Status { get; init; }
    [Id(2)] public DateTimeOffset? LastSeenAt { get; init; }
    [Id(3)] public required IReadOnlyList<QueuedCommand> Queue { get; init; }
    /// <summary>A sentence for people: what the iPad is waited for, or null when nothing waits.</summary>
    [Id(4)] public string? Waiting { get; init; }
    [Id(5)] public DateTimeOffset? PushRequestedAt { get; init; }
}
