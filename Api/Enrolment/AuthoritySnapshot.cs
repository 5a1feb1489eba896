using System.Security.Cryptography.X509Certificates;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Api.Enrolment;

/// <summary>
/// The certificate authority as this node uses it, keys opened. Immutable and swapped whole; requests that hold an old one
/// finish with it, and its native keys go with the last of them.
/// </summary>
public sealed class AuthoritySnapshot
{
    public required long Version { get; init; }

    public required string Organization { get; init; }

    public required CertificateAuthority Ca { get; init; }

    public required ScepResponder Scep { get; init; }

    /// <summary>What GetCACert answers.</summary>
    public required byte[] ScepCertificates { get; init; }

    /// <summary>With its private key.</summary>
    public required X509Certificate2 ProfileSigner { get; init; }

    public required byte[] ChallengeKey { get; init; }

    /// <summary>Knows our CA and the further ones of <c>Mdm:TrustedIdentityCas</c>. The same object as long as neither changes,
    /// so that what it learned is kept.</summary>
    public required IdentityVerifier Verifier { get; init; }
}

/// <summary>The certificate authority's keys could not be had: cluster or database away, or another master key.</summary>
public sealed class AuthorityUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
