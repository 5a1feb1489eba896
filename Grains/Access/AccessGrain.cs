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
    TimeProvider time) : Grain, IAccessGrain
{
    /// <summary>Keeps the state and every list small; a district has dozens of tokens, not thousands.</summary>
    internal const int MostTokens = 1000;

    /// <summary>How long a revoked or expired token stays in the list, for those who ask what became of it.</summary>
    internal static readonly TimeSpan RememberDead = TimeSpan.FromDays(90);

    private const string FirstTokenName = "first administrator";

    public async Task<bool> EnsureFirstToken(byte[] secretSha256)
    {
        if (state.State.Tokens.Count > 0)
            return CryptographicOperations.FixedTimeEquals(state.State.Tokens[0].SecretSha256, secretSha256);

        await Store([new StoredToken
        {
            SecretSha256 = secretSha256,
            Description = new TokenDescription
            {
                Id = Guid.NewGuid().ToString("D"),
                Name = FirstTokenName,
                Role = AccessRole.Administrator,
                CreatedAt = time.GetUtcNow(),
                CreatedBy = "server",
            },
        }]);
        return true;
    }

    public async Task<TokenDescription?> Create(TokenOrder order)
    {
        if (Find(order.Id) is { } standing) return standing.Description;

        var now = time.GetUtcNow();
        var kept = state.State.Tokens.Where((token, index) => index == 0 || !IsForgotten(token.Description, now)).ToList();
        if (kept.Count >= MostTokens) return null;

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
            },
        };
        await Store([.. kept, created]);
        return created.Description;
    }

    [ReadOnly]
    public Task<IReadOnlyList<TokenDescription>> List() =>
        Task.FromResult<IReadOnlyList<TokenDescription>>([.. state.State.Tokens.Select(token => token.Description).Reverse()]);

    public async Task<TokenRevocation> Revoke(string id)
    {
        if (Find(id) is not { } token) return TokenRevocation.UnknownToken;
        if (token.Description.RevokedAt is not null) return TokenRevocation.Revoked;

        var now = time.GetUtcNow();
        var others = state.State.Tokens.Where(other => other != token && IsAlive(other.Description, now));
        if (token.Description.Role == AccessRole.Administrator && !others.Any(other => other.Description.Role == AccessRole.Administrator))
            return TokenRevocation.LastAdministrator;

        var revoked = token with { Description = token.Description with { RevokedAt = now } };
        await Store([.. state.State.Tokens.Select(other => other == token ? revoked : other)]);
        return TokenRevocation.Revoked;
    }

    public Task<TokenDescription?> FindBySecret(byte[] secretSha256)
    {
        // All are compared, whichever matches: the time tells nothing about the list.
        StoredToken? found = null;
        foreach (var token in state.State.Tokens)
        {
            if (CryptographicOperations.FixedTimeEquals(token.SecretSha256, secretSha256)) found = token;
        }

        return Task.FromResult(Alive(found));
    }

    public Task<TokenDescription?> FindById(string id) => Task.FromResult(Alive(Find(id)));

    private StoredToken? Find(string id) => state.State.Tokens.Find(token => token.Description.Id == id);

    private TokenDescription? Alive(StoredToken? token) =>
        token is not null && IsAlive(token.Description, time.GetUtcNow()) ? token.Description : null;

    private static bool IsAlive(TokenDescription token, DateTimeOffset now) =>
        token.RevokedAt is null && (token.ExpiresAt is not { } expires || expires > now);

    private static bool IsForgotten(TokenDescription token, DateTimeOffset now)
    {
        var died = token.RevokedAt ?? token.ExpiresAt;
        return died is { } at && at + RememberDead < now;
    }

    private async Task Store(List<StoredToken> tokens)
    {
        var before = state.State.Tokens;
        state.State.Tokens = tokens;
        try
        {
            await state.WriteStateAsync();
        }
        catch (Exception e)
        {
            state.State.Tokens = before;
            DeactivateOnIdle();
            throw new FleetUnavailableException("The list of API tokens could not be stored.", e);
        }
    }
}
