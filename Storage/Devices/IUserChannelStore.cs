namespace FleetMdm.Storage.Devices;

/// <summary>The user channels of one Shared iPad, all of them together.</summary>
public interface IUserChannelStore
{
    /// <summary>What the device is, and its user channels, those that ended too. Null: there is no such device.</summary>
    Task<SharedDevice?> Find(string deviceId);

    /// <summary>The commands that wait for users of the iPad, in order.</summary>
    Task<IReadOnlyList<UserWaitingRow>> ListWaiting(string deviceId, int limit);

    /// <summary>Drops the row of a user channel that has ended. Its history stays as long as any.</summary>
    /// <returns>False: it lives, or is not known.</returns>
    Task<bool> Drop(string enrolmentId);
}

/// <param name="Kind">Of the device channel.</param>
/// <param name="ProductName">As the iPad told it, for example <c>iPad14,1</c>.</param>
/// <param name="Users">In no order.</param>
public sealed record SharedDevice(EnrolmentKind Kind, string? ProductName, IReadOnlyList<UserChannel> Users);

/// <param name="Id">Of the user channel.</param>
/// <param name="Status">Whether it lives.</param>
/// <param name="LastSeenAt">When its user was last there.</param>
public sealed record UserChannel(string Id, EnrolmentStatus Status, DateTimeOffset? LastSeenAt)
{
    /// <summary>The Managed Apple Account; null: the iPad has not told it.</summary>
    public string? ShortName { get; init; }
    public string? LongName { get; init; }
    /// <summary>When its user last logged in, as far as that brought something new.</summary>
    public DateTimeOffset? TokenUpdatedAt { get; init; }
    /// <summary>The iPad holds the user's login up.</summary>
    public bool AwaitingConfiguration { get; init; }
}

/// <summary>A command that waits for a user.</summary>
/// <param name="UserId">Of the user channel.</param>
public sealed record UserWaitingRow(string UserId, string CommandUuid, string RequestType, DateTimeOffset AcceptedAt, int NotNowCount, DateTimeOffset? NotNowAt);
