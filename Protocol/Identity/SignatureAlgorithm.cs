using System.Formats.Asn1;
using System.Security.Cryptography;

namespace FleetMdm.Protocol.Identity;

internal enum KeyKind
{
    Rsa,
    Ec,
}

/// <summary>The weakest hash that a signature may be made with.</summary>
/// <remarks>
/// Two documents of one SHA-1 or MD5 can be made, a second one for a given document cannot. So a certificate must not be signed with them: there a
/// stranger chooses what is signed. Where the signer vouches for nothing but his own message, SHA-1 gives nobody anything.
/// </remarks>
public enum WeakestHash
{
    Sha256,
    Sha1,
    Md5,
}

/// <summary>What makes a signature: a hash and a kind of key. RSA means PKCS #1 v1.5.</summary>
internal readonly record struct SignatureAlgorithm(HashAlgorithmName Hash, KeyKind Kind)
{
    /// <summary>Whether its hash is weaker than what is taken.</summary>
    public bool IsWeakerThan(WeakestHash weakest) =>
        (Hash == HashAlgorithmName.MD5 && weakest < WeakestHash.Md5) || (Hash == HashAlgorithmName.SHA1 && weakest < WeakestHash.Sha1);

    /// <summary>Of an X.509 or PKCS #10 signature, whose identifier names the hash.</summary>
    public static SignatureAlgorithm Of(string oid) => oid switch
    {
        Oids.Sha256WithRsa => new(HashAlgorithmName.SHA256, KeyKind.Rsa),
        Oids.Sha384WithRsa => new(HashAlgorithmName.SHA384, KeyKind.Rsa),
        Oids.Sha512WithRsa => new(HashAlgorithmName.SHA512, KeyKind.Rsa),
        Oids.EcdsaWithSha256 => new(HashAlgorithmName.SHA256, KeyKind.Ec),
        Oids.EcdsaWithSha384 => new(HashAlgorithmName.SHA384, KeyKind.Ec),
        Oids.EcdsaWithSha512 => new(HashAlgorithmName.SHA512, KeyKind.Ec),
        Oids.Sha1WithRsa => new(HashAlgorithmName.SHA1, KeyKind.Rsa),
        Oids.EcdsaWithSha1 => new(HashAlgorithmName.SHA1, KeyKind.Ec),
        Oids.Md5WithRsa => new(HashAlgorithmName.MD5, KeyKind.Rsa),
        _ => throw Unsupported("signature", oid),
    };

    /// <summary>Of a CMS signer, whose signature identifier may name only the key (RFC 3370, 3.2) and whose digest names the hash.</summary>
    public static SignatureAlgorithm Of(string digestOid, string signatureOid)
    {
        var hash = HashOf(digestOid);
        var algorithm = signatureOid switch
        {
            Oids.Rsa => new SignatureAlgorithm(hash, KeyKind.Rsa),
            Oids.EcPublicKey => new SignatureAlgorithm(hash, KeyKind.Ec),
            _ => Of(signatureOid),
        };
        if (algorithm.Hash != hash)
            throw new IdentityException(IdentityRefusal.BadCms, "The signer's digest and signature algorithms do not agree.");
        return algorithm;
    }

    public static HashAlgorithmName HashOf(string digestOid) => digestOid switch
    {
        Oids.Sha256 => HashAlgorithmName.SHA256,
        Oids.Sha384 => HashAlgorithmName.SHA384,
        Oids.Sha512 => HashAlgorithmName.SHA512,
        Oids.Sha1 => HashAlgorithmName.SHA1,
        Oids.Md5 => HashAlgorithmName.MD5,
        _ => throw Unsupported("digest", digestOid),
    };

    /// <summary>Reads an AlgorithmIdentifier and gives its object identifier; parameters are not looked at.</summary>
    public static string ReadOid(AsnReader reader) => reader.ReadSequence().ReadObjectIdentifier();

    /// <summary>Reads a signature. The count of unused bits is not signed: if it were not looked at, one certificate would have many
    /// encodings, and so many fingerprints.</summary>
    public static byte[] ReadSignature(AsnReader reader)
    {
        var signature = reader.ReadBitString(out var unused);
        return unused == 0 ? signature : throw new IdentityException(IdentityRefusal.BadCms, "The signature is not a whole number of bytes.");
    }

    private static IdentityException Unsupported(string what, string oid) =>
        new(IdentityRefusal.UnsupportedAlgorithm, $"The {what} algorithm {oid} is not supported.");
}
