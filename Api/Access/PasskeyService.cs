using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Access;

// A passkey is added:                                         Somebody signs in with it:
//
//   1. ask      name and password; the page gets a challenge    1. ask     each page of sign-in has a challenge
//   2. device   makes a key for this server's name              2. device  finds its key and signs, after face, finger or code
//   3. keep     what it sent is checked, and the key is kept    3. begin   checked; the challenge is taken once, and the session begins
//
// Between 1 and 3 nothing is kept here: the page carries the challenge, sealed. ASP.NET Core Identity does the checking (WebAuthn).

/// <summary>Passkeys: keys in people's devices that sign them in.</summary>
internal sealed class PasskeyService(
    IAccountStore accounts, IPasskeyStore store, OwnAccountService own, AccountVerifier verifier, IDataProtectionProvider protection, IServiceProvider services, ILogger<UserManager<Account>> logger,
    AuditTrail trail, TimeProvider time)
{
    /// <summary>A page of sign-in that was open for longer makes a new challenge.</summary>
    public static readonly TimeSpan Lives = TimeSpan.FromMinutes(15);

    private static readonly IOptions<IdentityPasskeyOptions> Rules = Options.Create(new IdentityPasskeyOptions
    {
        AuthenticatorTimeout = TimeSpan.FromMinutes(5),
        // It stands in the place of password and code: the device must have checked whose it is.
        UserVerificationRequirement = "required",
        ResidentKeyRequirement = "required",
        AttestationConveyancePreference = "none",
    });

    private readonly ITimeLimitedDataProtector _adding = protection.CreateProtector("sign-in.passkey-add").ToTimeLimitedDataProtector();
    private readonly ITimeLimitedDataProtector _asking = protection.CreateProtector("sign-in.passkey").ToTimeLimitedDataProtector();

    public Task<IReadOnlyList<Passkey>> List(SignedInAccount of) => store.List(of.Account.Id);

    /// <exception cref="ApiProblem">400: the name cannot be, or the password is wrong; 409: there are too many.</exception>
    public async Task<PasskeyOffer> BeginAdding(HttpContext context, string? name, string? present)
    {
        var account = await own.Of(context);
        name = name?.Trim();
        if (string.IsNullOrEmpty(name)) throw ApiProblem.Field("name", "Say which device it is, such as \"iPad at home\".");
        if (name.Length > IPasskeyStore.LongestName || name.Any(char.IsControl)) throw ApiProblem.Field("name", $"It may have {IPasskeyStore.LongestName} characters, and no line ends.");
        var keys = await own.Prove(account, present);
        if ((await store.List(account.Account.Id)).Count >= IPasskeyStore.MostOfAccount) throw TooMany();
        using var users = Users();
        var made = await new PasskeyHandler<Account>(users, Rules).MakeCreationOptionsAsync(
            new PasskeyUserEntity { Id = account.Account.Id, Name = account.Account.UserName, DisplayName = account.Account.Name }, context);
        await trail.Record(context, AuditVerbs.AccountPasskey, AuditTargets.Account, account.Account.Id, detail: "begun: " + name);
        var kept = new Adding(account.Account.Id, keys.Stamp, Guid.NewGuid().ToString("D"), name, made.AttestationState!);
        return new PasskeyOffer(made.CreationOptionsJson, _adding.Protect(JsonSerializer.Serialize(kept, PasskeyJson.Default.Adding), Lives));
    }

    /// <exception cref="ApiProblem">409: it took too long, the device's answer is not right, or the device has one already.</exception>
    public async Task Add(HttpContext context, string? offer, string? credential)
    {
        var account = await own.Of(context);
        if (SignInCookies.Open(_adding, offer) is not { } opened || JsonSerializer.Deserialize(opened, PasskeyJson.Default.Adding) is not { } adding || adding.AccountId != account.Account.Id)
            throw NotAdded("It took too long. Begin again.");
        // The form was sent twice.
        if ((await store.List(adding.AccountId)).Any(one => one.Id == adding.PasskeyId)) return;
        using var users = Users();
        var result = await new PasskeyHandler<Account>(users, Rules).PerformAttestationAsync(
            new PasskeyAttestationContext { HttpContext = context, CredentialJson = credential ?? "", AttestationState = adding.State });
        if (!result.Succeeded)
        {
            Rethrow(result.Failure);
            throw NotAdded("What the device sent is not right. Begin again, on this device or another one.");
        }

        var made = result.Passkey;
        var passkey = new Passkey
        {
            Id = adding.PasskeyId,
            CredentialId = made.CredentialId,
            AccountId = adding.AccountId,
            Name = adding.Name,
            PublicKey = made.PublicKey,
            SignCount = made.SignCount,
            Transports = made.Transports ?? [],
            MayBeCopied = made.IsBackupEligible,
            IsCopied = made.IsBackedUp,
            CreatedAt = time.GetUtcNow(),
        };
        var outcome = await store.Add(passkey, adding.Stamp, trail.Entry(context, AuditVerbs.AccountPasskey, AuditTargets.Account, adding.AccountId, detail: adding.Name));
        verifier.Forget();
        switch (outcome)
        {
            case PasskeyOutcome.Gone: throw EntityTag.Changed("your account");
            case PasskeyOutcome.TooMany: throw TooMany();
            case PasskeyOutcome.Known: throw NotAdded("This device has a passkey for your account already.");
        }
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task Remove(HttpContext context, string id)
    {
        var account = await own.Of(context);
        if (Text.Uuid(id)?.ToString("D") is not { } known
            || (await store.List(account.Account.Id)).FirstOrDefault(one => one.Id == known) is not { } passkey
            || !await store.Remove(account.Account.Id, known, trail.Entry(context, AuditVerbs.AccountPasskeyRemove, AuditTargets.Account, account.Account.Id, detail: passkey.Name)))
            throw ApiProblem.NotFound("There is no such passkey.");
        verifier.Forget();
    }

    /// <summary>For a page of sign-in, whoever comes.</summary>
    public async Task<PasskeyOffer> Ask(HttpContext context)
    {
        using var users = Users();
        var made = await new PasskeyHandler<Account>(users, Rules).MakeRequestOptionsAsync(null, context);
        return new PasskeyOffer(made.RequestOptionsJson, _asking.Protect(made.AssertionState!, Lives));
    }

    /// <summary>Whose passkey has signed. What it says is taken once, when the session begins.</summary>
    public async Task<PasskeyShown> Check(HttpContext context, string? offer, string? credential)
    {
        if (SignInCookies.Open(_asking, offer) is not { } state) return new PasskeyShown(null, null, IsLate: true);
        using var users = Users();
        var result = await new PasskeyHandler<Account>(users, Rules).PerformAssertionAsync(
            new PasskeyAssertionContext { HttpContext = context, CredentialJson = credential ?? "", AssertionState = state });
        if (!result.Succeeded)
        {
            Rethrow(result.Failure);
            return new PasskeyShown(null, null, IsLate: false);
        }

        var used = result.Passkey;
        return new PasskeyShown(
            await accounts.FindWithKeys(result.User.Id),
            new PasskeyUse(used.CredentialId, SHA256.HashData(Encoding.UTF8.GetBytes(state)), used.SignCount, used.IsBackedUp, time.GetUtcNow() - 2 * Lives),
            IsLate: false);
    }

    private static ApiProblem TooMany() => ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many passkeys", $"An account can have {IPasskeyStore.MostOfAccount}. Remove those of devices that you do not have any more.");

    private static ApiProblem NotAdded(string words) => ApiProblem.Conflict(ProblemCodes.PasskeyNotAdded, "The passkey was not added", words);

    /// <summary>That the database is away says nothing about a passkey.</summary>
    private static void Rethrow(PasskeyException? failure)
    {
        for (Exception? inner = failure; inner is not null; inner = inner.InnerException)
        {
            if (inner is StoreUnavailableException or OperationCanceledException) throw inner;
        }
    }

    private UserManager<Account> Users() => new(
        new PasskeyUsers(accounts, store), Options.Create(new IdentityOptions()), new PasswordHasher<Account>(), [], [], new UpperInvariantLookupNormalizer(), new IdentityErrorDescriber(), services, logger);

    internal sealed record Adding(string AccountId, string Stamp, string PasskeyId, string Name, string State);
}

[JsonSerializable(typeof(PasskeyService.Adding))]
internal sealed partial class PasskeyJson : JsonSerializerContext;

/// <summary>What a page asks a device for.</summary>
/// <param name="Options">As the browser takes them: JSON of WebAuthn.</param>
/// <param name="Sealed">For the form: only this server opens it.</param>
public sealed record PasskeyOffer(string Options, string Sealed);

/// <param name="Account">Whose it is; null: it is nobody's, or has not signed what it was asked for.</param>
/// <param name="Use">To be written with the session.</param>
/// <param name="IsLate">The page is too old, or not of this server.</param>
internal sealed record PasskeyShown(AccountWithKeys? Account, PasskeyUse? Use, bool IsLate);
