using System.Collections.Concurrent;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Access;

/// <summary>Asks the access grain about tokens, and remembers the good ones for a few seconds.</summary>
/// <remarks>
/// A token that is revoked is refused on every node at most <see cref="Remember"/> later. Only tokens that are good are
/// remembered, so strangers cannot fill the memory; it is bounded all the same.
/// </remarks>
public sealed class TokenVerifier(IGrainFactory grains, TimeProvider time)
{
    /// <summary>How long a node goes on believing in a token: short enough to call a revocation immediate, long enough that a busy
    /// client costs one grain call in a few hundred requests.</summary>
    public static readonly TimeSpan Remember = TimeSpan.FromSeconds(4);

    private const int MostRemembered = 2048;

    private readonly ConcurrentDictionary<string, Remembered> _remembered = new(StringComparer.Ordinal);

    /// <summary>The token, or null when it is unknown, revoked or expired.</summary>
    public ValueTask<TokenDescription?> FindBySecret(string token)
    {
        var hash = ApiToken.Hash(token);
        var key = Convert.ToHexString(hash);
        return Recall(key, out var known) ? new(known) : Ask(key, () => grains.GetGrain<IAccessGrain>(IAccessGrain.Key).FindBySecret(hash));
    }

    /// <summary>The token of a browser's session; null when the session was ended, or its token was.</summary>
    public ValueTask<TokenDescription?> FindBySession(string sessionId)
    {
        var key = "session " + sessionId;
        return Recall(key, out var known) ? new(known) : Ask(key, () => grains.GetGrain<IAccessGrain>(IAccessGrain.Key).FindSession(sessionId));
    }

    /// <summary>Whether what somebody signed in with is still good: for answers that take long.</summary>
    public async ValueTask<bool> IsStillGood(FleetUser user) =>
        (user.SessionId is { } session ? await FindBySession(session) : await FindById(user.TokenId)) is not null;

    /// <summary>By its id.</summary>
    public ValueTask<TokenDescription?> FindById(string id) =>
        Recall(id, out var known) ? new(known) : Ask(id, () => grains.GetGrain<IAccessGrain>(IAccessGrain.Key).FindById(id));

    /// <summary>This node asks again at once; the others within <see cref="Remember"/>.</summary>
    public void Forget()
    {
        foreach (var (key, found) in _remembered) _remembered.TryUpdate(key, found with { Until = DateTimeOffset.MinValue }, found);
    }

    private bool Recall(string key, out TokenDescription? token)
    {
        var now = time.GetUtcNow();
        if (_remembered.TryGetValue(key, out var found) && found.Until > now && (found.Token.ExpiresAt is not { } expires || expires > now))
        {
            token = found.Token;
            return true;
        }

        token = null;
        return false;
    }

    private async ValueTask<TokenDescription?> Ask(string key, Func<Task<TokenDescription?>> ask)
    {
        // Counted from before the question: a revocation that overtakes the answer is not remembered for longer.
        var until = time.GetUtcNow() + Remember;
        var token = await ask();
        if (token is null)
        {
            _remembered.TryRemove(key, out _);
            return null;
        }

        if (_remembered.Count >= MostRemembered) _remembered.Clear();
        _remembered[key] = new Remembered(token, until);
        return token;
    }

    private sealed record Remembered(TokenDescription Token, DateTimeOffset Until);
}
