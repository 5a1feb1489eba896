using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Access;

/// <summary>The passkeys of accounts. How one signs somebody in is in <see cref="IAccountStore.BeginSession"/>.</summary>
public interface IPasskeyStore
{
    /// <summary>Of one account: more than anybody has devices.</summary>
    const int MostOfAccount = 20;

    /// <summary>Of the name that a person gives it.</summary>
    const int LongestName = 80;

    /// <summary>Oldest first.</summary>
    Task<IReadOnlyList<Passkey>> List(string accountId);

    Task<Passkey?> Find(byte[] credentialId);

    /// <summary>A repetition after a lost answer is <see cref="PasskeyOutcome.Written"/> too.</summary>
    /// <param name="passkey">To add.</param>
    /// <param name="stamp">Of its account, as it stood when the owner proved who they are.</param>
    /// <param name="audit">Written with it.</param>
    Task<PasskeyOutcome> Add(Passkey passkey, string stamp, AuditRecord? audit);

    /// <returns>False: the account has no such passkey.</returns>
    Task<bool> Remove(string accountId, string id, AuditRecord? audit);

    /// <param name="scope">What the rights of who asks cover.</param>
    /// <param name="accountId">Whose.</param>
    /// <param name="audit">Written with it.</param>
    /// <returns>How many there were; null: there is no such account.</returns>
    Task<int?> RemoveAll(Scope scope, string accountId, AuditRecord? audit);
}

/// <summary>A key in somebody's device or keychain that signs them in.</summary>
public sealed record Passkey
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    /// <summary>As the authenticator calls it.</summary>
    public required byte[] CredentialId { get; init; }
    public required string AccountId { get; init; }
    /// <summary>As its owner calls it.</summary>
    public required string Name { get; init; }
    /// <summary>COSE.</summary>
    public required byte[] PublicKey { get; init; }
    public required long SignCount { get; init; }
    /// <summary>How a browser reaches it.</summary>
    public required IReadOnlyList<string> Transports { get; init; }
    /// <summary>It may be copied to other devices of its owner.</summary>
    public required bool MayBeCopied { get; init; }
    /// <summary>It has been, when it was used last.</summary>
    public required bool IsCopied { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? UsedAt { get; init; }
}

/// <summary>A passkey has signed the server's challenge.</summary>
/// <param name="CredentialId">Which.</param>
/// <param name="ChallengeSha256">It signs nobody in again.</param>
/// <param name="SignCount">As the authenticator said now.</param>
/// <param name="IsCopied">Likewise.</param>
/// <param name="Forget">Challenges that were used before this time are too old to be taken.</param>
public sealed record PasskeyUse(byte[] CredentialId, byte[] ChallengeSha256, long SignCount, bool IsCopied, DateTimeOffset Forget);

public enum PasskeyOutcome
{
    Written,
    /// <summary>The account is gone, or what somebody signs in with has changed meanwhile.</summary>
    Gone,
    TooMany,
    /// <summary>This authenticator's key is here already.</summary>
    Known,
}
