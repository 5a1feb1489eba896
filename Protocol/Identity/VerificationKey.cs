using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;

namespace FleetMdm.Protocol.Identity;

/// <summary>
/// A public key that checks signatures: RSA of 1,024 to 8,192 bits with an exponent of at most 32 bits (a longer one is a
/// way to burn the server's time), or EC on P-256, P-384 or P-521.
/// </summary>
/// <remarks>
/// Making the native key costs more than one check with it (about 130 against 20 to 60 µs), so it is made at first use and
/// kept. Safe for several threads: a lock guards the native key, which .NET does not promise to be thread-safe.
/// </remarks>
internal sealed class VerificationKey
{
    public const int MinRsaBits = 1024;
    public const int MaxRsaBits = 8192;
    private const int MaxExponentBytes = 4;

    /// <summary>Learnt from the first good signature that the platform would not look at.</summary>
    private static volatile bool _platformRefusesSha1;

    private readonly Lock _gate = new();
    private readonly RSAParameters _rsa;
    private readonly ECParameters _ec;
    private AsymmetricAlgorithm? _key;

    private VerificationKey(RSAParameters rsa, int bits) => (Kind, _rsa, Bits) = (KeyKind.Rsa, rsa, bits);

    private VerificationKey(ECParameters ec, int bits) => (Kind, _ec, Bits) = (KeyKind.Ec, ec, bits);

    public KeyKind Kind { get; }

    public int Bits { get; }

    /// <summary>Of an RSA key; 0 for another.</summary>
    public uint Exponent
    {
        get
        {
            var value = 0u;
            foreach (var part in _rsa.Exponent ?? [])
                value = value << 8 | part;
            return value;
        }
    }

    /// <param name="spki">SubjectPublicKeyInfo (RFC 5280, 4.1).</param>
    /// <exception cref="IdentityException">UnsupportedAlgorithm or BadCms.</exception>
    /// <exception cref="AsnContentException">Broken DER.</exception>
    public static VerificationKey Parse(ReadOnlyMemory<byte> spki)
    {
        var sequence = Whole(spki);
        var algorithm = sequence.ReadSequence();
        var oid = algorithm.ReadObjectIdentifier();
        var bits = sequence.ReadBitString(out var unused);
        sequence.ThrowIfNotEmpty();
        if (unused != 0)
            throw new IdentityException(IdentityRefusal.BadCms, "The public key is not a whole number of bytes.");
        return oid switch
        {
            Oids.Rsa => ParseRsa(bits),
            Oids.EcPublicKey => ParseEc(algorithm.ReadObjectIdentifier(), bits),
            _ => throw new IdentityException(IdentityRefusal.UnsupportedAlgorithm, $"Keys of kind {oid} are not supported."),
        };
    }

    /// <summary>A sequence with nothing behind it: what no reader looks at must not be there.</summary>
    private static AsnReader Whole(ReadOnlyMemory<byte> der)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var sequence = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        return sequence;
    }

    private static VerificationKey ParseRsa(byte[] encoded)
    {
        var sequence = Whole(encoded);
        var modulus = sequence.ReadIntegerBytes().Span;
        var exponent = sequence.ReadIntegerBytes().Span;
        sequence.ThrowIfNotEmpty();
        if (modulus is [0, ..])
            modulus = modulus[1..];
        if (exponent is [0, ..])
            exponent = exponent[1..];
        var bits = modulus.IsEmpty ? 0 : modulus.Length * 8 - (byte.LeadingZeroCount(modulus[0]));
        if (bits is < MinRsaBits or > MaxRsaBits || (modulus[^1] & 1) == 0)
            throw new IdentityException(IdentityRefusal.UnsupportedAlgorithm,
                $"An RSA key of {bits} bits is not supported: {MinRsaBits} to {MaxRsaBits} are.");
        if (exponent.IsEmpty || exponent.Length > MaxExponentBytes || (exponent[^1] & 1) == 0 || exponent is [1])
            throw new IdentityException(IdentityRefusal.UnsupportedAlgorithm, "The RSA key's public exponent is not supported.");
        return new(new RSAParameters { Modulus = modulus.ToArray(), Exponent = exponent.ToArray() }, bits);
    }

    private static VerificationKey ParseEc(string curveOid, byte[] point)
    {
        var (curve, bits) = curveOid switch
        {
            Oids.P256 => (ECCurve.NamedCurves.nistP256, 256),
            Oids.P384 => (ECCurve.NamedCurves.nistP384, 384),
            Oids.P521 => (ECCurve.NamedCurves.nistP521, 521),
            _ => throw new IdentityException(IdentityRefusal.UnsupportedAlgorithm, $"The curve {curveOid} is not supported."),
        };
        var size = (bits + 7) / 8;
        if (point.Length != 1 + 2 * size || point[0] != 4)
            throw new IdentityException(IdentityRefusal.UnsupportedAlgorithm, "The public key is not an uncompressed point of its curve.");
        var parameters = new ECParameters { Curve = curve, Q = { X = point[1..(1 + size)], Y = point[(1 + size)..] } };
        return new(parameters, bits);
    }

    /// <summary>False when the signature is not of this key over this hash.</summary>
    /// <exception cref="IdentityException">UnsupportedAlgorithm: the point is not on its curve.</exception>
    public bool Verify(ReadOnlySpan<byte> hash, SignatureAlgorithm algorithm, ReadOnlySpan<byte> signature)
    {
        if (algorithm.Kind != Kind)
            return false;
        lock (_gate)
        {
            try
            {
                _key ??= Kind == KeyKind.Rsa ? RSA.Create(_rsa) : ECDsa.Create(_ec);
            }
            catch (CryptographicException e)
            {
                throw new IdentityException(IdentityRefusal.UnsupportedAlgorithm, "The public key is not valid.", e);
            }
            var byHand = algorithm is { Kind: KeyKind.Rsa } && algorithm.Hash == HashAlgorithmName.SHA1;
            if (byHand && _platformRefusesSha1)
                return VerifySha1(_rsa, hash, signature);
            try
            {
                return _key is RSA rsa
                    ? rsa.VerifyHash(hash, signature, algorithm.Hash, RSASignaturePadding.Pkcs1)
                    : ((ECDsa)_key).VerifyHash(hash, signature, DSASignatureFormat.Rfc3279DerSequence);
            }
            catch (CryptographicException)
            {
                // Some platforms throw for a signature whose encoding is broken; and for SHA-1, where the policy of the machine forbids it.
                if (!byHand || !VerifySha1(_rsa, hash, signature))
                    return false;
                _platformRefusesSha1 = true;
                return true;
            }
        }
    }

    /// <summary>
    /// RSASSA-PKCS1-v1_5 with SHA-1 (RFC 8017, 8.2.2), without the platform: Linux distributions forbid their OpenSSL to check such a signature, and
    /// iPads make it. The expected encoding is made and compared whole, so there is nothing to parse.
    /// </summary>
    internal static bool VerifySha1(RSAParameters key, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature)
    {
        ReadOnlySpan<byte> digestInfo = [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E, 0x03, 0x02, 0x1A, 0x05, 0x00, 0x04, 0x14];
        var modulus = new BigInteger(key.Modulus, isUnsigned: true, isBigEndian: true);
        var number = new BigInteger(signature, isUnsigned: true, isBigEndian: true);
        if (hash.Length != SHA1.HashSizeInBytes || signature.Length != key.Modulus!.Length || number >= modulus)
            return false;

        var expected = new byte[signature.Length];
        expected.AsSpan().Fill(0xFF);
        expected[0] = 0;
        expected[1] = 1;
        expected[^(hash.Length + digestInfo.Length + 1)] = 0;
        digestInfo.CopyTo(expected.AsSpan(expected.Length - hash.Length - digestInfo.Length));
        hash.CopyTo(expected.AsSpan(expected.Length - hash.Length));
        var exponent = new BigInteger(key.Exponent, isUnsigned: true, isBigEndian: true);
        return BigInteger.ModPow(number, exponent, modulus) == new BigInteger(expected, isUnsigned: true, isBigEndian: true);
    }
}
