namespace FleetMdm.Protocol.Identity;

/// <summary>Why a claimed identity was refused. The names are stable: logs and metrics carry them.</summary>
public enum IdentityRefusal
{
    /// <summary>No certificate and no signature.</summary>
    Missing,
    /// <summary>The header is too long, or not Base64 or URL-escaped PEM.</summary>
    BadBase64,
    /// <summary>The proxy's header is there more than once: one of them may be the sender's own.</summary>
    SeveralHeaders,
    /// <summary>Not a CMS signature or not a certificate that we can read within our bounds.</summary>
    BadCms,
    /// <summary>The signature is over another body, or of another key.</summary>
    WrongBody,
    SeveralSigners,
    UnsupportedAlgorithm,
    /// <summary>The signature says that it was made at another time than now, by more than is tolerated.</summary>
    WrongTime,
    /// <summary>Neither our CA nor a further trusted one issued the certificate.</summary>
    UntrustedIssuer,
    NotYetValid,
    /// <summary>Expired for longer than the grace period.</summary>
    Expired,
    /// <summary>A certificate of a trusted CA that is not for identifying a client.</summary>
    WrongUsage,
}

/// <summary>Hostile or broken identity input. The message says what was wrong and carries no secret.</summary>
public sealed class IdentityException(IdentityRefusal refusal, string message, Exception? inner = null) : Exception(message, inner)
{
    public IdentityRefusal Refusal { get; } = refusal;
}
