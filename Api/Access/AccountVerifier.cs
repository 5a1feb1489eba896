using System.Collections.Concurrent;
using FleetMdm.Storage;
using FleetMdm.Storage.Access;

namespace FleetMdm.Api.Access;

/// <summary>A person whose session lives.</summary>
/// <param name="Account">As it stood a few seconds ago at most.</param>
/// <param name="Role">What it may do.</param>
/// <param name="Session">Of the browser.</param>
public sealed record SignedInAccount(Account Account, Role Role, AccountSession Session);

/// <summary>Asks the store about sessions of accounts, and remembers the good ones for a few seconds.</summary>
/// <remarks>An account that is disabled, and a session that has ended, are refused on every node at most <see cref="TokenVerifier.Remember"/> later. What is not good
/// is not remembered, so strangers cannot fill the memory; it is bounded all the same.</remarks>
internal sealed class AccountVerifier(IAccountStore store, RoleService roles, TimeProvider time)
{
    /// <summary>A browser that nobody uses is asked again.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromHours(2);

    /// <summary>A working day, however much it is used.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(12);

    /// <summary>How late the time of last use is written: it is not worth a write for each request.</summary>
    private static readonly TimeSpan WriteUsesEvery = TimeSpan.FromMinutes(1);

    private const int MostRemembered = 2048;

    private readonly ConcurrentDictionary<string, (SignedInAccount Found, DateTimeOffset Until)> _remembered = new(StringComparer.Ordinal);

    /// <summary>Null: it has ended, or its account is disabled.</summary>
    /// <param name="secret">What the cookie holds.</param>
    /// <param name="use">false: it is asked about, and not used.</param>
    public async ValueTask<SignedInAccount?> FindBySession(string secret, bool use = true)
    {
        var now = time.GetUtcNow();
        if (_remembered.TryGetValue(secret, out var kept) && kept.Until > now && kept.Found.Session.EndsAt > now) return kept.Found;

        if (await store.FindSession(SignInService.Hash(secret), now, now - Idle) is not var (account, session))
        {
            _remembered.TryRemove(secret, out _);
            return null;
        }

        // A role that is gone gives nothing.
        var found = new SignedInAccount(account, await roles.Find(account.Role) ?? new Role(account.Role, account.Role, "", []), session);
        if (_remembered.Count >= MostRemembered) _remembered.Clear();
        // Counted from before the question: what overtakes the answer is not overlooked for longer.
        _remembered[secret] = (found, now + TokenVerifier.Remember);
        if (use && now - session.SeenAt >= WriteUsesEvery) await Touch(session.Id, now);
        return found;
    }

    /// <summary>Whether somebody's session still lives: for answers that take long.</summary>
    public async ValueTask<bool> IsStillGood(FleetUser user) => user.SessionId is { } secret && await FindBySession(secret, use: false) is not null;

    /// <summary>This node asks again at once; the others within <see cref="TokenVerifier.Remember"/>.</summary>
    public void Forget() => _remembered.Clear();

    private async Task Touch(string session, DateTimeOffset now)
    {
        try
        {
            await store.TouchSession(session, now);
        }
        catch (StoreUnavailableException)
        {
            // Whoever uses the session is told nothing of it: the next minute tries again.
        }
    }
}
