using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using Org.BouncyCastle.Pkcs;

namespace FleetMdm.Protocol.Push;

/// <summary>PKCS#12 with RC2, as Keychain Access exports it: OpenSSL 3, on which .NET stands, has put that cipher aside.</summary>
internal static class OldPkcs12
{
    private const int DeepestNesting = 32;
    private const byte Sequence = 0x30;

    /// <summary>The certificate that has a key, with its key. Null: it cannot be read like this either, or there is no such pair.</summary>
    /// <param name="mostIterations">A file that asks for more rounds of password hashing is not read.</param>
    public static (X509Certificate2 Certificate, byte[] Pkcs8)? Read(ReadOnlySpan<byte> content, string? password, int mostIterations)
    {
        try
        {
            var bytes = content.ToArray();
            if (LargestNumber(bytes, 0) > mostIterations) return null;
            var store = new Pkcs12StoreBuilder().Build();
            using var stream = new MemoryStream(bytes);
            store.Load(stream, (password ?? "").ToCharArray());
            foreach (var alias in store.Aliases)
            {
                if (!store.IsKeyEntry(alias) || store.GetCertificate(alias) is not { } certificate) continue;
                return (X509CertificateLoader.LoadCertificate(certificate.Certificate.GetEncoded()),
                    PrivateKeyInfoFactory.CreatePrivateKeyInfo(store.GetKey(alias).Key).GetDerEncoded());
            }

            return null;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A wrong password, or a damaged file, for which its parsers throw exceptions of many kinds.
            return null;
        }
    }

    /// <summary>Of all numbers that stand open in the file: rounds are the only large ones among them.</summary>
    private static int LargestNumber(ReadOnlyMemory<byte> encoded, int depth)
    {
        var largest = 0;
        try
        {
            for (var reader = new AsnReader(encoded, AsnEncodingRules.BER); reader.HasData;)
            {
                if (depth == DeepestNesting) return largest;
                var tag = reader.PeekTag();
                var found = 0;
                if (tag.HasSameClassAndValue(Asn1Tag.Integer))
                {
                    // What is longer is no number of rounds: reading it as one fails.
                    if (!reader.TryReadInt32(out found)) reader.ReadInteger();
                }
                else if (tag.HasSameClassAndValue(Asn1Tag.PrimitiveOctetString))
                {
                    if (reader.ReadOctetString() is [Sequence, ..] inner) found = LargestNumber(inner, depth + 1);
                }
                else
                {
                    if (tag.IsConstructed) found = LargestNumber(reader.PeekContentBytes(), depth + 1);
                    reader.ReadEncodedValue();
                }

                largest = Math.Max(largest, found);
            }
        }
        catch (AsnContentException)
        {
            // Octets that hold something else: salts, what is encrypted.
        }

        return largest;
    }
}
