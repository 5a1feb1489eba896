namespace FleetMdm.Grains.Interfaces;

/// <summary>
/// The roots that iPads trust for TLS with this server, and for nothing else (key: <see cref="Key"/>). Apart from the CA of identities, so that
/// who steals its key can be no other server to an iPad. One root for each host that the server ever had; nodes open it with the master key.
/// </summary>
[Alias("fleetmdm.tls-root")]
public interface ITlsRootGrain : IGrainWithStringKey
{
    /// <summary>The only key: an installation has one grain of this kind.</summary>
    const string Key = "mdm";

    /// <summary>The root for this host, made and written at the first call that names the host. Returning to an earlier host gives its root back.</summary>
    /// <param name="organization">Named in a root that is made.</param>
    /// <param name="host">Of <c>Mdm:PublicUrl</c>: a DNS name in ASCII, or an IP address.</param>
    [Alias("Get")]
    Task<SealedTlsRoot> Get(string organization, string host);
}

/// <summary>A root whose name constraints permit one host, with the private keys sealed under the master key.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.sealed-tls-root")]
public sealed record SealedTlsRoot
{
    public const string KeyPurpose = "tls-root-key/mdm";
    public const string ProfileSignerKeyPurpose = "tls-root-profile-signer-key/mdm";

    [Id(0)] public required string Host { get; init; }

    [Id(1)] public required SealedCertificate Root { get; init; }

    /// <summary>Issued by this root: an iPad that trusts it shows profiles as verified.</summary>
    [Id(2)] public required SealedCertificate ProfileSigner { get; init; }
}
