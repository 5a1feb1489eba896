using System.Security.Cryptography;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Secrets;
using Microsoft.AspNetCore.DataProtection;

namespace FleetMdm.Api.Access;

/// <summary>What people do with their own account. Each change asks for the password once more: a browser that was left open is not enough.</summary>
internal sealed class OwnAccountService(
    IAccountStore store, Passwords passwords, SignInThrottle throttle, SecretSealer sealer, IDataProtectionProvider protection, AccountVerifier verifier, AuditTrail trail, TimeProvider time)
{
    /// <summary>An old form brings no lost phone back.</summary>
    private static readonly TimeSpan OfferLives = TimeSpan.FromMinutes(30);

    private readonly ITimeLimitedDataProtector _offers = protection.CreateProtector("sign-in.totp-offer").ToTimeLimitedDataProtector();

    /// <exception cref="ApiProblem">404: a token is signed in, and has no account.</exception>
    public async Task<SignedInAccount> Of(HttpContext context) =>
        FleetUser.Of(context) is { AccountId: not null, SessionId: { } secret } && await verifier.FindBySession(secret) is { } found
            ? found
            : throw new ApiProblem(StatusCodes.Status404NotFound, ProblemCodes.NoAccount, "You have no account here", "You are signed in with an API token. A token has no password and no sessions: sign in with your account.");

    public async Task<IReadOnlyList<SessionView>> Sessions(SignedInAccount own)
    {
        var now = time.GetUtcNow();
        return [.. (await store.ListSessions(own.Account.Id, now, now - AccountVerifier.Idle)).Select(SessionView.Of)];
    }

    /// <exception cref="ApiProblem">400: the present password is wrong, or the new one is not good.</exception>
    public async Task ChangePassword(HttpContext context, string? present, string? password, string? again)
    {
        var own = await Of(context);
        PasswordRules.Check("password", password, own.Account.UserName, own.Account.Name);
        if (password != again) throw ApiProblem.Field("again", "It is not the same as the password above.");
        var keys = await Prove(own, present);
        if (password == present) throw ApiProblem.Field("password", "It is the password that you have now.");
        var hash = await passwords.Hash(password!);
        Refuse(await store.SetPassword(own.Account.Id, keys.Stamp, hash, NewStamp(), own.Session.Id, time.GetUtcNow(), trail.Entry(context, AuditVerbs.AccountPassword, AuditTargets.Account, own.Account.Id)));
        verifier.Forget();
    }

    /// <summary>A secret for an app, which nothing keeps until a code shows that the app has it.</summary>
    /// <param name="own">Whose.</param>
    /// <param name="standing">That was offered before; null: a new one.</param>
    public TotpOffer Offer(SignedInAccount own, string? standing = null)
    {
        var secret = standing is null ? null : Open(own, standing);
        secret ??= RandomNumberGenerator.GetBytes(Totp.SecretBytes);
        return new TotpOffer(Totp.Address(secret, own.Account.UserName), Totp.Base32(secret), _offers.Protect($"{own.Account.Id} {Convert.ToHexString(secret)}", OfferLives));
    }

    /// <returns>Recovery codes, which are shown now and never again.</returns>
    /// <exception cref="ApiProblem">400: password or code is wrong.</exception>
    public async Task<IReadOnlyList<string>> SetUpTotp(HttpContext context, string? present, string? offer, string? code)
    {
        var own = await Of(context);
        var secret = offer is null ? null : Open(own, offer);
        if (secret is null) throw ApiProblem.Field("code", "The form is too old. Scan the code that is shown now.");
        var keys = await Prove(own, present);
        if (Totp.Find(secret, string.Concat((code ?? "").Where(char.IsAsciiDigit)), time.GetUtcNow()) is not { } step)
            throw ApiProblem.Field("code", "This is not the code that the app shows now. Check that the clock of the phone is right.");
        var codes = RecoveryCodes.New();
        Refuse(await store.SetTotp(
            own.Account.Id, keys.Stamp, sealer.Seal(Account.TotpPurpose(own.Account.Id), secret), step, Hashes(codes), NewStamp(), own.Session.Id, time.GetUtcNow(),
            trail.Entry(context, AuditVerbs.AccountTotp, AuditTargets.Account, own.Account.Id)));
        verifier.Forget();
        return codes;
    }

    /// <exception cref="ApiProblem">400: the password is wrong.</exception>
    public async Task RemoveTotp(HttpContext context, string? present)
    {
        var own = await Of(context);
        await Prove(own, present);
        Refuse(await store.RemoveTotp(Scope.District, own.Account.Id, trail.Entry(context, AuditVerbs.AccountTotpRemove, AuditTargets.Account, own.Account.Id)));
        verifier.Forget();
    }

    /// <returns>In the place of those that there were.</returns>
    /// <exception cref="ApiProblem">400: the password is wrong.</exception>
    public async Task<IReadOnlyList<string>> NewRecoveryCodes(HttpContext context, string? present)
    {
        var own = await Of(context);
        await Prove(own, present);
        var codes = RecoveryCodes.New();
        Refuse(await store.SetRecoveryCodes(own.Account.Id, Hashes(codes), trail.Entry(context, AuditVerbs.AccountRecoveryCodes, AuditTargets.Account, own.Account.Id)));
        verifier.Forget();
        return codes;
    }

    /// <param name="context">Of the request.</param>
    /// <param name="id">Of one; null: all but this one.</param>
    public async Task EndSessions(HttpContext context, string? id)
    {
        var own = await Of(context);
        await trail.Record(context, AuditVerbs.SessionEnd, AuditTargets.Account, own.Account.Id, detail: id is null ? "all others" : null);
        await store.EndSessions(own.Account.Id, id is null ? null : Text.Uuid(id)?.ToString("D") ?? throw ApiProblem.NotFound("There is no such session."), id is null ? own.Session.Id : null, null);
        verifier.Forget();
    }

    /// <summary>Tries are counted, as those of a sign-in are.</summary>
    /// <exception cref="ApiProblem">400: it is not the password.</exception>
    public async Task<AccountWithKeys> Prove(SignedInAccount own, string? present)
    {
        if (string.IsNullOrEmpty(present)) throw ApiProblem.Field("present", "Enter the password that you have now.");
        var key = SignInThrottle.OfDevice(own.Session.Id, own.Account.Id);
        if (throttle.Take(key) is { Ticks: > 0 } wait)
            throw ApiProblem.Field("present", $"Too many wrong passwords. Try again in {LoginEndpoints.Told(wait)}.");
        var keys = await store.FindWithKeys(own.Account.Id);
        if (keys?.PasswordHash is null) throw ApiProblem.Field("present", "This account has no password. Ask an administrator for a link to set one.");
        if (!await passwords.Verify(keys.PasswordHash, present)) throw ApiProblem.Field("present", "This is not the password that you have now.");
        throttle.Succeeded(key);
        return keys;
    }

    private byte[]? Open(SignedInAccount own, string offer)
    {
        try
        {
            return _offers.Unprotect(offer).Split(' ') is [var id, var secret] && id == own.Account.Id ? Convert.FromHexString(secret) : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static List<byte[]> Hashes(IReadOnlyList<string> codes) => [.. codes.Select(code => RecoveryCodes.Hash(code)!)];

    private static string NewStamp() => Guid.NewGuid().ToString("N");

    private static void Refuse(AccountOutcome outcome)
    {
        if (outcome != AccountOutcome.Written) throw EntityTag.Changed("your account");
    }
}

/// <summary>A secret for an app, before it is kept.</summary>
/// <param name="Address">What the QR code says.</param>
/// <param name="Typed">For those who cannot scan.</param>
/// <param name="Sealed">For the form: only this server opens it, and only for this account.</param>
public sealed record TotpOffer(string Address, string Typed, string Sealed);
