namespace FleetMdm.Grains.Interfaces;

/// <summary>
/// One command for many iPads (key: the operation's id, a lower-case UUID). Appends the queue rows of the whole target in one
/// statement, tells the nodes, then lets pushes go out at a pace. No iPad's grain is woken for it.
/// </summary>
[Alias("fleetmdm.operation")]
public interface IOperationGrain : IGrainWithStringKey
{
    /// <summary>Appends the operation; when it returns, every queue row is durable, or it was refused and nothing is stored.
    /// Repeating it changes nothing.</summary>
    [Alias("Start")]
    Task<OperationAccepted> Start(OperationOrder order);

    /// <summary>The same for a target with <see cref="DeviceFilter.Expression"/>. A method of its own: a node of the version before, which would not see the
    /// expression and take every iPad, does not know it and refuses.</summary>
    [Alias("StartFiltered")]
    Task<OperationAccepted> StartFiltered(OperationOrder order);

    /// <summary>The same for a profile of the library (<see cref="OperationOrder.Profile"/>): what is sent is kept for each iPad. A method of its own: a node of
    /// the version before would not keep it.</summary>
    [Alias("StartProfile")]
    Task<OperationAccepted> StartProfile(OperationOrder order);

    /// <summary>The same for a target with <see cref="OperationTarget.Schools"/>. A method of its own: a node of the version before, which would not see the
    /// schools and reach into others, does not know it and refuses.</summary>
    [Alias("StartInSchools")]
    Task<OperationAccepted> StartInSchools(OperationOrder order);

    /// <summary>The same for an order with <see cref="OperationOrder.Pace"/>, <see cref="OperationOrder.RepeatId"/> or <see cref="OperationTarget.FailedOf"/>. A method of
    /// its own: a node of the version before would begin on all at once.</summary>
    [Alias("StartPaced")]
    Task<OperationAccepted> StartPaced(OperationOrder order);

    /// <summary>Nothing more begins until it goes on; what has begun stays. False: it does not run, or began on all at once.</summary>
    [Alias("Pause")]
    Task<bool> Pause();

    /// <summary>One that stopped by itself goes on with the next wave. False: it is not paused.</summary>
    [Alias("GoOn")]
    Task<bool> GoOn();

    /// <summary>Counts by state; null when there is no such operation.</summary>
    [Alias("Describe")]
    Task<OperationDescription?> Describe();

    /// <summary>Stops the delivery of what is not delivered yet. False when there is no such operation, or
    /// when it is finished.</summary>
    [Alias("Cancel")]
    Task<bool> Cancel();

    /// <summary>Goes on where a node that died left off: announcing, pushing.</summary>
    [Alias("Resume")]
    Task Resume();
}

/// <summary>Which enrolments an operation is for. Exactly one of the four is set.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.operation-target")]
public sealed record OperationTarget
{
    /// <summary>Every enrolled iPad.</summary>
    [Id(0)] public bool All { get; init; }
    [Id(1)] public IReadOnlyList<string>? Ids { get; init; }
    [Id(2)] public DeviceFilter? Filter { get; init; }
    /// <summary>The ids of the schools that the rights of the one who asked cover: it reaches no iPad outside. Null: the whole district. Only by
    /// <see cref="IOperationGrain.StartInSchools"/>.</summary>
    [Id(3)] public IReadOnlyList<string>? Schools { get; init; }
    /// <summary>Those on which this operation failed. Only by <see cref="IOperationGrain.StartPaced"/>.</summary>
    [Id(4)] public string? FailedOf { get; init; }
}

/// <summary>Administrators' filter over enrolments; the same one serves the list of devices. All parts must hold.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.device-filter")]
public sealed record DeviceFilter
{
    /// <summary>Part of the serial number, the name, the UDID or the user's name; case does not matter.</summary>
    [Id(0)] public string? Query { get; init; }
    /// <summary>Authenticated, Enrolled, Unenrolled or Removed.</summary>
    [Id(1)] public string? Status { get; init; }
    [Id(2)] public string? School { get; init; }
    /// <summary>As in <c>iPad14,1</c>, exactly.</summary>
    [Id(3)] public string? ProductName { get; init; }
    /// <summary>Exactly, or a prefix that ends in a dot: <c>18.</c> finds 18.1 and 18.3.2.</summary>
    [Id(4)] public string? OsVersion { get; init; }
    [Id(5)] public string? SerialNumber { get; init; }
    /// <summary>Device, UserEnrollment or SharedUser.</summary>
    [Id(6)] public string? Kind { get; init; }
    [Id(7)] public DateTimeOffset? SeenBefore { get; init; }
    [Id(8)] public DateTimeOffset? SeenAfter { get; init; }
    /// <summary>In the words of the filter, as in <c>os&lt;17.5</c>. Only by <see cref="IOperationGrain.StartFiltered"/>.</summary>
    [Id(9)] public string? Expression { get; init; }
}

[GenerateSerializer, Immutable, Alias("fleetmdm.operation-order")]
public sealed record OperationOrder
{
    [Id(0)] public required OperationTarget Target { get; init; }
    /// <summary>The order for each of them; they share its CommandUUID.</summary>
    [Id(1)] public required CommandOrder Command { get; init; }
    /// <summary>Who asked: the name of the token.</summary>
    [Id(2)] public required string RequestedBy { get; init; }
    /// <summary>The target in the words of the one who asked, to be shown.</summary>
    [Id(3)] public string? Asked { get; init; }
    /// <summary>How many iPads it must be for; null: it does not matter.</summary>
    [Id(4)] public long? Expected { get; init; }
    /// <summary>For more than one iPad, <see cref="Expected"/> must be set.</summary>
    [Id(5)] public bool MustBeExpected { get; init; }
    /// <summary>What it does with a profile of the library. Only by <see cref="IOperationGrain.StartProfile"/>.</summary>
    [Id(6)] public ProfileSending? Profile { get; init; }
    /// <summary>How it begins, as the store keeps it (JSON); null: on all at once. Only by <see cref="IOperationGrain.StartPaced"/>.</summary>
    [Id(7)] public string? Pace { get; init; }
    /// <summary>The repeating operation that it is a run of. Only by <see cref="IOperationGrain.StartPaced"/>.</summary>
    [Id(8)] public string? RepeatId { get; init; }
}

/// <summary>A profile of the library that an operation installs or removes.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.profile-sending")]
public sealed record ProfileSending
{
    [Id(0)] public required string ProfileId { get; init; }
    [Id(1)] public required int Version { get; init; }
    [Id(2)] public bool Remove { get; init; }
    /// <summary>Only iPads that the library sent it to, of those of the target.</summary>
    [Id(3)] public bool HoldersOnly { get; init; }
    /// <summary>Its name, for the record.</summary>
    [Id(4)] public required string Words { get; init; }
}

/// <param name="Total">How many iPads it is for; of one that was refused, how many it would be for.</param>
/// <param name="UnknownIds">Asked-for ids that are not enrolled, at most 1,000 of them.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.operation-accepted")]
public sealed record OperationAccepted(
    [property: Id(0)] string Id,
    [property: Id(1)] long Total,
    [property: Id(2)] DateTimeOffset AcceptedAt,
    [property: Id(3)] IReadOnlyList<string> UnknownIds)
{
    /// <summary>It is for no iPad, or not for as many as was expected: nothing was stored.</summary>
    [Id(4)] public bool Refused { get; init; }
    /// <summary>Why iPads of the target did not get it, or would not get it; null: none was left out.</summary>
    [Id(5)] public IReadOnlyList<LeftOutReason>? Reasons { get; init; }
    /// <summary>How many were left out.</summary>
    [Id(6)] public long LeftOut { get; init; }
}

/// <summary>Why iPads were left out of an operation. One iPad may have several.</summary>
/// <param name="Code">A stable name.</param>
/// <param name="Reason">A sentence.</param>
/// <param name="Number">Its bit in the row of an iPad that was left out.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.left-out-reason")]
public sealed record LeftOutReason(
    [property: Id(0)] string Code, [property: Id(1)] string Reason, [property: Id(2)] long Devices, [property: Id(3)] int Number);

[GenerateSerializer, Immutable, Alias("fleetmdm.operation-description")]
public sealed record OperationDescription
{
    [Id(0)] public required string Id { get; init; }
    [Id(1)] public required string CommandUuid { get; init; }
    [Id(2)] public required string RequestType { get; init; }
    [Id(3)] public required DateTimeOffset AcceptedAt { get; init; }
    [Id(4)] public required string RequestedBy { get; init; }
    [Id(5)] public required long Total { get; init; }
    /// <summary>Still queued, NotNow included.</summary>
    [Id(6)] public required long Queued { get; init; }
    /// <summary>Of the queued ones, those that answered NotNow last.</summary>
    [Id(7)] public required long NotNow { get; init; }
    [Id(8)] public required long Acknowledged { get; init; }
    /// <summary>Error and CommandFormatError.</summary>
    [Id(9)] public required long Failed { get; init; }
    /// <summary>Cancelled, expired, or ended because the iPad enrolled again or left.</summary>
    [Id(10)] public required long Ended { get; init; }
    [Id(11)] public DateTimeOffset? AnnouncedAt { get; init; }
    [Id(12)] public DateTimeOffset? CancelledAt { get; init; }
    /// <summary>How many of the target have been pushed to by this operation so far.</summary>
    [Id(13)] public long Pushed { get; init; }
    /// <summary><see cref="OperationOrder.Asked"/>; null: from before it was kept.</summary>
    [Id(14)] public string? Asked { get; init; }
    /// <summary>How many of the target did not get it, since they would have refused it.</summary>
    [Id(15)] public long LeftOut { get; init; }
    /// <summary>Why; null: none was left out.</summary>
    [Id(16)] public IReadOnlyList<LeftOutReason>? LeftOutReasons { get; init; }
    /// <summary>How it begins; null: it began on all at once.</summary>
    [Id(17)] public OperationPacing? Pacing { get; init; }
    /// <summary>The operation whose failures it tries again.</summary>
    [Id(18)] public string? RetryOf { get; init; }
    /// <summary>The repeating operation that it is a run of.</summary>
    [Id(19)] public string? RepeatId { get; init; }
}

/// <summary>Where an operation with a pace stands.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.operation-pacing")]
public sealed record OperationPacing
{
    /// <summary><see cref="OperationOrder.Pace"/>.</summary>
    [Id(0)] public required string Pace { get; init; }
    /// <summary>Running, Paused or Over.</summary>
    [Id(1)] public required string Phase { get; init; }
    /// <summary>iPads that wait for their turn.</summary>
    [Id(2)] public required long NotBegun { get; init; }
    /// <summary>iPads that had left when their turn came.</summary>
    [Id(3)] public required long Skipped { get; init; }
    /// <summary>The present wave, from 1.</summary>
    [Id(4)] public required int Wave { get; init; }
    [Id(5)] public required IReadOnlyList<OperationWave> Waves { get; init; }
    [Id(6)] public required IReadOnlyList<OperationWait> Waits { get; init; }
    /// <summary>Why it stopped by itself, in words.</summary>
    [Id(7)] public string? StopReason { get; init; }
    /// <summary>When it is looked at again.</summary>
    [Id(8)] public DateTimeOffset? NextAt { get; init; }
}

[GenerateSerializer, Immutable, Alias("fleetmdm.operation-wave")]
public sealed record OperationWave(
    [property: Id(0)] int Number, [property: Id(1)] long Size, [property: Id(2)] DateTimeOffset? BeganAt, [property: Id(3)] DateTimeOffset? EndedAt);

/// <summary>What iPads wait for before they begin.</summary>
/// <param name="Code">One of the constants.</param>
/// <param name="School">Null: all of them, or those without a school.</param>
/// <param name="Until">When it is over; null: that is not known.</param>
/// <param name="Clock">The same by the clock of the school, in words.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.operation-wait")]
public sealed record OperationWait(
    [property: Id(0)] string Code, [property: Id(1)] string? School, [property: Id(2)] long IPads, [property: Id(3)] DateTimeOffset? Until, [property: Id(4)] string? Clock)
{
    /// <summary>The operation begins later.</summary>
    public const string Start = "start";
    /// <summary>The window of the school.</summary>
    public const string Window = "window";
    /// <summary>A free place of the school's network.</summary>
    public const string Places = "places";
    /// <summary>The wave before them.</summary>
    public const string Wave = "wave";
    /// <summary>Nothing: they begin in a moment.</summary>
    public const string Turn = "turn";
    /// <summary>The window of the school never opens.</summary>
    public const string Never = "never";
}
