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

    /// <summary>Revokes all tokens that an account made, and all that were made with those: also the last administrator's, since whether another account can administer is not known here.</summary>
    [Alias("RevokeMadeBy")]
    Task RevokeMadeBy(string accountId);

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

    /// <summary>The roles that were added, by name; those that are always there are not among them.</summary>
    [Alias("ListRoles")]
    Task<IReadOnlyList<RoleDescription>> ListRoles();

    /// <summary>Adds a role. Idempotent: the same one again changes nothing.</summary>
    [Alias("AddRole")]
    Task<RoleOutcome> AddRole(RoleOrder order);

    /// <summary>Changes a role, and with it what its tokens may do; the nodes follow within their cache's few seconds.</summary>
    /// <param name="basedOn">The version that the change was made from; null: whatever stands.</param>
    [Alias("ChangeRole")]
    Task<RoleOutcome> ChangeRole(RoleOrder order, int? basedOn);

    /// <summary>Deletes a role that no token has that works.</summary>
    [Alias("DeleteRole")]
    Task<RoleOutcome> DeleteRole(string name);
}

/// <summary>A role to add, or as it is to be.</summary>
/// <param name="Name">Lower-case letters, digits and hyphens; never that of a role that is always there.</param>
/// <param name="Title">For people.</param>
/// <param name="Words">What it is for; empty: nobody said.</param>
/// <param name="Rights">Their names. What they mean is the API's.</param>
/// <param name="By">Who asks.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.role-order")]
public sealed record RoleOrder(
    [property: Id(0)] string Name,
    [property: Id(1)] string Title,
    [property: Id(2)] string Words,
    [property: Id(3)] string[] Rights,
    [property: Id(4)] string By);

/// <summary>A role that was added.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.role-description")]
public sealed record RoleDescription
{
    [Id(0)] public required string Name { get; init; }
    [Id(1)] public required string Title { get; init; }
    [Id(2)] public required string Words { get; init; }
    /// <summary>An array: the state is stored with the names of types, and a reader of it knows few.</summary>
    [Id(3)] public required string[] Rights { get; init; }
    /// <summary>Grows with each change.</summary>
    [Id(4)] public required int Version { get; init; }
    [Id(5)] public required DateTimeOffset UpdatedAt { get; init; }
    [Id(6)] public required string UpdatedBy { get; init; }
}

public enum RoleOutcome : byte
{
    /// <summary>Written now, or it stood so already.</summary>
    Written = 0,
    UnknownRole = 1,
    NameTaken = 2,
    /// <summary>Somebody else has changed it in between.</summary>
    VersionConflict = 3,
    /// <summary>A token has it that works.</summary>
    InUse = 4,
    TooMany = 5,
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
/// <param name="RoleName">One that is neither viewer nor administrator; <paramref name="Role"/> is then viewer. Null: <paramref name="Role"/> says it.</param>
/// <param name="Schools">Null: for the whole district. Else <paramref name="RoleName"/> is <see cref="TokenSchools.NoRole"/>, and the role stands here.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.token-order")]
public sealed record TokenOrder(
    [property: Id(0)] string Id,
    [property: Id(1)] byte[] SecretSha256,
    [property: Id(2)] string Name,
    [property: Id(3)] AccessRole Role,
    [property: Id(4)] DateTimeOffset? ExpiresAt,
    [property: Id(5)] string CreatedBy,
    [property: Id(6)] string? CreatedById = null,
    [property: Id(7)] bool Secrets = false,
    [property: Id(8)] string? RoleName = null,
    [property: Id(9)] TokenSchools? Schools = null)
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
    /// <summary>A role that is neither viewer nor administrator; null: <see cref="Role"/> says it.</summary>
    [Id(10)] public string? RoleName { get; init; }
    /// <summary>Of a role that was added; null: it was not, or it is gone.</summary>
    [Id(11)] public string? RoleTitle { get; init; }
    /// <summary>Of a role that was added, as they are now; null: it was not, or it is gone.</summary>
    [Id(12)] public string[]? Rights { get; init; }
    /// <summary>For some schools only; null: for the whole district. <see cref="RoleName"/> is then <see cref="TokenSchools.NoRole"/>.</summary>
    [Id(13)] public TokenSchools? Schools { get; init; }
}

/// <summary>The schools that a token is for, and its role there.</summary>
/// <remarks>Beside the role that a token of the whole district has, not in its place: a node of the version before, which would not see the schools, finds a role
/// that nobody has, and lets the token do nothing.</remarks>
[GenerateSerializer, Immutable, Alias("fleetmdm.token-schools")]
public sealed record TokenSchools
{
    /// <summary>What stands as <see cref="TokenDescription.RoleName"/>: no role can be called so.</summary>
    public const string NoRole = "(schools)";

    /// <summary>Their ids; at least one.</summary>
    [Id(0)] public required string[] Ids { get; init; }
    /// <summary>The name of the role, whichever.</summary>
    [Id(1)] public required string Role { get; init; }
    /// <summary>A viewer's that may see secrets.</summary>
    [Id(2)] public bool Secrets { get; init; }
    /// <summary>Of a role that was added; null: it was not, or it is gone.</summary>
    [Id(3)] public string? RoleTitle { get; init; }
    /// <summary>Of a role that was added, as they are now; null: it was not, or it is gone.</summary>
    [Id(4)] public string[]? Rights { get; init; }
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
