namespace FleetMdm.Protocol.Attestation;

/// <summary>What was wrong with a request of ACME; the names are those of RFC 8555, section 6.7, and of draft-ietf-acme-device-attest.</summary>
public enum AcmeProblem
{
    Malformed,
    BadNonce,
    BadSignatureAlgorithm,
    BadPublicKey,
    AccountDoesNotExist,
    Unauthorized,
    RejectedIdentifier,
    UnsupportedIdentifier,
    BadAttestationStatement,
    BadCsr,
    OrderNotReady,
    ServerInternal,
}

/// <summary>A request of ACME that is refused. The message is for whoever sent it, and holds no secret.</summary>
public sealed class AcmeException(AcmeProblem problem, string message, Exception? inner = null) : Exception(message, inner)
{
    public AcmeProblem Problem { get; } = problem;

    /// <summary>As it stands in a problem document.</summary>
    public static string TypeOf(AcmeProblem problem) => "urn:ietf:params:acme:error:" + problem switch
    {
        AcmeProblem.BadCsr => "badCSR",
        _ => char.ToLowerInvariant(problem.ToString()[0]) + problem.ToString()[1..],
    };
}
