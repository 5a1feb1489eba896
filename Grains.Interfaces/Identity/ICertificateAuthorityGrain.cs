namespace FleetMdm.Grains.Interfaces;

/// <summary>
/// The built-in certificate authority (key: <see cref="Key"/>). It makes and keeps the keys, and renews what expires before
/// it does; the API's nodes open them with the master key and sign by themselves, so this grain is on nobody's hot path.
/// </summary>
[Alias("fleetmdm.certificate-authority")]
public interface ICertificateAuthorityGrain : IGrainWithStringKey
{
    /// <summary>The only key: a server has one CA.</summary>
    const string Key = "mdm";

    /// <summary>The keys, made at the first call ever, in one write before it returns: no certificate is issued by a CA that could
    /// still be lost.</summary>
    [Alias("GetSealed")]
    Task<SealedAuthority> GetSealed();

    /// <summary>What stands, without making or renewing anything; null: no CA was ever needed.</summary>
    [Alias("Find")]
    Task<SealedAuthority?> Find();

    /// <summary>Makes the next CA. It is trusted from now on, and issues nothing before it is activated.</summary>
    [Alias("PrepareNext")]
    Task<AuthorityOutcome> PrepareNext();

    /// <summary>From now on the prepared CA issues; the one before goes on being trusted. Its key is forgotten.</summary>
    /// <param name="sha256">Of the prepared CA's certificate.</param>
    [Alias("ActivateNext")]
    Task<AuthorityOutcome> ActivateNext([Immutable] byte[] sha256);

    /// <summary>Ends the trust in a former CA, or drops one that was prepared. Whether iPads depend on it is the caller's question.</summary>
    /// <param name="sha256">Of its certificate.</param>
    [Alias("Retire")]
    Task<AuthorityOutcome> Retire([Immutable] byte[] sha256);
}

/// <summary>What became of a change of the CA.</summary>
public enum AuthorityOutcome : byte
{
    Done = 0,
    /// <summary>It stands so already.</summary>
    AlreadyDone = 1,
    /// <summary>There is no such CA, or it is in another state.</summary>
    Unknown = 2,
    /// <summary>Not all nodes may have learnt of the prepared CA yet.</summary>
    TooEarly = 3,
}

/// <summary>The CA's certificates with their private keys sealed under the master key.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.sealed-authority")]
public sealed record SealedAuthority
{
    public const string CaKeyPurpose = "certificate-authority-key/mdm";
    public const string RegistrationAuthorityKeyPurpose = "registration-authority-key/mdm";
    public const string ProfileSignerKeyPurpose = "profile-signer-key/mdm";
    public const string ChallengeKeyPurpose = "challenge-key/mdm";

    /// <summary>Grows with each change.</summary>
    [Id(0)] public required long Version { get; init; }

    /// <summary>Named in certificates and profiles.</summary>
    [Id(1)] public required string Organization { get; init; }

    [Id(2)] public required SealedCertificate Ca { get; init; }

    /// <summary>The present one first; then its predecessor, whose SCEP requests may still be on their way.</summary>
    [Id(3)] public required SealedCertificate[] RegistrationAuthorities { get; init; }

    [Id(4)] public required SealedCertificate ProfileSigner { get; init; }

    /// <summary>32 bytes under which one-time challenges are authenticated.</summary>
    [Id(5)] public required byte[] SealedChallengeKey { get; init; }

    /// <summary>Since its first day it has issued identities only; the server's TLS certificate comes from a root of its own
    /// (<see cref="ITlsRootGrain"/>). False: made by a version in which iPads trusted this one for both.</summary>
    [Id(6)] public bool ForIdentitiesOnly { get; init; }

    /// <summary>How long a prepared CA waits: each node looks for news every five minutes.</summary>
    public static readonly TimeSpan LearntAfter = TimeSpan.FromMinutes(10);

    /// <summary>Prepared: trusted, and issues nothing yet. Null: none is.</summary>
    [Id(7)] public SealedCertificate? NextCa { get; init; }

    /// <summary>Issued by <see cref="NextCa"/>. Opened from the beginning, so that a request for it can come to any node.</summary>
    [Id(8)] public SealedCertificate? NextRegistrationAuthority { get; init; }

    [Id(9)] public DateTimeOffset? PreparedAt { get; init; }

    /// <summary>Those that issued before, the newest first: trusted as long as iPads depend on them. Null: there are none.</summary>
    [Id(10)] public FormerAuthority[]? FormerCas { get; init; }

    /// <summary>SHA-256 of the first CA, whose certificates are stored without their issuer; null: it is <see cref="Ca"/>.</summary>
    [Id(11)] public byte[]? FirstCa { get; init; }

    /// <summary>How many CAs were made after the first one.</summary>
    [Id(12)] public int Successors { get; init; }
}

/// <summary>A CA that issues no more. Its key is gone.</summary>
/// <param name="Certificate">DER.</param>
/// <param name="ReplacedAt">Since when.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.former-authority")]
public sealed record FormerAuthority([property: Id(0)] byte[] Certificate, [property: Id(1)] DateTimeOffset ReplacedAt);

/// <param name="Certificate">DER.</param>
/// <param name="SealedKey">PKCS#8, sealed under the master key.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.sealed-certificate")]
public sealed record SealedCertificate([property: Id(0)] byte[] Certificate, [property: Id(1)] byte[] SealedKey);
