using System.Buffers.Text;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text.Json;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Protocol.Attestation;

/// <summary>
/// The key of an account of ACME: EC on P-256 or P-384, or RSA of 2,048 to 4,096 bits with an exponent from 65,537 (RFC 7517, 7518). A key is used with one algorithm only: ES256,
/// ES384 or RS256.
/// </summary>
public sealed class AcmeKey
{
    /// <summary>For the problem document of an algorithm that is not taken.</summary>
    public static readonly IReadOnlyList<string> Algorithms = [Es256, Es384, Rs256];

    private const string Es256 = "ES256";
    private const string Es384 = "ES384";
    private const string Rs256 = "RS256";
    private const int MaxModulusBytes = CertificateSigningRequest.MaxRsaBits / 8;
    private const int MaxExponentBytes = 4;

    private AcmeKey(byte[] publicKeyInfo, VerificationKey key)
    {
        PublicKeyInfo = publicKeyInfo;
        Key = key;
        Sha256 = SHA256.HashData(publicKeyInfo);
    }

    /// <summary>Encoded SubjectPublicKeyInfo.</summary>
    public byte[] PublicKeyInfo { get; }

    /// <summary>Of <see cref="PublicKeyInfo"/>: by that an account is known.</summary>
    public byte[] Sha256 { get; }

    /// <summary>The only algorithm that this key is taken with.</summary>
    public string Algorithm => Key switch { { Kind: KeyKind.Rsa } => Rs256, { Bits: 384 } => Es384, _ => Es256 };

    private VerificationKey Key { get; }

    /// <param name="jwk">A JSON Web Key. What it says beside the key is passed over, but a private key is refused.</param>
    /// <exception cref="AcmeException">BadPublicKey.</exception>
    public static AcmeKey Read(JsonElement jwk)
    {
        if (jwk.ValueKind != JsonValueKind.Object) throw Bad("The key is no JSON Web Key.");
        if (jwk.TryGetProperty("d", out _)) throw Bad("The key is a private one. Never send it to anybody.");
        return Text("kty") switch
        {
            "EC" => FromPublicKeyInfo(EcInfo()),
            "RSA" => FromPublicKeyInfo(RsaInfo()),
            _ => throw Bad("The key must be of the type EC or RSA."),
        };

        string? Text(string name) => jwk.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

        byte[] Bytes(string name, int most) => Text(name) is { } text && AcmeText.Decode(text, most) is { } bytes ? bytes : throw Bad($"The key's \"{name}\" is missing, or is no Base64url.");

        byte[] EcInfo()
        {
            var (curve, size) = Text("crv") switch
            {
                "P-256" => (Oids.P256, 32),
                "P-384" => (Oids.P384, 48),
                _ => throw Bad("The key's curve must be P-256 or P-384."),
            };
            var (x, y) = (Bytes("x", size), Bytes("y", size));
            if (x.Length != size || y.Length != size) throw Bad("The key's coordinates have another length than its curve wants.");
            return Info(writer =>
            {
                writer.WriteObjectIdentifier(Oids.EcPublicKey);
                writer.WriteObjectIdentifier(curve);
            }, [4, .. x, .. y]);
        }

        byte[] RsaInfo()
        {
            var (modulus, exponent) = (Bytes("n", MaxModulusBytes), Bytes("e", MaxExponentBytes));
            if (modulus is [] or [0, ..] || exponent is [] or [0, ..]) throw Bad("The key's numbers begin with zeros.");
            var key = new AsnWriter(AsnEncodingRules.DER);
            using (key.PushSequence())
            {
                key.WriteIntegerUnsigned(modulus);
                key.WriteIntegerUnsigned(exponent);
            }

            return Info(writer =>
            {
                writer.WriteObjectIdentifier(Oids.Rsa);
                writer.WriteNull();
            }, key.Encode());
        }
    }

    /// <exception cref="AcmeException">BadPublicKey.</exception>
    public static AcmeKey FromPublicKeyInfo(byte[] publicKeyInfo)
    {
        try
        {
            var key = VerificationKey.Parse(publicKeyInfo);
            if (key is { Kind: KeyKind.Rsa, Bits: < CertificateSigningRequest.MinRsaBits or > CertificateSigningRequest.MaxRsaBits } or { Kind: KeyKind.Rsa, Exponent: < CertificateSigningRequest.MinRsaExponent })
                throw Bad($"An RSA key must have {CertificateSigningRequest.MinRsaBits} to {CertificateSigningRequest.MaxRsaBits} bits, and an exponent from {CertificateSigningRequest.MinRsaExponent}.");
            return key is { Kind: KeyKind.Ec, Bits: not (256 or 384) } ? throw Bad("The key's curve must be P-256 or P-384.") : new AcmeKey(publicKeyInfo, key);
        }
        catch (Exception e) when (e is IdentityException or AsnContentException)
        {
            throw new AcmeException(AcmeProblem.BadPublicKey, "The key cannot be used.", e);
        }
    }

    /// <summary>Whether this key signed these bytes, as JWS writes signatures (RFC 7518, section 3).</summary>
    internal bool Verify(ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        var hash = Algorithm == Es384 ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256;
        try
        {
            return Key.Verify(CryptographicOperations.HashData(hash, signed), new SignatureAlgorithm(hash, Key.Kind), Key.Kind == KeyKind.Ec ? ToDer(signature) : signature);
        }
        catch (IdentityException e)
        {
            throw new AcmeException(AcmeProblem.BadPublicKey, "The key cannot be used.", e);
        }
    }

    /// <summary>JWS writes the two numbers of an ECDSA signature one after the other, each as long as the curve's.</summary>
    private byte[] ToDer(ReadOnlySpan<byte> signature)
    {
        var size = Key.Bits / 8;
        if (signature.Length != 2 * size) return [];
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(Trimmed(signature[..size]));
            writer.WriteIntegerUnsigned(Trimmed(signature[size..]));
        }

        return writer.Encode();

        static ReadOnlySpan<byte> Trimmed(ReadOnlySpan<byte> number) => number.TrimStart((byte)0) is { Length: > 0 } trimmed ? trimmed : [0];
    }

    private static byte[] Info(Action<AsnWriter> algorithm, byte[] key)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence()) algorithm(writer);
            writer.WriteBitString(key);
        }

        return writer.Encode();
    }

    private static AcmeException Bad(string why) => new(AcmeProblem.BadPublicKey, why);
}

/// <summary>Base64url without padding, as JWS wants it (RFC 7515, section 2), within a bound.</summary>
internal static class AcmeText
{
    /// <summary>Null: it is none, or longer than <paramref name="most"/> bytes.</summary>
    public static byte[]? Decode(string text, int most)
    {
        if (text.Length > (most * 4 + 2) / 3 || text.Contains('=', StringComparison.Ordinal) || text.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))) return null;
        try
        {
            var bytes = Base64Url.DecodeFromChars(text);
            // One text for each value: what a signature covers is never written in two ways.
            return bytes.Length <= most && Base64Url.EncodeToString(bytes) == text ? bytes : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
