namespace FleetMdm.Grains.Interfaces;

/// <summary>The push certificate of this server (key: <see cref="Key"/>): what lets it wake iPads by APNs.</summary>
[Alias("fleetmdm.push-certificate")]
public interface IPushCertificateGrain : IGrainWithStringKey
{
    /// <summary>The only key: a server has one push certificate.</summary>
    const string Key = "mdm";

    /// <summary>The certificate and how it stands; null when none is installed. Never its key.</summary>
    [Alias("Describe")]
    Task<PushCertificateDescription?> Describe();

    /// <summary>Checks and stores a certificate with its key; the senders use it from then on, without a restart. Repeating
    /// it changes nothing. A certificate with another topic is refused while iPads depend on the present one.</summary>
    [Alias("Install")]
    Task<PushCertificateInstalled> Install(PushCertificateUpload upload);

    /// <summary>For senders: the certificate with its key sealed under the master key.</summary>
    /// <param name="knownVersion">What the caller has; 0 for nothing.</param>
    /// <returns>Null when nothing newer is installed.</returns>
    [Alias("GetSealed")]
    Task<SealedPushCertificate?> GetSealed(long knownVersion);

    /// <summary>Makes a key, which stays here, and a request for a certificate of it; one that stands is given back.</summary>
    /// <param name="anew">True: the request that stands is thrown away, and a certificate that Apple makes from it is of no use.</param>
    [Alias("BeginRequest")]
    Task<PushCertificateRequest> BeginRequest(bool anew);

    /// <summary>The request that stands; null when there is none, or its certificate was installed.</summary>
    [Alias("FindRequest")]
    Task<PushCertificateRequest?> FindRequest();

    /// <summary>A sender says whether APNs takes the certificate.</summary>
    /// <param name="version">Which certificate; another than the present one is ignored.</param>
    /// <param name="refusal">APNs' reason for refusing it; null when it takes it again.</param>
    [Alias("ReportStanding")]
    Task ReportStanding(long version, string? refusal);

    /// <summary>A sender says whether APNs answers it.</summary>
    /// <param name="unansweredAt">When it gave a push up since APNs did not answer; null when APNs answers again.</param>
    [Alias("ReportAnswers")]
    Task ReportAnswers(DateTimeOffset? unansweredAt);
}

/// <summary>An upload.</summary>
/// <param name="Content">PEM (certificate and key) or PKCS#12; which of them is seen from the content.</param>
/// <param name="Password">Of the PKCS#12 file or the encrypted PEM key.</param>
/// <param name="Force">Install even if iPads depend on another topic: they can never be woken again, and must enrol anew.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.push-certificate-upload")]
public sealed record PushCertificateUpload(
    [property: Id(0)] byte[] Content,
    [property: Id(1)] string? Password,
    [property: Id(2)] bool Force)
{
    /// <summary>Without content and password.</summary>
    public override string ToString() => $"PushCertificateUpload {{ Force = {Force} }}";
}

public enum PushCertificateOutcome : byte
{
    Installed = 0,
    /// <summary>It has another topic than the present one, and iPads depend on that. Nothing was changed.</summary>
    TopicChanged = 1,
    /// <summary>It cannot be used; the problem says why. Nothing was changed.</summary>
    Invalid = 2,
}

/// <param name="Certificate">Installed: the certificate. TopicChanged: the present one. Invalid: null.</param>
/// <param name="Dependants">How many iPads depend on the topic of the certificate that was there before.</param>
/// <param name="Problem">A sentence for people; null when installed.</param>
/// <param name="ProblemCode">A stable name of what is wrong, as <c>WrongPassword</c> or <c>Expired</c>; null when installed.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.push-certificate-installed")]
public sealed record PushCertificateInstalled(
    [property: Id(0)] PushCertificateOutcome Outcome,
    [property: Id(1)] PushCertificateDescription? Certificate,
    [property: Id(2)] long Dependants,
    [property: Id(3)] string? Problem,
    [property: Id(4)] string? ProblemCode);

/// <summary>A request for a push certificate. Its key is kept by the server, sealed, until the certificate comes.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.push-certificate-request")]
public sealed record PushCertificateRequest
{
    [Id(0)] public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>PKCS#10 in PEM: for whoever signs it with an MDM vendor certificate of Apple's.</summary>
    [Id(1)] public required string Pem { get; init; }
    /// <summary>Signed by the vendor certificate of this server (<c>Push:VendorCertificateFile</c>): what Apple's portal takes. Null: it has none.</summary>
    [Id(2)] public string? Signed { get; init; }
}

/// <summary>How a push certificate stands.</summary>
public enum PushCertificateStanding : byte
{
    Good = 0,
    /// <summary>It expires within 30 days: renew it with the same Apple Account.</summary>
    ExpiresSoon = 1,
    /// <summary>iPads are not woken any more until it is renewed.</summary>
    Expired = 2,
    /// <summary>APNs refuses it (revoked, or not a push certificate); see <see cref="PushCertificateDescription.Refusal"/>.</summary>
    Refused = 3,
}

[GenerateSerializer, Immutable, Alias("fleetmdm.push-certificate-description")]
public sealed record PushCertificateDescription
{
    /// <summary>Grows with each certificate that is installed.</summary>
    [Id(0)] public required long Version { get; init; }
    /// <summary><c>com.apple.mgmt.…</c>: what enrolment profiles name, and what iPads depend on.</summary>
    [Id(1)] public required string Topic { get; init; }
    [Id(2)] public required string Subject { get; init; }
    /// <summary>Hexadecimal.</summary>
    [Id(3)] public required string SerialNumber { get; init; }
    [Id(4)] public required DateTimeOffset NotBefore { get; init; }
    [Id(5)] public required DateTimeOffset NotAfter { get; init; }
    [Id(6)] public required DateTimeOffset InstalledAt { get; init; }
    [Id(7)] public required PushCertificateStanding Standing { get; init; }
    /// <summary>APNs' reason when it refuses the certificate; null otherwise.</summary>
    [Id(8)] public string? Refusal { get; init; }
    /// <summary>When a push was last given up since APNs did not answer, and none was answered since; null: pushes are answered.</summary>
    [Id(9)] public DateTimeOffset? UnansweredAt { get; init; }
}

/// <summary>A push certificate on its way to a sender.</summary>
/// <param name="Certificate">DER.</param>
/// <param name="SealedKey">PKCS#8, sealed under the master key for the purpose <see cref="KeyPurpose"/>.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.sealed-push-certificate")]
public sealed record SealedPushCertificate(
    [property: Id(0)] long Version,
    [property: Id(1)] byte[] Certificate,
    [property: Id(2)] byte[] SealedKey)
{
    public const string KeyPurpose = "push-certificate-key/mdm";
}
