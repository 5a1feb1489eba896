namespace FleetMdm.Protocol.Push;

/// <summary>What is wrong with an uploaded push certificate. The names are shown to administrators' programs: never rename.</summary>
public enum PushCertificateProblem
{
    /// <summary>Neither PEM nor PKCS#12, or damaged.</summary>
    Unreadable,
    NoCertificate,
    NoPrivateKey,
    PasswordNeeded,
    WrongPassword,
    /// <summary>The password protection asks for more work than any honest tool's.</summary>
    TooMuchWork,
    /// <summary>The private key belongs to another certificate.</summary>
    KeyDoesNotMatch,
    /// <summary>Neither RSA nor EC.</summary>
    UnsupportedKey,
    /// <summary>The subject has no UID, so it is not a certificate from Apple's push certificate portal.</summary>
    NoTopic,
    /// <summary>The UID is not an MDM topic: a push certificate of an app.</summary>
    NotAnMdmTopic,
    Expired,
    NotYetValid,
}

/// <summary>An uploaded push certificate cannot be used.</summary>
/// <param name="problem">What is wrong, for programs.</param>
/// <param name="message">What is wrong and what to do, for people. Holds nothing secret.</param>
public sealed class PushCertificateException(PushCertificateProblem problem, string message, Exception? inner = null)
    : Exception(message, inner)
{
    public PushCertificateProblem Problem { get; } = problem;
}
