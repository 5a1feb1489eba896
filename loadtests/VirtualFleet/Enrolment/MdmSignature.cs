using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.VirtualFleet.Enrolment;

/// <summary>
/// The <c>Mdm-Signature</c> header as iPads were seen to send it: Base64 of a detached CMS signature over the body, in BER with indefinite lengths, by
/// SHA-1, without signed attributes, with one certificate. Written out, because .NET's <c>SignedCms</c> writes DER only.
/// <see href="https://developer.apple.com/documentation/devicemanagement/managing-certificates-in-mdm-servers-and-devices"/>
/// </summary>
public static class MdmSignature
{
    private const string SignedData = "1.2.840.113549.1.7.2";
    private const string Data = "1.2.840.113549.1.7.1";
    private const string ContentType = "1.2.840.113549.1.9.3";
    private const string MessageDigest = "1.2.840.113549.1.9.4";
    private const string SigningTime = "1.2.840.113549.1.9.5";
    private const string Rsa = "1.2.840.113549.1.1.1";

    private sealed record Algorithm(HashAlgorithmName Name, string Digest, string Ecdsa);

    private static readonly Algorithm Sha1 = new(HashAlgorithmName.SHA1, "1.3.14.3.2.26", "1.2.840.10045.4.1");
    private static readonly Algorithm Sha256 = new(HashAlgorithmName.SHA256, "2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2");

    private static readonly byte[] EndOfContents = [0, 0];

    /// <param name="body">What is signed.</param>
    /// <param name="signer">With its private key.</param>
    /// <param name="signedAt">With signed attributes, which say this time. Null: without any, as iPads do it.</param>
    /// <remarks>By SHA-256 where the policy of the machine forbids SHA-1.</remarks>
    public static string Sign(byte[] body, X509Certificate2 signer, DateTimeOffset? signedAt = null)
    {
        try
        {
            return Sign(body, signer, signedAt, Sha1);
        }
        catch (CryptographicException)
        {
            return Sign(body, signer, signedAt, Sha256);
        }
    }

    /// <summary>The same with the body inside, as an iPad answers a Profile Service profile.</summary>
    public static byte[] SignAttached(byte[] body, X509Certificate2 signer)
    {
        try
        {
            return Cms(body, signer, null, Sha1, attached: true);
        }
        catch (CryptographicException)
        {
            return Cms(body, signer, null, Sha256, attached: true);
        }
    }

    private static string Sign(byte[] body, X509Certificate2 signer, DateTimeOffset? signedAt, Algorithm algorithm) =>
        Convert.ToBase64String(Cms(body, signer, signedAt, algorithm, attached: false));

    private static byte[] Cms(byte[] body, X509Certificate2 signer, DateTimeOffset? signedAt, Algorithm algorithm, bool attached)
    {
        byte[] content = attached ? [0xA0, 0x80, .. Der(writer => writer.WriteOctetString(body)), .. EndOfContents] : [];
        var signerInfos = Der(writer =>
        {
            using var set = writer.PushSetOf();
            WriteSigner(writer, body, signer, signedAt, algorithm);
        });
        return
        [
            0x30, 0x80, .. Oid(SignedData),
                0xA0, 0x80,
                    0x30, 0x80, 0x02, 0x01, 0x01,
                        .. Der(writer => { using var set = writer.PushSetOf(); WriteAlgorithm(writer, algorithm.Digest, parameters: true); }),
                        0x30, 0x80, .. Oid(Data), .. content, .. EndOfContents,
                        0xA0, 0x80, .. signer.RawData, .. EndOfContents,
                        .. signerInfos,
                    .. EndOfContents,
                .. EndOfContents,
            .. EndOfContents,
        ];
    }

    private static void WriteSigner(AsnWriter writer, byte[] body, X509Certificate2 signer, DateTimeOffset? signedAt, Algorithm algorithm)
    {
        using var info = writer.PushSequence();
        writer.WriteInteger(1);
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(signer.IssuerName.RawData);
            writer.WriteInteger(signer.SerialNumberBytes.Span);
        }
        WriteAlgorithm(writer, algorithm.Digest, parameters: true);
        var signed = body;
        if (signedAt is { } time)
        {
            signed = Der(attributes => WriteAttributes(attributes, CryptographicOperations.HashData(algorithm.Name, body), time));
            // In the message they stand as [0], but signed is the SET OF (RFC 5652, 5.4).
            writer.WriteEncodedValue([0xA0, .. signed.AsSpan(1)]);
        }

        using var rsa = signer.GetRSAPrivateKey();
        using var ec = signer.GetECDsaPrivateKey();
        WriteAlgorithm(writer, rsa is null ? algorithm.Ecdsa : Rsa, parameters: rsa is not null);
        writer.WriteOctetString(rsa is null
            ? ec!.SignData(signed, algorithm.Name, DSASignatureFormat.Rfc3279DerSequence)
            : rsa.SignData(signed, algorithm.Name, RSASignaturePadding.Pkcs1));
    }

    private static void WriteAttributes(AsnWriter writer, byte[] digest, DateTimeOffset time)
    {
        using var set = writer.PushSetOf();
        WriteAttribute(ContentType, () => writer.WriteObjectIdentifier(Data));
        WriteAttribute(MessageDigest, () => writer.WriteOctetString(digest));
        WriteAttribute(SigningTime, () => writer.WriteUtcTime(time));

        void WriteAttribute(string oid, Action writeValue)
        {
            using var attribute = writer.PushSequence();
            writer.WriteObjectIdentifier(oid);
            using var values = writer.PushSetOf();
            writeValue();
        }
    }

    private static void WriteAlgorithm(AsnWriter writer, string oid, bool parameters)
    {
        using var sequence = writer.PushSequence();
        writer.WriteObjectIdentifier(oid);
        if (parameters) writer.WriteNull();
    }

    private static byte[] Oid(string oid) => Der(writer => writer.WriteObjectIdentifier(oid));

    private static byte[] Der(Action<AsnWriter> write)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        write(writer);
        return writer.Encode();
    }
}
