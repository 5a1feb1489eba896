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

/// <summary>Which enrolments an operation is for. Exactly one of the three is set.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.operation-target")]
public sealed record OperationTarget
{
    /// <summary>Every enrolled iPad.</summary>
    [Id(0)] public bool All { get; init; }
    [Id(1)] public IReadOnlyList<string>? Ids { get; init; }
    [Id(2)] public DeviceFilter? Filter { get; init; }
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
}

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
}
