using System.Formats.Asn1;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Protocol.Identity;

/// <summary>
/// The server's side of SCEP (RFC 8894): reads pkiMessages and writes CertRep. Whether a certificate is given, and which, is
/// the caller's decision.
/// </summary>
/// <remarks>
/// <code>
/// 1. Read     who asks, under which transaction     IdentityException: answer 400, there is nobody to answer to
/// 2. Open     signature, envelope, CSR              ScepException: answer Failure
/// 3. Success or Failure                             the bytes of the answer
/// </code>
/// Immutable; safe for several threads.
/// </remarks>
public sealed class ScepResponder : IDisposable
{
    /// <summary>A request with an 8,192-bit key, its self-signed certificate and the envelope stays below 16 KiB.</summary>
    public const int MaxMessageBytes = 64 * 1024;

    public const string MessageContentType = "application/x-pki-message";
    public const string CaCertificatesContentType = "application/x-x509-ca-ra-cert";
    public const string CaCertificateContentType = "application/x-x509-ca-cert";

    private const int MaxTransactionIdLength = 255;
    private const int MaxNonceBytes = 64;

    private const string CertRep = "3";
    private const string StatusSuccess = "0";
    private const string StatusFailure = "2";

    private readonly IdentityCertificate _ca;
    private readonly List<(IdentityCertificate Certificate, X509Certificate2 Key)> _recipients;
    private readonly bool _allowLegacy;

    /// <param name="ca">Given out by GetCACert.</param>
    /// <param name="registrationAuthorities">The current one first, which signs; then predecessors whose envelopes are still opened.</param>
    /// <param name="allowLegacy">Take DES and MD5 from requesters.</param>
    public ScepResponder(IdentityCertificate ca, IReadOnlyList<KeyedCertificate> registrationAuthorities, bool allowLegacy = false)
    {
        _ca = ca;
        _allowLegacy = allowLegacy;
        _recipients = [.. registrationAuthorities.Select(ra => (IdentityCertificate.Parse(ra.Certificate), ra.Open()))];
    }

    /// <summary>SHA-1 is no danger here: the requester signs for himself, and what lets him in is the challenge, inside the envelope.</summary>
    private WeakestHash Weakest => _allowLegacy ? WeakestHash.Md5 : WeakestHash.Sha1;

    public void Dispose()
    {
        foreach (var (_, key) in _recipients)
            key.Dispose();
    }

    /// <summary>What GetCACaps answers, which is what clients should use: SHA-1 is taken but not named. One capability a line (RFC 8894, 3.5.2). SHA-384 is true though not in the RFC's list:
    /// strongSwan before 5.9.9 finds AES and Renewal only beside it.</summary>
    public string Capabilities => string.Join('\n', (string[])
    [
        "AES", "DES3", "SHA-256", "SHA-384", "SHA-512",
        "POSTPKIOperation", "Renewal", "SCEPStandard", "",
    ]);

    /// <summary>What GetCACert answers: the RA's and the CA's certificate as certs-only CMS. They are a SET in DER, so they stand in the order of
    /// their bytes; which is which says their basicConstraints.</summary>
    public byte[] CaCertificates() => CmsWriter.CertificatesOnly([_recipients[0].Certificate.Der, _ca.Der]);

    /// <exception cref="IdentityException">The message says too little for an answer.</exception>
    public ScepRequest Read(ReadOnlyMemory<byte> message)
    {
        if (message.Length > MaxMessageBytes)
            throw new IdentityException(IdentityRefusal.BadCms, $"The SCEP message is longer than {MaxMessageBytes} bytes.");
        var cms = CmsSignedData.Parse(message);
        try
        {
            var type = Text(cms, Oids.ScepMessageType, "messageType");
            var transaction = Text(cms, Oids.ScepTransactionId, "transactionID");
            var nonce = new AsnReader(Value(cms, Oids.ScepSenderNonce, "senderNonce"), AsnEncodingRules.DER).ReadOctetString();
            if (!int.TryParse(type, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                throw new IdentityException(IdentityRefusal.BadCms, "The SCEP message's messageType is not a number.");
            if (transaction.Length is 0 or > MaxTransactionIdLength || nonce.Length is 0 or > MaxNonceBytes)
                throw new IdentityException(IdentityRefusal.BadCms, "The SCEP message's transactionID or senderNonce is empty or too long.");
            return new ScepRequest(cms, number, transaction, nonce);
        }
        catch (AsnContentException e)
        {
            throw new IdentityException(IdentityRefusal.BadCms, "A signed attribute of the SCEP message is broken.", e);
        }
    }

    private static ReadOnlyMemory<byte> Value(CmsSignedData cms, string oid, string name) =>
        cms.Attribute(oid) ?? throw new IdentityException(IdentityRefusal.BadCms, $"The SCEP message has no {name}.");

    private static string Text(CmsSignedData cms, string oid, string name) =>
        new AsnReader(Value(cms, oid, name), AsnEncodingRules.DER).ReadCharacterString(UniversalTagNumber.PrintableString);

    /// <summary>Checks the message's signature, opens its envelope and checks the request inside.</summary>
    /// <exception cref="ScepException">Answer with <see cref="Failure"/>.</exception>
    public CertificateSigningRequest Open(ScepRequest request)
    {
        // Before any of it costs something; and before anything is issued that could not be delivered.
        if (request.Signer.Key.Kind != KeyKind.Rsa)
            throw new ScepException(ScepFailInfo.BadAlg, "SCEP answers are encrypted to the requester: sign the request with an RSA key.");
        if (request.Signer.Key.Bits is < CertificateSigningRequest.MinRsaBits or > CertificateSigningRequest.MaxRsaBits)
            throw new ScepException(ScepFailInfo.BadAlg,
                $"The request is signed with an RSA key of {request.Signer.Key.Bits} bits: it must have {CertificateSigningRequest.MinRsaBits} to {CertificateSigningRequest.MaxRsaBits}.");
        try
        {
            request.Cms.CheckSignature(request.Cms.Content, Weakest);
        }
        catch (IdentityException e)
        {
            throw new ScepException(e.Refusal == IdentityRefusal.UnsupportedAlgorithm ? ScepFailInfo.BadAlg : ScepFailInfo.BadMessageCheck, e.Message, e);
        }
        switch (request.MessageType)
        {
            case ScepMessageType.PkcsReq or ScepMessageType.RenewalReq:
                break;
            case ScepMessageType.CertPoll:
                // Every request is answered at once, so there is never one to come back for.
                throw new ScepException(ScepFailInfo.BadCertId, "There is no pending request of this transaction.");
            default:
                throw new ScepException(ScepFailInfo.BadRequest, $"Messages of type {(int)request.MessageType} are not served.");
        }
        var (content, cipher) = ScepEnvelope.Open(request.Cms.Content, _recipients, _allowLegacy);
        request.ContentCipher = cipher;
        try
        {
            return CertificateSigningRequest.Parse(content, Weakest);
        }
        catch (IdentityException e)
        {
            var failInfo = e.Refusal switch
            {
                IdentityRefusal.UnsupportedAlgorithm => ScepFailInfo.BadAlg,
                IdentityRefusal.WrongBody => ScepFailInfo.BadMessageCheck,
                _ => ScepFailInfo.BadRequest,
            };
            throw new ScepException(failInfo, e.Message, e);
        }
    }

    /// <summary>CertRep with the certificate, encrypted to the requester with the cipher that it used itself.</summary>
    /// <exception cref="ScepException">The requester's key cannot be encrypted to: answer with <see cref="Failure"/>.</exception>
    public byte[] Success(ScepRequest request, ReadOnlyMemory<byte> certificate)
    {
        var envelope = ScepEnvelope.Seal(CmsWriter.CertificatesOnly([certificate]), request.ContentCipher ?? Oids.Aes256Cbc, request.Signer);
        return Sign(envelope, request, StatusSuccess, null);
    }

    /// <summary>CertRep that says why not. It has no content (RFC 8894, 3.3.2.2).</summary>
    public byte[] Failure(ScepRequest request, ScepFailInfo failInfo) =>
        Sign(null, request, StatusFailure, ((int)failInfo).ToString(CultureInfo.InvariantCulture));

    private byte[] Sign(byte[]? content, ScepRequest request, string status, string? failInfo)
    {
        var attributes = new List<(string, byte[])>
        {
            (Oids.ScepTransactionId, Text(request.TransactionId)),
            (Oids.ScepMessageType, Text(CertRep)),
            (Oids.ScepPkiStatus, Text(status)),
            (Oids.ScepRecipientNonce, Octets(request.SenderNonce)),
            (Oids.ScepSenderNonce, Octets(RandomNumberGenerator.GetBytes(16))),
        };
        if (failInfo is not null)
            attributes.Add((Oids.ScepFailInfo, Text(failInfo)));
        return CmsWriter.Sign(content, _recipients[0].Certificate, _recipients[0].Key, attributes);
    }

    private static byte[] Text(string value)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteCharacterString(UniversalTagNumber.PrintableString, value);
        return writer.Encode();
    }

    private static byte[] Octets(byte[] value)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteOctetString(value);
        return writer.Encode();
    }
}
