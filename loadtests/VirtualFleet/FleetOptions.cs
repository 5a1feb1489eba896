using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.Enrolment;

namespace FleetMdm.VirtualFleet;

/// <summary>How an iPad proves who it is.</summary>
public enum IdentityPresentation
{
    /// <summary>The <c>Mdm-Signature</c> header when the profile says SignMessage, else the TLS client certificate.</summary>
    AsProfileSays,
    /// <summary>The TLS client certificate, whatever the profile says. Every iPad then has connections of its own.</summary>
    TlsClientCertificate,
    /// <summary>A proxy in front of the server ended TLS and tells the certificate in a header.</summary>
    TrustedProxy,
}

public enum ProxyHeaderFormat
{
    /// <summary>RFC 9440: the DER in Base64 between colons.</summary>
    Rfc9440,
    /// <summary>nginx's <c>$ssl_client_escaped_cert</c>: PEM, URL-escaped.</summary>
    EscapedPem,
}

/// <summary>The simulated proxy: what it calls its header, and where the server behind it listens.</summary>
/// <param name="Backend">Scheme and authority that replace those of every URL.</param>
public sealed record SimulatedProxy(string HeaderName, ProxyHeaderFormat Format, Uri Backend);

/// <summary>How a fleet behaves. Times are those of <see cref="Time"/>.</summary>
public sealed record FleetOptions
{
    /// <summary>What the iPads trust: of the server's certificate and of the profile's signature.</summary>
    public required TrustAnchors Trust { get; init; }

    /// <summary>Where the iPads get their push tokens and their pushes. Null: no push reaches them, they connect when told to.</summary>
    public ApnsSimulator? Apns { get; init; }

    /// <summary>Who has which licence: an app that is installed by one needs it. Null: every iPad has all of them.</summary>
    public AppsAndBooksSimulator? AppsAndBooks { get; init; }

    public IdentityPresentation Identity { get; init; } = IdentityPresentation.AsProfileSays;

    /// <summary>For <see cref="IdentityPresentation.TrustedProxy"/>.</summary>
    public SimulatedProxy? Proxy { get; init; }

    /// <summary>Who gave the iPads their device certificates. Null: a factory that no server knows.</summary>
    public DeviceAuthority? Factory { get; init; }

    /// <summary>Who attests for the iPads. Null: servers that no server knows.</summary>
    public AttestationAuthority? Attestation { get; init; }

    public KeySource Keys { get; init; } = KeySource.Fresh;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Requests of all iPads together at one moment; more wait their turn.</summary>
    public int MaxConcurrentRequests { get; init; } = 64;

    /// <summary>Enrolments of <c>IPadFleet.EnrolAllAsync</c> at one moment.</summary>
    public int MaxConcurrentEnrolments { get; init; } = 16;

    /// <summary>1.1 or 2.0; iOS takes what the server prefers.</summary>
    public Version HttpVersion { get; init; } = System.Net.HttpVersion.Version11;

    /// <summary>iOS gives a request 60 seconds.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The first wait after a failure without Retry-After; it doubles up to <see cref="LongestRetry"/>. Apple documents none.</summary>
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan LongestRetry { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A server's Retry-After beyond this is cut short: a test has less patience than an iPad. Null: it is obeyed.</summary>
    public TimeSpan? LongestRetryAfter { get; init; }

    /// <summary>From when an app or an update is asked for until it is there.</summary>
    public TimeSpan DownloadTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long an iPad without a passcode is away when it restarts.</summary>
    public TimeSpan RestartTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Entries, and records of commands, that each iPad's journal holds.</summary>
    public int JournalCapacity { get; init; } = 512;
}
