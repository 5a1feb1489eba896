using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.VirtualFleet.Enrolment;

/// <summary>Attributes and words of RFC 8894, section 3.2.1.</summary>
internal static class ScepNames
{
    public const string MessageType = "2.16.840.1.113733.1.9.2";
    public const string PkiStatus = "2.16.840.1.113733.1.9.3";
    public const string FailInfo = "2.16.840.1.113733.1.9.4";
    public const string SenderNonce = "2.16.840.1.113733.1.9.5";
    public const string RecipientNonce = "2.16.840.1.113733.1.9.6";
    public const string TransactionId = "2.16.840.1.113733.1.9.7";

    public const string CertRep = "3";
    public const string PkcsReq = "19";
    public const string RenewalReq = "17";
    public const string Success = "0";

    public static string FailReason(string? failInfo) => failInfo switch
    {
        "0" => "badAlg",
        "1" => "badMessageCheck",
        "2" => "badRequest",
        "3" => "badTime",
        "4" => "badCertId",
        _ => $"failInfo {failInfo ?? "absent"}",
    };
}

/// <summary>A PKCSReq or RenewalReq message and what its answer is checked against.</summary>
/// <param name="PublicKey">The SubjectPublicKeyInfo that a certificate is asked for.</param>
internal sealed record ScepRequest(byte[] Message, string TransactionId, byte[] SenderNonce, byte[] PublicKey)
{
    private const string ChallengePassword = "1.2.840.113549.1.9.7";
    private const int NonceBytes = 16;

    /// <summary>Long enough for any enrolment; the certificate only carries the requester's public key.</summary>
    private static readonly TimeSpan RequesterLife = TimeSpan.FromDays(1);

    /// <param name="renews">The certificate that the new one replaces: it signs, instead of one that the iPad makes for itself.</param>
    public static ScepRequest Create(ScepPayload payload, RSA key, X509Certificate2 recipient, Oid contentCipher, DateTimeOffset now,
        X509Certificate2? renews = null)
    {
        // A CSR with the challenge inside, encrypted to the server, signed.
        var subject = DistinguishedName.Build(payload.Subject);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        if (KeyUsage(payload.KeyUsage) is { } usage)
            request.CertificateExtensions.Add(new X509KeyUsageExtension(usage, critical: true));
        if (payload.Challenge is { } challenge)
            request.OtherRequestAttributes.Add(new AsnEncodedData(new Oid(ChallengePassword), DirectoryString(challenge)));
        var envelope = new EnvelopedCms(new ContentInfo(request.CreateSigningRequest()), new AlgorithmIdentifier(contentCipher));
        envelope.Encrypt(new CmsRecipient(SubjectIdentifierType.IssuerAndSerialNumber, recipient));

        using var selfSigned = renews is null
            ? new CertificateRequest(subject, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                .CreateSelfSigned(now - RequesterLife, now + RequesterLife)
            : null;
        var publicKey = key.ExportSubjectPublicKeyInfo();
        var transactionId = Convert.ToHexString(SHA256.HashData(publicKey));
        var senderNonce = RandomNumberGenerator.GetBytes(NonceBytes);
        var cms = new SignedCms(new ContentInfo(envelope.Encode()), detached: false);
        var signer = new CmsSigner(SubjectIdentifierType.IssuerAndSerialNumber, renews ?? selfSigned!)
        {
            DigestAlgorithm = new Oid("2.16.840.1.101.3.4.2.1"),
            IncludeOption = X509IncludeOption.EndCertOnly,
        };
        signer.SignedAttributes.Add(Printable(ScepNames.MessageType, renews is null ? ScepNames.PkcsReq : ScepNames.RenewalReq));
        signer.SignedAttributes.Add(Printable(ScepNames.TransactionId, transactionId));
        signer.SignedAttributes.Add(new AsnEncodedData(new Oid(ScepNames.SenderNonce), Octets(senderNonce)));
        cms.ComputeSignature(signer, silent: true);
        return new ScepRequest(cms.Encode(), transactionId, senderNonce, publicKey);
    }

    private static X509KeyUsageFlags? KeyUsage(long bits) => (bits & 5) switch
    {
        1 => X509KeyUsageFlags.DigitalSignature,
        4 => X509KeyUsageFlags.KeyEncipherment,
        5 => X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment,
        _ => null,
    };

    private static byte[] DirectoryString(string text)
    {
        var printable = text.All(c => char.IsAsciiLetterOrDigit(c) || " '()+,-./:=?".Contains(c));
        return Encode(writer => writer.WriteCharacterString(printable ? UniversalTagNumber.PrintableString : UniversalTagNumber.UTF8String, text));
    }

    private static AsnEncodedData Printable(string oid, string text) =>
        new(new Oid(oid), Encode(writer => writer.WriteCharacterString(UniversalTagNumber.PrintableString, text)));

    private static byte[] Octets(byte[] value) => Encode(writer => writer.WriteOctetString(value));

    private static byte[] Encode(Action<AsnWriter> write)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        write(writer);
        return writer.Encode();
    }
}

/// <summary>A CertRep message: who answered, to which request, with what.</summary>
internal static class ScepAnswer
{
    /// <summary>The certificate for the requester's key.</summary>
    /// <param name="key">Of the certificate that signed the request: the answer is encrypted to it.</param>
    /// <exception cref="EnrolmentException">A refusal, or an answer that does not hold.</exception>
    public static X509Certificate2 Read(MdmAnswer answer, ScepRequest request, RSA key, ScepAuthority authority)
    {
        if (answer.MediaType != "application/x-pki-message")
            throw new EnrolmentException($"The SCEP answer came as '{answer.MediaType}'.");
        try
        {
            var cms = new SignedCms();
            cms.Decode(answer.Body);
            CheckSigner(cms, authority);
            var signed = cms.SignerInfos[0].SignedAttributes;
            CheckAttributes(signed, request);
            var envelope = new EnvelopedCms();
            envelope.Decode(cms.ContentInfo.Content);
            envelope.Decrypt(envelope.RecipientInfos[0], key);
            var issued = new SignedCms();
            issued.Decode(envelope.ContentInfo.Content);
            return OwnCertificate(issued.Certificates, request, authority);
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException or ArgumentOutOfRangeException)
        {
            throw new EnrolmentException($"The SCEP answer cannot be read: {e.Message}", e);
        }
    }

    private static void CheckSigner(SignedCms cms, ScepAuthority authority)
    {
        if (cms.SignerInfos.Count != 1)
            throw new EnrolmentException($"The SCEP answer has {cms.SignerInfos.Count} signers.");
        cms.SignerInfos[0].CheckSignature(authority.All, verifySignatureOnly: true);
        var signer = cms.SignerInfos[0].Certificate;
        if (signer is null || !authority.All.Any(known => known.RawDataMemory.Span.SequenceEqual(signer.RawDataMemory.Span)))
            throw new EnrolmentException("The SCEP answer is signed by a certificate that GetCACert did not name.");
    }

    private static void CheckAttributes(CryptographicAttributeObjectCollection signed, ScepRequest request)
    {
        if (Text(signed, ScepNames.MessageType) is var type && type != ScepNames.CertRep)
            throw new EnrolmentException($"The SCEP answer is of message type {type}.");
        if (Text(signed, ScepNames.TransactionId) != request.TransactionId)
            throw new EnrolmentException("The SCEP answer belongs to another transaction.");
        if (!(Nonce(signed, ScepNames.RecipientNonce) ?? []).AsSpan().SequenceEqual(request.SenderNonce))
            throw new EnrolmentException("The SCEP answer does not repeat our nonce.");
        if (Text(signed, ScepNames.PkiStatus) is var status && status != ScepNames.Success)
            throw new EnrolmentException($"The SCEP server refused: pkiStatus {status}, {ScepNames.FailReason(Text(signed, ScepNames.FailInfo))}.");
    }

    private static X509Certificate2 OwnCertificate(X509Certificate2Collection issued, ScepRequest request, ScepAuthority authority)
    {
        var certificate = issued.FirstOrDefault(candidate =>
                candidate.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(request.PublicKey))
            ?? throw new EnrolmentException("The SCEP answer holds no certificate for our key.");
        using var chain = new X509Chain { ChainPolicy = new TrustAnchors([authority.Ca]).NewPolicy(certificate.NotBefore.ToUniversalTime().AddSeconds(1)) };
        chain.ChainPolicy.ExtraStore.AddRange(authority.All);
        // The CA need not be a root: what counts is that its key signed the identity.
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority;
        if (!chain.Build(certificate) || !chain.ChainElements.Any(element => element.Certificate.Thumbprint == authority.Ca.Thumbprint))
            throw new EnrolmentException("The identity certificate was not issued by the CA of GetCACert: "
                + string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation.Trim())));
        return certificate;
    }

    private static AsnEncodedData? Single(CryptographicAttributeObjectCollection signed, string oid) =>
        signed.Cast<CryptographicAttributeObject>().FirstOrDefault(attribute => attribute.Oid.Value == oid)?.Values is { Count: 1 } values
            ? values[0]
            : null;

    private static string? Text(CryptographicAttributeObjectCollection signed, string oid) =>
        Single(signed, oid) is { } value
            ? new AsnReader(value.RawData, AsnEncodingRules.BER).ReadCharacterString(UniversalTagNumber.PrintableString)
            : null;

    private static byte[]? Nonce(CryptographicAttributeObjectCollection signed, string oid) =>
        Single(signed, oid) is { } value ? new AsnReader(value.RawData, AsnEncodingRules.BER).ReadOctetString() : null;
}

/// <summary>The subject of a SCEP payload as a distinguished name.</summary>
internal static class DistinguishedName
{
    private static readonly Dictionary<string, string> ShortNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["CN"] = "2.5.4.3",
        ["C"] = "2.5.4.6",
        ["L"] = "2.5.4.7",
        ["ST"] = "2.5.4.8",
        ["O"] = "2.5.4.10",
        ["OU"] = "2.5.4.11",
    };

    public static X500DistinguishedName Build(IReadOnlyList<(string Type, string Value)> subject)
    {
        var builder = new X500DistinguishedNameBuilder();
        // The builder writes what was added last first; the certificate shows the payload's order.
        foreach (var (type, value) in subject.Reverse())
            builder.Add(ShortNames.GetValueOrDefault(type, type), value);
        return builder.Build();
    }
}
