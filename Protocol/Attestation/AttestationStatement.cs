using System.Formats.Cbor;

namespace FleetMdm.Protocol.Attestation;

/// <summary>
/// The attestation object that an iPad answers a <c>device-attest-01</c> challenge with: CBOR, in the form of WebAuthn (section 6.5.4), with the format <c>apple</c> and a chain of
/// certificates. What else stands in it is passed over.
/// </summary>
public static class AttestationStatement
{
    /// <summary>Apple's have two certificates of some 1 KiB each.</summary>
    public const int MaxBytes = 16 * 1024;

    /// <summary>Apple sends two: the leaf and its issuer.</summary>
    public const int MaxCertificates = 4;

    private const string Format = "apple";

    /// <summary>Values in a map, of which two are needed.</summary>
    private const int MaxMembers = 16;

    /// <summary>The certificates, DER, the leaf first. None is checked yet.</summary>
    /// <exception cref="AttestationException">It is something else.</exception>
    public static IReadOnlyList<byte[]> Read(byte[] cbor)
    {
        if (cbor.Length > MaxBytes) throw new AttestationException($"The attestation is longer than {MaxBytes} bytes.");
        try
        {
            // Strict: no key twice. Nothing may follow.
            var reader = new CborReader(cbor, CborConformanceMode.Strict);
            string? format = null;
            IReadOnlyList<byte[]>? chain = null;
            var seen = new HashSet<string>(StringComparer.Ordinal);
            ReadMap(reader, seen, key =>
            {
                if (key == "fmt") format = reader.ReadTextString();
                else if (key == "attStmt") chain = ReadChain(reader);
                else reader.SkipValue();
            });
            if (reader.BytesRemaining != 0) throw new AttestationException("Something follows the attestation.");
            if (format != Format) throw new AttestationException($"The attestation has the format \"{Shown(format)}\"; an iPad's has \"{Format}\".");
            return chain is { Count: > 0 } ? chain : throw new AttestationException("The attestation has no certificates.");
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            throw new AttestationException("The attestation is not the CBOR that was expected.", e);
        }
    }

    private static IReadOnlyList<byte[]>? ReadChain(CborReader reader)
    {
        IReadOnlyList<byte[]>? chain = null;
        ReadMap(reader, new HashSet<string>(StringComparer.Ordinal), key =>
        {
            if (key != "x5c")
            {
                reader.SkipValue();
                return;
            }

            var certificates = new List<byte[]>();
            reader.ReadStartArray();
            while (reader.PeekState() != CborReaderState.EndArray)
            {
                if (certificates.Count == MaxCertificates) throw new AttestationException($"The attestation has more than {MaxCertificates} certificates.");
                certificates.Add(reader.ReadByteString());
            }

            reader.ReadEndArray();
            chain = certificates;
        });
        return chain;
    }

    private static void ReadMap(CborReader reader, HashSet<string> seen, Action<string> read)
    {
        reader.ReadStartMap();
        while (reader.PeekState() != CborReaderState.EndMap)
        {
            if (seen.Count == MaxMembers) throw new AttestationException($"The attestation has more than {MaxMembers} members.");
            var key = reader.ReadTextString();
            if (!seen.Add(key)) throw new AttestationException("The attestation says something twice.");
            read(key);
        }

        reader.ReadEndMap();
    }

    private static string Shown(string? format) => format is null ? "" : new string([.. format.Take(20).Where(char.IsAsciiLetterOrDigit)]);
}
