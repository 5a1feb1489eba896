namespace FleetMdm.Protocol.Identity;

/// <summary>messageType of RFC 8894, 3.2.1.2, as far as a server receives them.</summary>
public enum ScepMessageType
{
    RenewalReq = 17,
    PkcsReq = 19,
    CertPoll = 20,
    GetCert = 21,
    GetCrl = 22,
}

/// <summary>failInfo of RFC 8894, 3.2.1.4.</summary>
public enum ScepFailInfo
{
    BadAlg = 0,
    BadMessageCheck = 1,
    BadRequest = 2,
    BadTime = 3,
    BadCertId = 4,
}

/// <summary>A SCEP request that is answered with FAILURE.</summary>
public sealed class ScepException(ScepFailInfo failInfo, string message, Exception? inner = null) : Exception(message, inner)
{
    public ScepFailInfo FailInfo { get; } = failInfo;
}

/// <summary>
/// A pkiMessage as far as it can be read without any key: enough to address an answer. Nothing in it is proved before
/// <see cref="ScepResponder.Open"/>.
/// </summary>
public sealed class ScepRequest
{
    internal ScepRequest(CmsSignedData cms, int messageType, string transactionId, byte[] senderNonce)
    {
        Cms = cms;
        MessageType = (ScepMessageType)messageType;
        TransactionId = transactionId;
        SenderNonce = senderNonce;
    }

    /// <summary>May be a number that the enumeration does not name.</summary>
    public ScepMessageType MessageType { get; }

    /// <summary>The requester's own name for this exchange, at most 255 characters.</summary>
    public string TransactionId { get; }

    public byte[] SenderNonce { get; }

    /// <summary>Self-signed for a first request, the certificate to be renewed for a renewal.</summary>
    public IdentityCertificate Signer => Cms.Signer;

    /// <summary>SHA-256 of what the requester signed, of the signature and of the signer's certificate: the same for a message in which only something else was changed.</summary>
    public byte[] HashOfSigned() => Cms.HashOfSigned();

    internal CmsSignedData Cms { get; }

    /// <summary>The cipher that the requester chose and that the answer uses too; null before it is known.</summary>
    internal string? ContentCipher { get; set; }
}
