using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;

namespace FleetMdm.Protocol.Identity;

/// <summary>
/// A PKCS #10 request (RFC 2986) whose requester proved to have the private key. Only its key and its challenge are taken: the name and the
/// extensions that it asks for are the CA's to decide, not the requester's.
/// </summary>
public sealed class CertificateSigningRequest
{
    public const int MinRsaBits = 2048;

    /// <summary>A longer key makes each of its signatures dear for the server, and no iPad has one.</summary>
    public const int MaxRsaBits = 4096;

    /// <summary>What every client of today takes. Small ones (3, 17) turn other people's mistakes in padding into forgeries (NIST SP 800-56B, 6.2).</summary>
    public const uint MinRsaExponent = 65537;

    /// <summary>PKCS #9 allows 255; a request with more holds no challenge of ours.</summary>
    private const int MaxChallengeLength = 512;

    private static readonly Asn1Tag Attributes = new(TagClass.ContextSpecific, 0, isConstructed: true);

    private CertificateSigningRequest(ReadOnlyMemory<byte> publicKeyInfo, VerificationKey key, string? challenge)
    {
        PublicKeyInfo = publicKeyInfo;
        Challenge = challenge;
        IsRsa = key.Kind == KeyKind.Rsa;
        PublicKeySha256 = SHA256.HashData(publicKeyInfo.Span);
    }

    /// <summary>Encoded SubjectPublicKeyInfo: RSA of 2,048 to 4,096 bits with an exponent from 65,537, or EC on P-256, P-384 or P-521.</summary>
    public ReadOnlyMemory<byte> PublicKeyInfo { get; }

    public byte[] PublicKeySha256 { get; }

    public bool IsRsa { get; }

    /// <summary>The challengePassword attribute; a secret. Null when there is none.</summary>
    public string? Challenge { get; }

    /// <exception cref="IdentityException">BadCms: not a request; UnsupportedAlgorithm: key or signature; WrongBody: no proof of possession.</exception>
    public static CertificateSigningRequest Parse(ReadOnlyMemory<byte> der, WeakestHash weakest = WeakestHash.Sha1)
    {
        BerGuard.Check(der.Span);
        try
        {
            return Read(der, weakest);
        }
        catch (AsnContentException e)
        {
            throw new IdentityException(IdentityRefusal.BadCms, "Not a certificate signing request.", e);
        }
    }

    private static CertificateSigningRequest Read(ReadOnlyMemory<byte> der, WeakestHash weakest)
    {
        var request = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
        var signed = request.PeekEncodedValue();
        var info = request.ReadSequence();
        var algorithm = SignatureAlgorithm.Of(SignatureAlgorithm.ReadOid(request));
        var signature = SignatureAlgorithm.ReadSignature(request);

        info.ReadInteger();
        info.ReadSequence();
        var publicKeyInfo = info.ReadEncodedValue();
        var key = VerificationKey.Parse(publicKeyInfo);
        if (key is { Kind: KeyKind.Rsa, Bits: < MinRsaBits or > MaxRsaBits })
            throw new IdentityException(IdentityRefusal.UnsupportedAlgorithm,
                $"An RSA key of {key.Bits} bits is not certified: it must have {MinRsaBits} to {MaxRsaBits}.");
        if (key is { Kind: KeyKind.Rsa, Exponent: < MinRsaExponent })
            throw new IdentityException(IdentityRefusal.UnsupportedAlgorithm,
                $"An RSA key with the public exponent {key.Exponent} is not certified: it must be {MinRsaExponent} or larger.");
        if (algorithm.IsWeakerThan(weakest))
            throw new IdentityException(IdentityRefusal.UnsupportedAlgorithm, $"Requests signed with {algorithm.Hash} are not accepted.");
        if (!key.Verify(CryptographicOperations.HashData(algorithm.Hash, signed.Span), algorithm, signature))
            throw new IdentityException(IdentityRefusal.WrongBody, "The request was not signed with the key that it asks a certificate for.");
        return new CertificateSigningRequest(publicKeyInfo.ToArray(), key, ReadChallenge(info));
    }

    private static string? ReadChallenge(AsnReader info)
    {
        if (!info.HasData)
            return null;
        string? challenge = null;
        for (var set = info.ReadSetOf(skipSortOrderValidation: true, Attributes); set.HasData;)
        {
            var attribute = set.ReadSequence();
            if (attribute.ReadObjectIdentifier() != Oids.ChallengePassword)
                continue;
            if (challenge is not null)
                throw new IdentityException(IdentityRefusal.BadCms, "The request has two challenges.");
            challenge = ReadText(attribute.ReadSetOf());
        }
        return challenge;
    }

    /// <summary>Any string type, without its character rules: clients put what they were given into a PrintableString.</summary>
    private static string ReadText(AsnReader values)
    {
        var encoded = values.ReadEncodedValue();
        AsnDecoder.ReadEncodedValue(encoded.Span, AsnEncodingRules.DER, out var offset, out var length, out _);
        var bytes = encoded.Span.Slice(offset, length);
        if (bytes.Length > MaxChallengeLength)
            throw new IdentityException(IdentityRefusal.BadCms, $"The challenge is longer than {MaxChallengeLength} bytes.");
        var tag = Asn1Tag.Decode(encoded.Span, out _);
        return tag.HasSameClassAndValue(new Asn1Tag(UniversalTagNumber.BMPString))
            ? Encoding.BigEndianUnicode.GetString(bytes)
            : Encoding.UTF8.GetString(bytes);
    }
}
