using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Access;

/// <summary>People who sign in to the console, what they sign in with, and the sessions of their browsers.</summary>
/// <remarks>Secrets are here as hashes, but the one of the second step, which is sealed. Each change of what somebody signs in with changes the account's stamp, and
/// a session of another stamp has ended.</remarks>
public interface IAccountStore
{
    /// <summary>More than any district has technicians and teachers who sign in. Accounts that belong to a person of the provider are not counted: it knows how many there are.</summary>
    const int MostAccounts = 20_000;

    /// <summary>Of one account. The oldest ends when there is one more.</summary>
    const int MostSessions = 50;

    /// <summary>By user name.</summary>
    /// <param name="scope">What the reader's rights cover: an account is covered when all of its schools are.</param>
    /// <param name="text">Part of the user name or the name, in whatever case; null: all.</param>
    /// <param name="after">The user name of the last of the page before.</param>
    /// <param name="limit">At most so many.</param>
    Task<IReadOnlyList<Account>> List(Scope scope, string? text, string? after, int limit);

    Task<Account?> Find(Scope scope, string id);

    /// <summary>In whatever case.</summary>
    Task<AccountWithKeys?> FindByName(string userName);

    Task<AccountWithKeys?> FindWithKeys(string id);

    Task<Account?> FindBySubject(string issuer, string subject);

    /// <summary>The account of a link that sets a password; null: there is none, or it has ended.</summary>
    Task<Account?> FindByLink(byte[] linkSha256, DateTimeOffset now);

    /// <summary>Whose addresses these are: the one person who has one of them as e-mail address or managed Apple Account, is there, and is nobody else's. Null: nobody, or
    /// several people.</summary>
    /// <param name="addresses">In whatever case. One with other characters than ASCII is nobody's.</param>
    Task<PersonMatch?> FindPersonByAddress(IReadOnlyCollection<string> addresses);

    /// <summary>Says whose account it is, where nobody has said so. Not for a person who has left, or who signs in by another account of the same provider.</summary>
    /// <returns>False: it stays as it stands.</returns>
    Task<bool> LinkPerson(string id, string personId, DateTimeOffset at, string by, AuditRecord? audit);

    /// <summary>How many accounts have this role.</summary>
    Task<long> CountOfRole(string role);

    /// <summary>A repetition after a lost answer is <see cref="AccountOutcome.Written"/> too.</summary>
    /// <param name="account">Its facts that are written: all but those of what somebody signs in with.</param>
    /// <param name="link">Sets a password; null: none.</param>
    /// <param name="audit">Written with it.</param>
    Task<AccountOutcome> Create(Account account, PasswordLink? link, AuditRecord? audit);

    /// <summary>Writes user name, name, role, schools, disabled and person, with a version one higher than it stands. One that is disabled, or has another role or
    /// other schools, loses its sessions.</summary>
    /// <param name="scope">What the rights of who asks cover.</param>
    /// <param name="account">As it is to be.</param>
    /// <param name="stamp">In the place of the old one where sessions end.</param>
    /// <param name="anotherWayIn">An administrator's token works.</param>
    /// <param name="audit">Written with it.</param>
    Task<AccountOutcome> Change(Scope scope, Account account, string stamp, bool anotherWayIn, AuditRecord? audit);

    /// <summary>With its sessions and codes.</summary>
    Task<AccountOutcome> Delete(Scope scope, string id, bool anotherWayIn, AuditRecord? audit);

    /// <summary>A link to set a password. The one before ends.</summary>
    Task<AccountOutcome> SetLink(Scope scope, string id, PasswordLink link, AuditRecord? audit);

    /// <summary>By the link, which ends. All sessions end.</summary>
    Task<AccountOutcome> SetPasswordByLink(byte[] linkSha256, string passwordHash, string stamp, DateTimeOffset now, AuditRecord? audit);

    /// <summary>All sessions but one end.</summary>
    /// <param name="id">Of the account.</param>
    /// <param name="stamp">As it stands.</param>
    /// <param name="passwordHash">The new one.</param>
    /// <param name="newStamp">In its place.</param>
    /// <param name="keptSession">Goes on; null: none.</param>
    /// <param name="now">The time.</param>
    /// <param name="audit">Written with it.</param>
    Task<AccountOutcome> SetPassword(string id, string stamp, string passwordHash, string newStamp, string? keptSession, DateTimeOffset now, AuditRecord? audit);

    /// <summary>A second step with codes; the ones before end. All sessions but one end.</summary>
    /// <param name="id">Of the account.</param>
    /// <param name="stamp">As it stands.</param>
    /// <param name="secret">Sealed for <see cref="Account.TotpPurpose"/>.</param>
    /// <param name="step">Of the code that was shown: it is not taken again.</param>
    /// <param name="recoveryCodes">SHA-256 of each.</param>
    /// <param name="newStamp">In the place of the stamp.</param>
    /// <param name="keptSession">Goes on; null: none.</param>
    /// <param name="now">The time.</param>
    /// <param name="audit">Written with it.</param>
    Task<AccountOutcome> SetTotp(
        string id, string stamp, byte[] secret, long step, IReadOnlyList<byte[]> recoveryCodes, string newStamp, string? keptSession, DateTimeOffset now, AuditRecord? audit);

    /// <summary>Without a second step, and without recovery codes.</summary>
    Task<AccountOutcome> RemoveTotp(Scope scope, string id, AuditRecord? audit);

    /// <summary>In the place of all that there were.</summary>
    Task<AccountOutcome> SetRecoveryCodes(string id, IReadOnlyList<byte[]> recoveryCodes, AuditRecord? audit);

    /// <summary>A wrong password.</summary>
    Task CountFailure(string id);

    /// <summary>To be asked before a code is looked at: it counts as wrong until somebody signs in. So no two can be tried at once.</summary>
    /// <param name="id">Of the account.</param>
    /// <param name="now">The time.</param>
    /// <param name="pause">From the number of wrong ones with this to the time until the next.</param>
    /// <returns>Null: it may be looked at. Otherwise: not before this time.</returns>
    Task<DateTimeOffset?> TakeCodeTry(string id, DateTimeOffset now, Func<int, TimeSpan> pause);

    /// <summary>Somebody has shown who they are.</summary>
    /// <param name="session">To begin.</param>
    /// <param name="step">Of the code that was shown; null: none was.</param>
    /// <param name="recoveryCode">SHA-256 of the one that was shown, which ends; null: none was.</param>
    /// <param name="passkey">That signed; null: none did.</param>
    /// <param name="audit">Written with it.</param>
    Task<SessionOutcome> BeginSession(AccountSession session, long? step, byte[]? recoveryCode, PasskeyUse? passkey, AuditRecord? audit);

    /// <summary>Null: it has ended, or its account is disabled.</summary>
    /// <param name="secretSha256">Of what the cookie holds.</param>
    /// <param name="now">The time.</param>
    /// <param name="idleSince">One that was not used since then has ended.</param>
    Task<(Account Account, AccountSession Session)?> FindSession(byte[] secretSha256, DateTimeOffset now, DateTimeOffset idleSince);

    Task TouchSession(string sessionId, DateTimeOffset now);

    /// <summary>Those that live, newest first.</summary>
    Task<IReadOnlyList<AccountSession>> ListSessions(string accountId, DateTimeOffset now, DateTimeOffset idleSince);

    /// <returns>How many ended.</returns>
    /// <param name="accountId">Whose.</param>
    /// <param name="sessionId">Only this one; null: all.</param>
    /// <param name="but">Not this one.</param>
    /// <param name="audit">Written with it, when one ended.</param>
    Task<int> EndSessions(string accountId, string? sessionId, string? but, AuditRecord? audit);
}

/// <summary>A person who signs in.</summary>
public sealed record Account
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    /// <summary>1 for the first, one more with each change.</summary>
    public required int Version { get; init; }
    /// <summary>Unique, in whatever case.</summary>
    public required string UserName { get; init; }
    public required string Name { get; init; }
    /// <summary>The name of a role.</summary>
    public required string Role { get; init; }
    /// <summary>Ids; null: the whole district.</summary>
    public IReadOnlyList<string>? Schools { get; init; }
    public bool Disabled { get; init; }
    /// <summary>Of <c>people</c>; null: nobody said.</summary>
    public string? PersonId { get; init; }
    /// <summary>Whoever says who the person is, and what they call them; null: only this server.</summary>
    public string? Issuer { get; init; }
    public string? Subject { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }
    /// <summary>When the password was set; null: there is none.</summary>
    public DateTimeOffset? PasswordAt { get; init; }
    /// <summary>When the second step was set up; null: there is none.</summary>
    public DateTimeOffset? TotpAt { get; init; }
    public int RecoveryCodes { get; init; }
    public int Passkeys { get; init; }
    /// <summary>Until when the link to set a password works; null: there is none.</summary>
    public DateTimeOffset? LinkUntil { get; init; }
    /// <summary>Wrong passwords since the last sign-in.</summary>
    public int Failures { get; init; }
    public DateTimeOffset? LastSignInAt { get; init; }

    /// <summary>What its secret of the second step is sealed for.</summary>
    public static string TotpPurpose(string id) => $"totp/{id}";

    public bool Equals(Account? other) => other is not null && Flat(this) == Flat(other) && (Schools ?? []).SequenceEqual(other.Schools ?? [], StringComparer.Ordinal)
        && Schools is null == other.Schools is null;

    public override int GetHashCode() => HashCode.Combine(Id, Version);

    private static (string, int, string, string, string, bool, string?, string?, string?) Flat(Account account) => (
        account.Id, account.Version, account.UserName, account.Name, account.Role, account.Disabled, account.PersonId, account.Issuer, account.Subject);
}

/// <param name="Id">Of the person.</param>
/// <param name="Name">Of the person.</param>
public sealed record PersonMatch(string Id, string Name);

/// <param name="Account">As it stands.</param>
/// <param name="Stamp">Changes with what somebody signs in with.</param>
/// <param name="PasswordHash">Null: there is no password.</param>
/// <param name="TotpSecret">Sealed; null: there is no second step.</param>
/// <param name="TotpStep">Of the newest code that was taken.</param>
public sealed record AccountWithKeys(Account Account, string Stamp, string? PasswordHash, byte[]? TotpSecret, long? TotpStep)
{
    /// <summary>Without what is secret.</summary>
    public override string ToString() => $"AccountWithKeys {{ Id = {Account.Id} }}";
}

/// <summary>A link that sets a password once.</summary>
public sealed record PasswordLink(byte[] Sha256, DateTimeOffset Until);

/// <summary>Of a browser.</summary>
public sealed record AccountSession
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    public required string AccountId { get; init; }
    /// <summary>Of what the browser's cookie holds.</summary>
    public required byte[] SecretSha256 { get; init; }
    /// <summary>Of the account, when it was begun.</summary>
    public required string Stamp { get; init; }
    /// <summary>By what: password, code, recovery code, passkey, provider.</summary>
    public required string Way { get; init; }
    public string? Address { get; init; }
    /// <summary>In a few words.</summary>
    public string? Browser { get; init; }
    public required DateTimeOffset BegunAt { get; init; }
    /// <summary>At most a minute late.</summary>
    public required DateTimeOffset SeenAt { get; init; }
    public required DateTimeOffset EndsAt { get; init; }
}

public enum AccountOutcome
{
    Written,
    NotFound,
    /// <summary>Somebody else has changed it in between; or what somebody signs in with.</summary>
    VersionConflict,
    NameTaken,
    /// <summary>Another account is joined with this subject.</summary>
    SubjectTaken,
    TooMany,
    /// <summary>Nobody could administer any more.</summary>
    LastAdministrator,
}

public enum SessionOutcome
{
    Begun,
    /// <summary>The account is disabled or gone, or what it signs in with has changed meanwhile.</summary>
    Gone,
    /// <summary>The code, or what the passkey signed, was used before.</summary>
    CodeUsed,
}
