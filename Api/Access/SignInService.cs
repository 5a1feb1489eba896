using System.Security.Cryptography;
using System.Text;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Hosting;
using FleetMdm.Storage;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Secrets;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;

namespace FleetMdm.Api.Access;

// Somebody signs in with a password:
//
//   1. count       the try, for this address and name, or for this browser if it has signed in before; too many: wait
//   2. password    hashed, for a name that nobody has too
//   3. code        if the account has a second step: counted before it is looked at, and taken once
//   4. begin       a new session; the one that the browser had ends
//
// With a passkey (PasskeyService) 1 to 3 are one: nobody guesses a signature, and the device has asked for face, finger or code.
// A wrong one is recorded, many of a minute as one record.

/// <summary>Signs people in with what they know and have.</summary>
internal sealed class SignInService(
    IAccountStore store, Passwords passwords, SignInThrottle throttle, SignInCookies cookies, PasskeyService passkeys, SecretSealer sealer, AccountVerifier verifier, AuditTrail trail, Coalescer refused,
    ClientAddress clients, SignInMetrics metrics, TimeProvider time)
{
    /// <summary>Of a user name.</summary>
    public const int LongestName = 200;

    private const int SecretBytes = 32;

    /// <summary>Of a session, as it is stored.</summary>
    public static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));

    public async Task<SignInResult> WithPassword(HttpContext context, string userName, string password, string returnUrl)
    {
        // 1
        var address = clients.Of(context);
        var found = IsName(userName) ? await store.FindByName(userName) : null;
        var device = found is null ? null : cookies.KnownDevice(context, found.Account.Id);
        var key = device is null ? SignInThrottle.OfAddress(address, userName) : SignInThrottle.OfDevice(device, found!.Account.Id);
        var wait = device is null && throttle.IsThrottled(address) ? GuessingThrottle.Span : throttle.Take(key);
        if (wait > TimeSpan.Zero)
        {
            await Refused(context, found, "too many tries");
            metrics.Count("paused");
            return SignInResult.Paused(wait);
        }

        // 2
        var right = await passwords.Verify(found?.PasswordHash, password);
        if (!right || found!.Account.Disabled)
        {
            if (device is null) throttle.CountFailure(address);
            await Refused(context, found, "wrong password");
            // Not waited for: it would tell which names there are.
            if (found is not null) _ = CountFailure(found.Account.Id);
            metrics.Count("wrong");
            return SignInResult.Wrong;
        }

        throttle.Succeeded(key);
        if (found.TotpSecret is null) return await Begin(context, found.Account, found.Stamp, "password", null, null);
        cookies.OweCode(context, found.Account.Id, found.Stamp, returnUrl);
        return SignInResult.NeedsCode;
    }

    /// <summary>After the password.</summary>
    public async Task<SignInResult> WithCode(HttpContext context, OwedCode owed, string typed)
    {
        // 3
        var found = await store.FindWithKeys(owed.AccountId);
        if (found is not { Account.Disabled: false, TotpSecret: { } sealedSecret } || found.Stamp != owed.Stamp) return SignInResult.Gone;
        var now = time.GetUtcNow();
        if (await store.TakeCodeTry(found.Account.Id, now, CodePause) is { } after)
        {
            await Refused(context, found, "too many codes");
            metrics.Count("paused");
            return SignInResult.Paused(after - now);
        }

        var digits = string.Concat(typed.Where(char.IsAsciiDigit));
        var isCode = digits.Length == Totp.Digits && typed.All(c => char.IsAsciiDigit(c) || c == ' ');
        var step = isCode ? Totp.Find(sealer.Open(Account.TotpPurpose(found.Account.Id), sealedSecret), digits, now) : null;
        var recovery = isCode ? null : RecoveryCodes.Hash(typed);
        var result = step is null && recovery is null
            ? SignInResult.Wrong
            : await Begin(context, found.Account, found.Stamp, step is null ? "recovery code" : "code", step, recovery);
        if (result.Kind == SignInKind.Wrong)
        {
            await Refused(context, found, "wrong code");
            metrics.Count("wrong");
        }

        return result;
    }

    /// <param name="context">Of the request.</param>
    /// <param name="offer">What the page was given.</param>
    /// <param name="credential">What the device has signed: JSON of WebAuthn.</param>
    public async Task<SignInResult> WithPasskey(HttpContext context, string? offer, string? credential)
    {
        var shown = await passkeys.Check(context, offer, credential);
        if (shown.IsLate) return SignInResult.Gone;
        var result = shown.Account is { Account.Disabled: false } found ? await Begin(context, found.Account, found.Stamp, "passkey", null, null, shown.Use) : SignInResult.Wrong;
        if (result.Kind == SignInKind.Wrong)
        {
            await Refused(context, shown.Account, "wrong passkey");
            metrics.Count("wrong");
        }

        return result;
    }

    /// <summary>Whoever has shown who they are has a new session; the one that this browser had ends.</summary>
    /// <param name="context">Of the request.</param>
    /// <param name="account">Whose.</param>
    /// <param name="stamp">Of the account, when it was looked at.</param>
    /// <param name="way">password, code, recovery code, passkey or provider.</param>
    /// <param name="step">Of a code.</param>
    /// <param name="recovery">SHA-256 of a recovery code.</param>
    /// <param name="passkey">That signed.</param>
    public async Task<SignInResult> Begin(HttpContext context, Account account, string stamp, string way, long? step, byte[]? recovery, PasskeyUse? passkey = null)
    {
        // 4
        var before = await context.AuthenticateAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        var now = time.GetUtcNow();
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes));
        var principal = FleetUser.Cookie(account, CookieAuthenticationDefaults.AuthenticationScheme, secret);
        context.User = principal;
        var session = new AccountSession
        {
            Id = Guid.NewGuid().ToString("D"),
            AccountId = account.Id,
            SecretSha256 = Hash(secret),
            Stamp = stamp,
            Way = way,
            Address = clients.Of(context)?.ToString(),
            Browser = BrowserName.Of(context.Request.Headers.UserAgent.ToString()),
            BegunAt = now,
            SeenAt = now,
            EndsAt = now + AccountVerifier.Longest,
        };
        var outcome = await store.BeginSession(session, step, recovery, passkey, trail.Entry(context, AuditVerbs.SessionSignIn, AuditTargets.Account, account.Id, detail: "by " + way));
        if (outcome != SessionOutcome.Begun)
        {
            context.User = new();
            return outcome == SessionOutcome.Gone ? SignInResult.Gone : SignInResult.Wrong;
        }

        if (before.Principal is { } old && FleetUser.Find(old) is { AccountId: not null, SessionId: { } oldSecret } && await verifier.FindBySession(oldSecret, use: false) is { } standing)
        {
            await store.EndSessions(standing.Account.Id, standing.Session.Id, null, null);
            verifier.Forget();
        }

        cookies.ForgetOwed(context);
        cookies.RememberDevice(context, account.Id);
        await context.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, principal, new AuthenticationProperties { IssuedUtc = now, ExpiresUtc = now + AccountVerifier.Longest });
        metrics.Count("done");
        return SignInResult.Done;
    }

    /// <summary>Only who knows the password comes as far: waiting for the next code locks nobody out who does not.</summary>
    private static TimeSpan CodePause(int failures) => SignInThrottle.Pause(failures) * 6;

    private static bool IsName(string userName) => userName.Length is > 0 and <= LongestName && !userName.Any(c => char.IsControl(c) || char.IsSurrogate(c));

    private async Task CountFailure(string id)
    {
        try
        {
            await store.CountFailure(id);
        }
        catch (Exception e) when (e is StoreUnavailableException or ObjectDisposedException)
        {
            // It is told to people only.
        }
    }

    private Task Refused(HttpContext context, AccountWithKeys? found, string why) => refused.Record(
        trail.Entry(context, AuditVerbs.SessionSignIn, AuditTargets.Account, found?.Account.Id, detail: why) with { Result = AuditResult.Refused });
}

internal enum SignInKind
{
    Done,
    NeedsCode,
    Wrong,
    /// <summary>To be begun anew: the account has changed meanwhile.</summary>
    Gone,
    Paused,
}

/// <param name="Wait">How long, where one has to.</param>
internal sealed record SignInResult(SignInKind Kind, TimeSpan Wait = default)
{
    public static readonly SignInResult Done = new(SignInKind.Done);
    public static readonly SignInResult NeedsCode = new(SignInKind.NeedsCode);
    public static readonly SignInResult Wrong = new(SignInKind.Wrong);
    public static readonly SignInResult Gone = new(SignInKind.Gone);

    public static SignInResult Paused(TimeSpan wait) => new(SignInKind.Paused, wait);
}

/// <summary>A browser in a few words, so that its owner knows it again.</summary>
internal static class BrowserName
{
    private static readonly (string Part, string Name)[] Programs =
        [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];

    private static readonly (string Part, string Name)[] Systems =
        [("iPad", "iPad"), ("iPhone", "iPhone"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"), ("Mac OS X", "Mac"), ("Linux", "Linux")];

    /// <summary>Null: it says nothing that is known.</summary>
    public static string? Of(string agent)
    {
        var program = Array.Find(Programs, one => agent.Contains(one.Part, StringComparison.Ordinal)).Name;
        var system = Array.Find(Systems, one => agent.Contains(one.Part, StringComparison.Ordinal)).Name;
        return program is null || system is null ? program ?? system : $"{program}, {system}";
    }
}
