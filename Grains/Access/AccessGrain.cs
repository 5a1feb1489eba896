using System.Security.Cryptography;
using FleetMdm.Grains.Hosting;
using FleetMdm.Grains.Interfaces;
using Orleans.Concurrency;

namespace FleetMdm.Grains.Access;

/// <summary>The API tokens.</summary>
/// <remarks>
/// One activation in the cluster, all tokens in its memory; the API's nodes ask it at most once in a few seconds for each token
/// in use. A write that the control plane does not confirm is undone in memory and answered
/// <see cref="FleetUnavailableException"/>; the activation then ends, so that the next call reads what is really stored.
/// </remarks>
[GrainType("access")]
internal sealed class AccessGrain(
    [PersistentState("access", GrainServices.ControlStorage)] IPersistentState<AccessState> state,
    [PersistentState("access-roles", GrainServices.ControlStorage)] IPersistentState<AccessRolesState> roles,
    [PersistentState("access-schools", GrainServices.ControlStorage)] IPersistentState<AccessSchoolsState> schools,
    TimeProvider time) : Grain, IAccessGrain
{
    /// <summary>Keeps the state and every list small; a district has dozens of tokens, not thousands.</summary>
    internal const int MostTokens = 1000;

    /// <summary>How long a revoked or expired token stays in the list, for those who ask what became of it.</summary>
    internal static readonly TimeSpan RememberDead = TimeSpan.FromDays(90);

    /// <summary>A school's administrators and technicians, each at a few browsers, over a day.</summary>
    internal const int MostSessions = 2000;

    /// <summary>A district has a handful.</summary>
    internal const int MostRoles = 100;

    private const string FirstTokenName = "first administrator";

    /// <summary>As long as any token. When it has expired unreplaced, the next start of a server makes another one.</summary>
    private static readonly TimeSpan FirstTokenLives = TimeSpan.FromDays(90);

    /// <summary>How late the time of a token's last use is written: it is not worth a write for each request.</summary>
    private static readonly TimeSpan WriteUsesEvery = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, DateTimeOffset> _used = [];

    /// <summary>Of the three states.</summary>
    private IEnumerable<StoredToken> All => state.State.Tokens.Concat(roles.State.Tokens).Concat(schools.State.Tokens);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(static grain => grain.WriteUses(), this, new GrainTimerCreationOptions(WriteUsesEvery, WriteUsesEvery));
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => WriteUses();

    public async Task<bool> EnsureFirstToken(byte[] secretSha256)
    {
        var now = time.GetUtcNow();
        var same = state.State.Tokens.Find(token => CryptographicOperations.FixedTimeEquals(token.SecretSha256, secretSha256));
        if (same is not null) return IsAlive(same.Description, now);
        if (state.State.Tokens.Exists(token => IsAdministrators(token) && IsAlive(token.Description, now))) return false;

        await Store([.. state.State.Tokens, new StoredToken
        {
            SecretSha256 = secretSha256,
            Description = new TokenDescription
            {
                Id = Guid.NewGuid().ToString("D"),
                Name = FirstTokenName,
                Role = AccessRole.Administrator,
                CreatedAt = now,
                CreatedBy = "server",
                ExpiresAt = now + FirstTokenLives,
            },
        }]);
        return true;
    }

    public async Task<TokenDescription?> Create(TokenOrder order)
    {
        if (Find(order.Id) is { } standing) return WithRole(standing.Description);

        var now = time.GetUtcNow();
        var plain = Kept(state.State.Tokens, now, withFirst: true);
        var others = Kept(roles.State.Tokens, now, withFirst: false);
        var ofSchools = Kept(schools.State.Tokens, now, withFirst: false);
        if (plain.Count + others.Count + ofSchools.Count >= MostTokens) return null;

        var created = new StoredToken
        {
            SecretSha256 = order.SecretSha256,
            Description = new TokenDescription
            {
                Id = order.Id,
                Name = order.Name,
                Role = order.Role,
                CreatedAt = now,
                CreatedBy = order.CreatedBy,
                ExpiresAt = order.ExpiresAt,
                CreatedById = order.CreatedById,
                Secrets = order.Secrets,
                RoleName = order.RoleName,
                Schools = order.Schools,
            },
        };
        if (order.Schools is not null) await StoreSchools([.. ofSchools, created]);
        else if (order.RoleName is null) await Store([.. plain, created]);
        else await StoreRoles(roles.State.Roles, [.. others, created]);
        return WithRole(created.Description);
    }

    /// <summary>Without those that ended long ago.</summary>
    private List<StoredToken> Kept(List<StoredToken> tokens, DateTimeOffset now, bool withFirst) =>
        [.. tokens.Where((token, index) => (withFirst && index == 0) || !IsForgotten(token.Description, now) || HasDescendants(token))];

    [ReadOnly]
    public Task<IReadOnlyList<TokenDescription>> List() =>
        Task.FromResult<IReadOnlyList<TokenDescription>>([.. All.OrderBy(token => token.Description.CreatedAt).Select(token => WithUse(WithRole(token.Description))).Reverse()]);

    /// <summary>Nodes of the version before ask like this.</summary>
    public Task<TokenRevocation> Revoke(string id) => RevokeTree(id, keepDescendants: false);

    public async Task<TokenRevocation> RevokeTree(string id, bool keepDescendants)
    {
        if (Find(id) is not { } root) return TokenRevocation.UnknownToken;

        var now = time.GetUtcNow();
        var ending = keepDescendants ? [id] : WithDescendants([id]);
        if (!All.Any(token => ending.Contains(token.Description.Id) && token.Description.RevokedAt is null)) return TokenRevocation.Revoked;
        // Somebody must be left who can make a token, unless nobody was.
        var administrators = state.State.Tokens.Where(token => IsAdministrators(token) && IsAlive(token.Description, now)).ToList();
        if (administrators.Count > 0 && administrators.TrueForAll(token => ending.Contains(token.Description.Id))) return TokenRevocation.LastAdministrator;
        await End(ending, now);
        return TokenRevocation.Revoked;
    }

    public Task RevokeMadeBy(string accountId) =>
        End(WithDescendants([.. All.Where(token => token.Description.CreatedById == accountId).Select(token => token.Description.Id)]), time.GetUtcNow());

    /// <summary>Until nobody is added: a token of one state may have made one of the other.</summary>
    private HashSet<string> WithDescendants(HashSet<string> ending)
    {
        while (All.Any(token => token.Description.CreatedById is { } maker && ending.Contains(maker) && ending.Add(token.Description.Id)))
        {
        }

        return ending;
    }

    private async Task End(HashSet<string> ending, DateTimeOffset now)
    {
        StoredToken Ended(StoredToken token) => ending.Contains(token.Description.Id) && token.Description.RevokedAt is null
            ? token with { Description = token.Description with { RevokedAt = now } }
            : token;
        // A repetition goes on where one of the writes failed.
        if (roles.State.Tokens.Exists(token => ending.Contains(token.Description.Id)))
            await StoreRoles(roles.State.Roles, [.. roles.State.Tokens.Select(Ended)]);
        if (schools.State.Tokens.Exists(token => ending.Contains(token.Description.Id)))
            await StoreSchools([.. schools.State.Tokens.Select(Ended)]);
        if (state.State.Tokens.Exists(token => ending.Contains(token.Description.Id)))
            await Store([.. state.State.Tokens.Select(Ended)]);
    }

    [ReadOnly]
    public Task<IReadOnlyList<RoleDescription>> ListRoles() => Task.FromResult<IReadOnlyList<RoleDescription>>([.. roles.State.Roles]);

    public async Task<RoleOutcome> AddRole(RoleOrder order)
    {
        if (FindRole(order.Name) is { } standing) return IsSame(standing, order) ? RoleOutcome.Written : RoleOutcome.NameTaken;
        if (roles.State.Roles.Count >= MostRoles) return RoleOutcome.TooMany;
        // A token whose role was deleted at the moment that it was made has no rights, and gets none by a role of that name.
        if (IsInUse(order.Name)) return RoleOutcome.InUse;
        await StoreRoles([.. roles.State.Roles.Append(Described(order, version: 1)).OrderBy(role => role.Name, StringComparer.Ordinal)], roles.State.Tokens);
        return RoleOutcome.Written;
    }

    public async Task<RoleOutcome> ChangeRole(RoleOrder order, int? basedOn)
    {
        if (FindRole(order.Name) is not { } standing) return RoleOutcome.UnknownRole;
        if (basedOn is { } version && version != standing.Version) return RoleOutcome.VersionConflict;
        if (!IsSame(standing, order))
            await StoreRoles([.. roles.State.Roles.Select(role => role.Name == order.Name ? Described(order, standing.Version + 1) : role)], roles.State.Tokens);
        return RoleOutcome.Written;
    }

    public async Task<RoleOutcome> DeleteRole(string name)
    {
        if (FindRole(name) is null) return RoleOutcome.UnknownRole;
        if (IsInUse(name)) return RoleOutcome.InUse;
        await StoreRoles([.. roles.State.Roles.Where(role => role.Name != name)], roles.State.Tokens);
        return RoleOutcome.Written;
    }

    private bool IsInUse(string role)
    {
        var now = time.GetUtcNow();
        return roles.State.Tokens.Concat(schools.State.Tokens).Any(token => (token.Description.Schools?.Role ?? token.Description.RoleName) == role && IsAlive(token.Description, now));
    }

    private RoleDescription? FindRole(string name) => roles.State.Roles.Find(role => role.Name == name);

    private static bool IsSame(RoleDescription role, RoleOrder order) =>
        role.Title == order.Title && role.Words == order.Words && role.Rights.SequenceEqual(order.Rights, StringComparer.Ordinal);

    private RoleDescription Described(RoleOrder order, int version) => new()
    {
        Name = order.Name,
        Title = order.Title,
        Words = order.Words,
        Rights = order.Rights,
        Version = version,
        UpdatedAt = time.GetUtcNow(),
        UpdatedBy = order.By,
    };

    /// <summary>With what its role means now.</summary>
    private TokenDescription WithRole(TokenDescription token) => token switch
    {
        { Schools: { } at } => FindRole(at.Role) is { } role ? token with { Schools = at with { RoleTitle = role.Title, Rights = role.Rights } } : token,
        { RoleName: { } name } => FindRole(name) is { } role ? token with { RoleTitle = role.Title, Rights = role.Rights } : token,
        _ => token,
    };

    public async Task BeginSession(SessionOrder order)
    {
        if (state.State.Sessions.Exists(session => session.Id == order.Id)) return;
        var now = time.GetUtcNow();
        var kept = state.State.Sessions.Where(session => session.Until > now).ToList();
        kept.Add(new StoredSession { Id = order.Id, TokenId = order.TokenId, Until = order.Until });
        await Store(state.State.Tokens, [.. kept.TakeLast(MostSessions)]);
    }

    public async Task EndSession(string sessionId)
    {
        if (state.State.Sessions.Exists(session => session.Id == sessionId))
            await Store(state.State.Tokens, [.. state.State.Sessions.Where(session => session.Id != sessionId)]);
    }

    public Task<TokenDescription?> FindSession(string sessionId)
    {
        var session = state.State.Sessions.Find(session => session.Id == sessionId);
        return Task.FromResult(session is not null && session.Until > time.GetUtcNow() ? Alive(Find(session.TokenId)) : null);
    }

    public Task<TokenDescription?> FindBySecret(byte[] secretSha256)
    {
        // All are compared, whichever matches: the time tells nothing about the list.
        StoredToken? found = null;
        foreach (var token in All)
        {
            if (CryptographicOperations.FixedTimeEquals(token.SecretSha256, secretSha256)) found = token;
        }

        return Task.FromResult(Alive(found));
    }

    public Task<TokenDescription?> FindById(string id) => Task.FromResult(Alive(Find(id)));

    private StoredToken? Find(string id) =>
        All.FirstOrDefault(token => token.Description.Id == id);

    /// <summary>What is found is used.</summary>
    private TokenDescription? Alive(StoredToken? token)
    {
        var now = time.GetUtcNow();
        if (token is null || !IsAlive(token.Description, now)) return null;
        _used[token.Description.Id] = now;
        return WithUse(WithRole(token.Description));
    }

    private TokenDescription WithUse(TokenDescription token) => _used.TryGetValue(token.Id, out var at) ? token with { LastUsedAt = at } : token;

    private async Task WriteUses()
    {
        if (_used.Count == 0) return;
        try
        {
            if (state.State.Tokens.Exists(IsUsed)) await Store([.. state.State.Tokens.Select(token => token with { Description = WithUse(token.Description) })]);
            if (roles.State.Tokens.Exists(IsUsed))
                await StoreRoles(roles.State.Roles, [.. roles.State.Tokens.Select(token => token with { Description = WithUse(token.Description) })]);
            if (schools.State.Tokens.Exists(IsUsed)) await StoreSchools([.. schools.State.Tokens.Select(token => token with { Description = WithUse(token.Description) })]);
            _used.Clear();
        }
        catch (FleetUnavailableException)
        {
            // Whoever uses a token is told nothing of it: the next minute tries again.
        }
    }

    private bool IsUsed(StoredToken token) => _used.ContainsKey(token.Description.Id);

    private static bool IsAdministrators(StoredToken token) => token.Description.Role == AccessRole.Administrator;

    private bool HasDescendants(StoredToken token) => All.Any(other => other.Description.CreatedById == token.Description.Id);

    private static bool IsAlive(TokenDescription token, DateTimeOffset now) =>
        token.RevokedAt is null && (token.ExpiresAt is not { } expires || expires > now);

    private static bool IsForgotten(TokenDescription token, DateTimeOffset now)
    {
        var died = token.RevokedAt ?? token.ExpiresAt;
        // Not a sum: an end in the year 9999 has no day after it.
        return died is { } at && at < now - RememberDead;
    }

    private async Task Store(List<StoredToken> tokens, List<StoredSession>? sessions = null)
    {
        var before = (state.State.Tokens, state.State.Sessions);
        (state.State.Tokens, state.State.Sessions) = (tokens, sessions ?? state.State.Sessions);
        await Write(state.WriteStateAsync, () => (state.State.Tokens, state.State.Sessions) = before);
    }

    private async Task StoreRoles(List<RoleDescription> list, List<StoredToken> tokens)
    {
        var before = (roles.State.Roles, roles.State.Tokens);
        (roles.State.Roles, roles.State.Tokens) = (list, tokens);
        await Write(roles.WriteStateAsync, () => (roles.State.Roles, roles.State.Tokens) = before);
    }

    private async Task StoreSchools(List<StoredToken> tokens)
    {
        var before = schools.State.Tokens;
        schools.State.Tokens = tokens;
        await Write(schools.WriteStateAsync, () => schools.State.Tokens = before);
    }

    private async Task Write(Func<Task> write, Action undo)
    {
        try
        {
            await write();
        }
        catch (Exception e)
        {
            undo();
            DeactivateOnIdle();
            throw new FleetUnavailableException("The list of API tokens could not be stored.", e);
        }
    }
}
