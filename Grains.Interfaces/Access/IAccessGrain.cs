namespace FleetMdm.Grains.Interfaces;

/// <summary>
/// Who may use the admin side: the API tokens (one grain, key <see cref="Key"/>). It knows only the SHA-256 of each secret; the
/// secrets are made by the API, shown once, and are nowhere else.
/// </summary>
[Alias("fleetmdm.access")]
public interface IAccessGrain : IGrainWithIntegerKey
{
    /// <summary>The only key.</summary>
    const long Key = 0;

    /// <summary>Makes the first administrator's token if no administrator's token works: none was ever made, or all have expired.</summary>
    /// <param name="secretSha256">SHA-256 of the secret that the caller proposes, and has written down already.</param>
    /// <returns>True when the first token has this secret (also when repeated); false when another works, or when this secret has worked and is spent.</returns>
    [Alias("EnsureFirstToken")]
    Task<bool> EnsureFirstToken([Immutable] byte[] secretSha256);

    /// <summary>Makes a token. Idempotent by its id: a repetition returns what stands under it.</summary>
    /// <returns>Null when there are as many tokens as there may be.</returns>
    [Alias("Create")]
    Task<TokenDescription?> Create(TokenOrder order);

    /// <summary>All tokens, newest first; at most a thousand.</summary>
    [Alias("List")]
    Task<IReadOnlyList<TokenDescription>> List();

    /// <summary>Revokes a token at once; the nodes follow within their cache's few seconds.</summary>
    [Alias("Revoke")]
    Task<TokenRevocation> Revoke(string id);

    /// <summary>Revokes a token, and unless they are to be kept all that were made with it, and with those.</summary>
    [Alias("RevokeTree")]
    Task<TokenRevocation> RevokeTree(string id, bool keepDescendants);

    /// <summary>Begins a browser's session with a token. The oldest ends when there are as many as there may be.</summary>
    [Alias("BeginSession")]
    Task BeginSession(SessionOrder order);

    /// <summary>Ends a session at once; the nodes follow within their cache's few seconds.</summary>
    [Alias("EndSession")]
    Task EndSession(string sessionId);

    /// <summary>The token of this session; null when the session has ended, or its token.</summary>
    [Alias("FindSession")]
    Task<TokenDescription?> FindSession(string sessionId);

    /// <summary>The token that has this secret; null when none has, or when it is revoked or expired.</summary>
    [Alias("FindBySecret")]
    Task<TokenDescription?> FindBySecret([Immutable] byte[] secretSha256);

    /// <summary>The token with this id; null when there is none, or when it is revoked or expired.</summary>
    [Alias("FindById")]
    Task<TokenDescription?> FindById(string id);
}

/// <summary>What the bearer of a token may do. Stored as a number: never renumber.</summary>
public enum AccessRole : byte
{
    /// <summary>May read everything, may change nothing.</summary>
    Viewer = 0,
    Administrator = 1,
}

/// <param name="Id">Lower-case UUID.</param>
/// <param name="SecretSha256">SHA-256 of the whole token as it is sent.</param>
/// <param name="CreatedBy">The name of the token that asked for it.</param>
/// <param name="CreatedById">Its id.</param>
/// <param name="Secrets">A viewer's that may see secrets; an administrator's may.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.token-order")]
public sealed record TokenOrder(
    [property: Id(0)] string Id,
    [property: Id(1)] byte[] SecretSha256,
    [property: Id(2)] string Name,
    [property: Id(3)] AccessRole Role,
    [property: Id(4)] DateTimeOffset? ExpiresAt,
    [property: Id(5)] string CreatedBy,
    [property: Id(6)] string? CreatedById = null,
    [property: Id(7)] bool Secrets = false)
{
    /// <summary>Without the hash.</summary>
    public override string ToString() => $"TokenOrder {{ Id = {Id}, Name = {Name}, Role = {Role} }}";
}

/// <summary>A token without its secret.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.token-description")]
public sealed record TokenDescription
{
    [Id(0)] public required string Id { get; init; }
    [Id(1)] public required string Name { get; init; }
    [Id(2)] public required AccessRole Role { get; init; }
    [Id(3)] public required DateTimeOffset CreatedAt { get; init; }
    [Id(4)] public required string CreatedBy { get; init; }
    [Id(5)] public DateTimeOffset? ExpiresAt { get; init; }
    [Id(6)] public DateTimeOffset? RevokedAt { get; init; }
    /// <summary>The token that asked for it; null for the first one, and for those of earlier versions.</summary>
    [Id(7)] public string? CreatedById { get; init; }
    /// <summary>At most a minute late.</summary>
    [Id(8)] public DateTimeOffset? LastUsedAt { get; init; }
    /// <summary>A viewer's that may see secrets; an administrator's may without.</summary>
    [Id(9)] public bool Secrets { get; init; }
}

/// <param name="Id">Random; in the browser's cookie.</param>
/// <param name="TokenId">The token that it was begun with.</param>
/// <param name="Until">When it ends by itself.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.session-order")]
public sealed record SessionOrder([property: Id(0)] string Id, [property: Id(1)] string TokenId, [property: Id(2)] DateTimeOffset Until);

public enum TokenRevocation : byte
{
    /// <summary>Revoked now, or before.</summary>
    Revoked = 0,
    UnknownToken = 1,
    /// <summary>It is the last administrator's token that works: nobody could administer any more. Nothing was changed.</summary>
    LastAdministrator = 2,
}
