using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Protocol.Identity;

/// <summary>Writes the two kinds of SignedData (RFC 5652, 5) that .NET's <c>SignedCms</c> does not: without a signer, and signed without content.</summary>
internal static class CmsWriter
{
    private static readonly Asn1Tag Context0 = new(TagClass.ContextSpecific, 0);

    /// <summary>Certificates only, no content and no signer (RFC 8894, 3.4).</summary>
    public static byte[] CertificatesOnly(ReadOnlySpan<ReadOnlyMemory<byte>> certificates) => SignedData(null, certificates, null);

    /// <summary>Signed with SHA-256 by one RSA key, with its certificate.</summary>
    /// <param name="content">Null: none at all, which is what a CertRep without a certificate has.</param>
    /// <param name="attributes">Signed attributes and their encoded values; content type and digest are added.</param>
    public static byte[] Sign(byte[]? content, IdentityCertificate signer, X509Certificate2 key, IEnumerable<(string Oid, byte[] Value)> attributes)
    {
        var set = new AsnWriter(AsnEncodingRules.DER);
        using (set.PushSetOf())
        {
            WriteAttribute(set, Oids.ContentType, value => value.WriteObjectIdentifier(Oids.Data));
            WriteAttribute(set, Oids.MessageDigest, value => value.WriteOctetString(SHA256.HashData(content ?? [])));
            foreach (var (oid, encoded) in attributes)
                WriteAttribute(set, oid, value => value.WriteEncodedValue(encoded));
        }
        var signed = set.Encode();
        using var rsa = key.GetRSAPrivateKey()!;
        var signature = rsa.SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        // They stand in the message as [0], but are signed as a SET OF (RFC 5652, 5.4).
        signed[0] = 0xA0;

        return SignedData(content, [signer.Der], signers =>
        {
            using var info = signers.PushSequence();
            signers.WriteInteger(1);
            using (signers.PushSequence())
            {
                signers.WriteEncodedValue(signer.Issuer.Span);
                signers.WriteInteger(signer.SerialNumber.Span);
            }
            WriteAlgorithm(signers, Oids.Sha256);
            signers.WriteEncodedValue(signed);
            WriteAlgorithm(signers, Oids.Rsa);
            signers.WriteOctetString(signature);
        });
    }

    private static byte[] SignedData(byte[]? content, ReadOnlySpan<ReadOnlyMemory<byte>> certificates, Action<AsnWriter>? writeSigner)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.SignedData);
            using (writer.PushSequence(Context0))
            using (writer.PushSequence())
            {
                writer.WriteInteger(1);
                using (writer.PushSetOf())
                {
                    if (writeSigner is not null)
                        WriteAlgorithm(writer, Oids.Sha256);
                }
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier(Oids.Data);
                    if (content is not null)
                    {
                        using (writer.PushSequence(Context0))
                            writer.WriteOctetString(content);
                    }
                }
                // A SET OF: the writer puts them into the order of DER.
                using (writer.PushSetOf(Context0))
                {
                    foreach (var certificate in certificates)
                        writer.WriteEncodedValue(certificate.Span);
                }
                using (writer.PushSetOf())
                    writeSigner?.Invoke(writer);
            }
        }
        return writer.Encode();
    }

    private static void WriteAttribute(AsnWriter writer, string oid, Action<AsnWriter> writeValue)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
            using (writer.PushSetOf())
                writeValue(writer);
        }
    }

    private static void WriteAlgorithm(AsnWriter writer, string oid)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
            writer.WriteNull();
        }
    }
}
