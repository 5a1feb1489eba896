using System.Security.Cryptography.X509Certificates;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Api.Enrolment;

/// <summary>
/// The certificate authority and the root for TLS as this node uses them, keys opened. Immutable and swapped whole; requests that hold an old one
/// finish with it, and its native keys go with the last of them.
/// </summary>
public sealed class AuthoritySnapshot
{
    public required long Version { get; init; }

    public required string Organization { get; init; }

    public required CertificateAuthority Ca { get; init; }

    /// <summary>All whose certificates are ours: <see cref="Ca"/> first, then the one that is prepared, then former ones.</summary>
    public required IReadOnlyList<IdentityCertificate> OwnCas { get; init; }

    public required ScepResponder Scep { get; init; }

    /// <summary>What GetCACert answers.</summary>
    public required byte[] ScepCertificates { get; init; }

    /// <summary>Who issues the server's TLS certificate: a root that permits this server's host only, or, in an installation of an earlier version that was
    /// not moved, <see cref="Ca"/>.</summary>
    public required CertificateAuthority TlsIssuer { get; init; }

    /// <summary><see cref="TlsIssuer"/> has name constraints.</summary>
    public bool HasTlsRoot => !ReferenceEquals(TlsIssuer, Ca);

    /// <summary>What iPads and administrators' tools are to trust for TLS: the issuer of today, and the one that it can be moved to.</summary>
    public required IReadOnlyList<IdentityCertificate> Roots { get; init; }

    /// <summary>With its private key; of <see cref="TlsIssuer"/>, so that it is trusted where the server is.</summary>
    public required X509Certificate2 ProfileSigner { get; init; }

    /// <summary>By which a change is seen.</summary>
    public required SealedTlsRoot? SealedTlsRoot { get; init; }

    public required byte[] ChallengeKey { get; init; }

    /// <summary>Knows our CA and the further ones of <c>Mdm:TrustedIdentityCas</c>. The same object as long as neither changes,
    /// so that what it learned is kept.</summary>
    public required IdentityVerifier Verifier { get; init; }
}

/// <summary>The certificate authority's keys could not be had: cluster or database away, or another master key.</summary>
public sealed class AuthorityUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
