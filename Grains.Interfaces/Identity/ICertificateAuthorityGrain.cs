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
}

/// <param name="Certificate">DER.</param>
/// <param name="SealedKey">PKCS#8, sealed under the master key.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.sealed-certificate")]
public sealed record SealedCertificate([property: Id(0)] byte[] Certificate, [property: Id(1)] byte[] SealedKey);
