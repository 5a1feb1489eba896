using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Protocol.Identity;

/// <summary>
/// The pkcsPKIEnvelope: CMS EnvelopedData (RFC 5652, 6) to one RSA recipient by key transport.
/// </summary>
/// <remarks>
/// Reading is written out here instead of using <c>EnvelopedCms</c>, because a wrong PKCS #1 padding must not be told from a
/// wrong content: someone who recorded a request could otherwise use the server to decrypt it (Bleichenbacher). A key that does not
/// unwrap is replaced by a random one, and everything after that fails in the one same way (RFC 3218, 2.3.2).
/// </remarks>
internal static class ScepEnvelope
{
    private const int MaxRecipients = 8;

    private static readonly Asn1Tag Context0 = new(TagClass.ContextSpecific, 0, isConstructed: true);
    private static readonly Asn1Tag EncryptedContent = new(TagClass.ContextSpecific, 0);
    private static readonly Asn1Tag SubjectKeyIdentifier = new(TagClass.ContextSpecific, 0);

    /// <param name="recipients">RA certificates with their private keys; the envelope says whose it is.</param>
    /// <returns>The content and the cipher that it was under.</returns>
    /// <exception cref="ScepException">BadAlg, BadMessageCheck, BadRequest.</exception>
    public static (byte[] Content, string Cipher) Open(
        ReadOnlyMemory<byte> envelope, IReadOnlyList<(IdentityCertificate Certificate, X509Certificate2 Key)> recipients, bool allowLegacy)
    {
        try
        {
            BerGuard.Check(envelope.Span);
            return Read(new AsnReader(envelope, AsnEncodingRules.BER), recipients, allowLegacy);
        }
        catch (Exception e) when (e is AsnContentException or IdentityException)
        {
            throw new ScepException(ScepFailInfo.BadRequest, "The envelope is not EnvelopedData.", e);
        }
    }

    private static (byte[], string) Read(
        AsnReader outer, IReadOnlyList<(IdentityCertificate Certificate, X509Certificate2 Key)> recipients, bool allowLegacy)
    {
        var info = outer.ReadSequence();
        if (info.ReadObjectIdentifier() != Oids.EnvelopedData)
            throw new ScepException(ScepFailInfo.BadRequest, "The content is not EnvelopedData.");
        var data = info.ReadSequence(Context0).ReadSequence();
        data.ReadInteger();
        if (data.PeekTag().HasSameClassAndValue(Context0))
            data.ReadEncodedValue();

        X509Certificate2? recipient = null;
        var wrappedKey = Array.Empty<byte>();
        var infos = data.ReadSetOf(skipSortOrderValidation: true);
        for (var count = 0; infos.HasData; count++)
        {
            if (count == MaxRecipients)
                throw new ScepException(ScepFailInfo.BadRequest, "The envelope has too many recipients.");
            if (infos.PeekTag() != Asn1Tag.Sequence)
            {
                infos.ReadEncodedValue();
                continue;
            }
            var keyTransport = infos.ReadSequence();
            keyTransport.ReadInteger();
            var found = FindRecipient(keyTransport, recipients);
            var algorithm = SignatureAlgorithm.ReadOid(keyTransport);
            var wrapped = keyTransport.ReadOctetString();
            if (found is null || recipient is not null)
                continue;
            if (algorithm != Oids.Rsa)
                throw new ScepException(ScepFailInfo.BadAlg, $"The key transport {algorithm} is not supported: RSA with PKCS #1 v1.5 is.");
            (recipient, wrappedKey) = (found, wrapped);
        }
        if (recipient is null)
            throw new ScepException(ScepFailInfo.BadCertId, "The envelope is not for the certificate that GetCACert gives.");

        var content = data.ReadSequence();
        content.ReadObjectIdentifier();
        var cipherId = content.ReadSequence();
        var cipher = cipherId.ReadObjectIdentifier();
        if (cipher == Oids.DesCbc && !allowLegacy)
            throw new ScepException(ScepFailInfo.BadAlg, "DES is not accepted without Scep:AllowLegacyAlgorithms.");
        var (keyBytes, blockBytes) = SizesOf(cipher);
        var iv = cipherId.ReadOctetString();
        var encrypted = content.ReadOctetString(EncryptedContent);
        if (iv.Length != blockBytes || encrypted.Length == 0 || encrypted.Length % blockBytes != 0)
            throw new ScepException(ScepFailInfo.BadRequest, "The envelope's content is not whole blocks of its cipher.");

        var key = Unwrap(recipient, wrappedKey, keyBytes);
        try
        {
            return (Decrypt(cipher, key, iv, encrypted), cipher);
        }
        catch (CryptographicException)
        {
            throw new ScepException(ScepFailInfo.BadMessageCheck, "The envelope does not decrypt.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    private static X509Certificate2? FindRecipient(
        AsnReader recipient, IReadOnlyList<(IdentityCertificate Certificate, X509Certificate2 Key)> recipients)
    {
        if (recipient.PeekTag().HasSameClassAndValue(SubjectKeyIdentifier))
        {
            var identifier = recipient.ReadOctetString(SubjectKeyIdentifier);
            return recipients.FirstOrDefault(r => r.Certificate.KeyIdentifier is { } own && own.Span.SequenceEqual(identifier)).Key;
        }
        var id = recipient.ReadSequence();
        id.ReadSequence();
        var serialNumber = id.ReadIntegerBytes();
        // Serial numbers of our CA are random: the issuer's name, which clients encode in their own ways, adds nothing.
        return recipients.FirstOrDefault(r => r.Certificate.SerialNumber.Span.SequenceEqual(serialNumber.Span)).Key;
    }

    private static byte[] Unwrap(X509Certificate2 recipient, byte[] wrapped, int keyBytes)
    {
        var substitute = RandomNumberGenerator.GetBytes(keyBytes);
        using var rsa = recipient.GetRSAPrivateKey()!;
        try
        {
            var key = rsa.Decrypt(wrapped, RSAEncryptionPadding.Pkcs1);
            return key.Length == keyBytes ? key : substitute;
        }
        catch (CryptographicException)
        {
            return substitute;
        }
    }

    private static byte[] Decrypt(string cipher, byte[] key, byte[] iv, byte[] encrypted)
    {
        using SymmetricAlgorithm algorithm = cipher switch
        {
            Oids.TripleDesCbc => TripleDES.Create(),
#pragma warning disable CA5351 // Only with Scep:AllowLegacyAlgorithms, for clients that know nothing better.
            Oids.DesCbc => DES.Create(),
#pragma warning restore CA5351
            _ => Aes.Create(),
        };
        algorithm.Key = key;
        return algorithm.DecryptCbc(encrypted, iv, PaddingMode.PKCS7);
    }

    private static (int Key, int Block) SizesOf(string cipher) => cipher switch
    {
        Oids.Aes128Cbc => (16, 16),
        Oids.Aes192Cbc => (24, 16),
        Oids.Aes256Cbc => (32, 16),
        Oids.TripleDesCbc => (24, 8),
        Oids.DesCbc => (8, 8),
        _ => throw new ScepException(ScepFailInfo.BadAlg, $"The cipher {cipher} is not supported."),
    };

    /// <param name="requester">With an RSA key.</param>
    /// <exception cref="ScepException">BadRequest: its certificate cannot be encrypted to.</exception>
    public static byte[] Seal(byte[] content, string cipher, IdentityCertificate requester)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(requester.Der.Span);
            var envelope = new EnvelopedCms(new ContentInfo(content), new AlgorithmIdentifier(new Oid(cipher)));
            envelope.Encrypt(new CmsRecipient(SubjectIdentifierType.IssuerAndSerialNumber, certificate, RSAEncryptionPadding.Pkcs1));
            return envelope.Encode();
        }
        catch (CryptographicException e)
        {
            throw new ScepException(ScepFailInfo.BadRequest, "The requester's certificate cannot be encrypted to.", e);
        }
    }
}
