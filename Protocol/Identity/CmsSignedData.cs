using System.Formats.Asn1;
using System.Security.Cryptography;

namespace FleetMdm.Protocol.Identity;

/// <summary>
/// A CMS SignedData (RFC 5652, 5) of exactly one signer whose certificate is inside, read from a stranger's bytes.
/// </summary>
/// <remarks>
/// Reading and checking are two steps, so that the caller can refuse an untrusted certificate before any public key is used.
/// <c>SignedCms</c> does both at once and loads the certificate into the platform's store: measured 5 to 10 times as dear
/// (loadtests/Benchmarks, SignatureBenchmarks).
/// </remarks>
internal sealed class CmsSignedData
{
    private const int MaxCertificates = 8;
    private const int MaxAttributes = 32;

    private static readonly Asn1Tag Context0 = new(TagClass.ContextSpecific, 0, isConstructed: true);
    private static readonly Asn1Tag Context1 = new(TagClass.ContextSpecific, 1, isConstructed: true);
    private static readonly Asn1Tag SubjectKeyIdentifier = new(TagClass.ContextSpecific, 0);

    private ReadOnlyMemory<byte> _issuer;
    private ReadOnlyMemory<byte> _serialNumber;
    private ReadOnlyMemory<byte>? _keyIdentifier;
    private string _digestOid = "";
    private string _signatureOid = "";
    private string _contentType = "";
    private byte[]? _signedAttributes;
    private byte[] _signature = [];
    private readonly Dictionary<string, ReadOnlyMemory<byte>> _attributes = [];

    private CmsSignedData()
    {
    }

    /// <summary>Null when the signature is detached.</summary>
    public byte[]? Content { get; private set; }

    /// <summary>The signer's certificate; nothing is said about who issued it.</summary>
    public IdentityCertificate Signer { get; private set; } = null!;

    /// <summary>The only value, encoded, of a signed attribute; null when it is not there.</summary>
    public ReadOnlyMemory<byte>? Attribute(string oid) => _attributes.TryGetValue(oid, out var value) ? value : default(ReadOnlyMemory<byte>?);

    /// <summary>What is signed, with the digest of the content in it; empty when the content itself is.</summary>
    public ReadOnlyMemory<byte> SignedAttributes => _signedAttributes;

    /// <summary>When the signer says that it signed; null when it does not say.</summary>
    /// <exception cref="IdentityException">BadCms: not a time.</exception>
    public DateTimeOffset? SigningTime
    {
        get
        {
            if (Attribute(Oids.SigningTime) is not { } value)
                return null;
            try
            {
                return IdentityCertificate.ReadTime(new AsnReader(value, AsnEncodingRules.BER));
            }
            catch (AsnContentException e)
            {
                throw new IdentityException(IdentityRefusal.BadCms, "The signing time is not a time.", e);
            }
        }
    }

    /// <param name="cms">BER; kept, not copied.</param>
    /// <param name="known">Certificates that need not be parsed again.</param>
    /// <exception cref="IdentityException">BadCms, SeveralSigners, UnsupportedAlgorithm.</exception>
    public static CmsSignedData Parse(ReadOnlyMemory<byte> cms, KnownIdentities? known = null)
    {
        BerGuard.Check(cms.Span);
        try
        {
            var parsed = new CmsSignedData();
            parsed.Read(new AsnReader(cms, AsnEncodingRules.BER), known);
            return parsed;
        }
        catch (AsnContentException e)
        {
            throw new IdentityException(IdentityRefusal.BadCms, "Not a CMS signature.", e);
        }
    }

    private void Read(AsnReader outer, KnownIdentities? known)
    {
        var info = outer.ReadSequence();
        if (info.ReadObjectIdentifier() != Oids.SignedData)
            throw new IdentityException(IdentityRefusal.BadCms, "The CMS message is not SignedData.");
        var data = info.ReadSequence(Context0).ReadSequence();
        data.ReadInteger();
        data.ReadSetOf(skipSortOrderValidation: true);

        var content = data.ReadSequence();
        _contentType = content.ReadObjectIdentifier();
        if (content.HasData)
            Content = content.ReadSequence(Context0).ReadOctetString();

        var certificates = new List<ReadOnlyMemory<byte>>();
        if (data.HasData && data.PeekTag().HasSameClassAndValue(Context0))
        {
            for (var set = data.ReadSetOf(skipSortOrderValidation: true, Context0); set.HasData;)
            {
                if (certificates.Count == MaxCertificates)
                    throw new IdentityException(IdentityRefusal.BadCms, $"The CMS message has more than {MaxCertificates} certificates.");
                certificates.Add(set.ReadEncodedValue());
            }
        }
        if (data.HasData && data.PeekTag().HasSameClassAndValue(Context1))
            data.ReadEncodedValue();

        var signers = data.ReadSetOf(skipSortOrderValidation: true);
        if (!signers.HasData)
            throw new IdentityException(IdentityRefusal.BadCms, "The CMS message has no signer.");
        ReadSigner(signers.ReadSequence());
        if (signers.HasData)
            throw new IdentityException(IdentityRefusal.SeveralSigners, "The CMS message has more than one signer.");

        Signer = FindSigner(certificates, known);
    }

    private void ReadSigner(AsnReader signer)
    {
        signer.ReadInteger();
        if (signer.PeekTag().HasSameClassAndValue(SubjectKeyIdentifier))
        {
            _keyIdentifier = signer.ReadOctetString(SubjectKeyIdentifier);
        }
        else
        {
            var id = signer.ReadSequence();
            _issuer = id.ReadEncodedValue();
            _serialNumber = id.ReadIntegerBytes();
        }
        _digestOid = SignatureAlgorithm.ReadOid(signer);
        if (signer.PeekTag().HasSameClassAndValue(Context0))
        {
            // The signature is over the attributes as a SET OF, not as the [0] that stands here (RFC 5652, 5.4).
            _signedAttributes = signer.PeekEncodedValue().ToArray();
            _signedAttributes[0] = 0x31;
            ReadAttributes(signer.ReadSetOf(skipSortOrderValidation: true, Context0));
        }
        _signatureOid = SignatureAlgorithm.ReadOid(signer);
        _signature = signer.ReadOctetString();
    }

    private void ReadAttributes(AsnReader set)
    {
        while (set.HasData)
        {
            var attribute = set.ReadSequence();
            var oid = attribute.ReadObjectIdentifier();
            var values = attribute.ReadSetOf(skipSortOrderValidation: true);
            var value = values.ReadEncodedValue();
            // Two values, or the attribute twice, would leave it to the reader which of them was meant.
            if (values.HasData || _attributes.Count == MaxAttributes || !_attributes.TryAdd(oid, value))
                throw new IdentityException(IdentityRefusal.BadCms, "The signed attributes are ambiguous or too many.");
        }
    }

    private IdentityCertificate FindSigner(List<ReadOnlyMemory<byte>> certificates, KnownIdentities? known)
    {
        foreach (var der in certificates)
        {
            // A CMS message may carry other kinds of certificates, with tags of their own.
            if (der.Span[0] != 0x30)
                continue;
            if (der.Length > IdentityCertificate.MaxBytes)
                throw new IdentityException(IdentityRefusal.BadCms, $"A certificate is longer than {IdentityCertificate.MaxBytes} bytes.");
            var sha256 = SHA256.HashData(der.Span);
            var certificate = known?.Find(sha256)?.Certificate;
            if (certificate is null)
            {
                // The bytes of a header live as long as its request; a certificate may live longer, so it gets its own.
                certificate = certificates.Count == 1 || Matches(der)
                    ? IdentityCertificate.Parse(der.ToArray(), sha256)
                    : null;
            }
            if (certificate is not null && Matches(certificate))
                return certificate;
        }
        throw new IdentityException(IdentityRefusal.BadCms, "The signer's certificate is not in the CMS message.");
    }

    /// <summary>A cheap look before parsing: a chain's other certificates may have keys that we do not support.</summary>
    private bool Matches(ReadOnlyMemory<byte> der)
    {
        if (_keyIdentifier is not null)
            return true;
        var tbs = new AsnReader(der, AsnEncodingRules.DER).ReadSequence().ReadSequence();
        if (tbs.PeekTag().HasSameClassAndValue(Context0))
            tbs.ReadEncodedValue();
        return tbs.ReadIntegerBytes().Span.SequenceEqual(_serialNumber.Span);
    }

    private bool Matches(IdentityCertificate certificate) => _keyIdentifier is { } identifier
        ? certificate.KeyIdentifier is { } own && own.Span.SequenceEqual(identifier.Span)
        : certificate.SerialNumber.Span.SequenceEqual(_serialNumber.Span) && certificate.Issuer.Span.SequenceEqual(_issuer.Span);

    /// <summary>Ends when the signer's key made this signature over <paramref name="content"/>.</summary>
    /// <exception cref="IdentityException">WrongBody, UnsupportedAlgorithm, BadCms.</exception>
    public void CheckSignature(ReadOnlySpan<byte> content, WeakestHash weakest)
    {
        var algorithm = SignatureAlgorithm.Of(_digestOid, _signatureOid);
        if (algorithm.IsWeakerThan(weakest))
            throw new IdentityException(IdentityRefusal.UnsupportedAlgorithm, $"Signatures with {algorithm.Hash} are not accepted.");

        Span<byte> hash = stackalloc byte[SHA512.HashSizeInBytes];
        hash = hash[..CryptographicOperations.HashData(algorithm.Hash, content, hash)];
        if (_signedAttributes is not null)
        {
            CheckAttributes(hash);
            hash = hash[..CryptographicOperations.HashData(algorithm.Hash, _signedAttributes, hash)];
        }
        if (!Signer.Key.Verify(hash, algorithm, _signature))
            throw new IdentityException(IdentityRefusal.WrongBody, "The signature was not made by the certificate's key over this body.");
    }

    /// <summary>SHA-256 of all that <see cref="CheckSignature"/> looks at: two messages that differ elsewhere only are the same message.</summary>
    public byte[] HashOfSigned()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (var part in (ReadOnlySpan<ReadOnlyMemory<byte>>)[
            Signer.Der, System.Text.Encoding.ASCII.GetBytes($"{_digestOid} {_signatureOid} {_contentType}"), Content, _signedAttributes, _signature])
        {
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(length, part.Length);
            hash.AppendData(length);
            hash.AppendData(part.Span);
        }

        return hash.GetHashAndReset();
    }

    private void CheckAttributes(ReadOnlySpan<byte> contentHash)
    {
        try
        {
            if (Attribute(Oids.MessageDigest) is not { } digest)
                throw new IdentityException(IdentityRefusal.BadCms, "The signed attributes have no digest of the message.");
            if (!new AsnReader(digest, AsnEncodingRules.DER).ReadOctetString().AsSpan().SequenceEqual(contentHash))
                throw new IdentityException(IdentityRefusal.WrongBody, "The signature is over another body.");
            if (Attribute(Oids.ContentType) is { } type
                && new AsnReader(type, AsnEncodingRules.DER).ReadObjectIdentifier() != _contentType)
                throw new IdentityException(IdentityRefusal.BadCms, "The signed content type is another one than the content's.");
        }
        catch (AsnContentException e)
        {
            throw new IdentityException(IdentityRefusal.BadCms, "A signed attribute is broken.", e);
        }
    }
}
