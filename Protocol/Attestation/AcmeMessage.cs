using System.Text;
using System.Text.Json;

namespace FleetMdm.Protocol.Attestation;

/// <summary>
/// A request of ACME: a JWS in flattened JSON (RFC 8555, section 6.2). It was read and not yet checked: <see cref="CheckSignature"/> comes last, since it costs most.
/// </summary>
public sealed class AcmeMessage
{
    /// <summary>The longest is the answer with an attestation: 4 to 8 KiB.</summary>
    public const int MaxBytes = 48 * 1024;

    private const int LongestText = 2_048;
    private const int MaxProtectedBytes = 4 * 1024;
    private const int MaxSignatureBytes = 1024;
    private const int MaxDepth = 8;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth };

    private readonly byte[] _signed;
    private readonly byte[] _signature;

    private AcmeMessage(byte[] signed, byte[] signature, byte[] payload) => (_signed, _signature, Payload) = (signed, signature, payload);

    public required string Algorithm { get; init; }
    public required string Nonce { get; init; }
    public required string Url { get; init; }
    /// <summary>The account; null: the message brings its key.</summary>
    public string? KeyId { get; private init; }
    /// <summary>The key that the message brings; null: it names its account.</summary>
    public AcmeKey? Key { get; private init; }

    /// <summary>Empty for POST-as-GET, otherwise JSON.</summary>
    public byte[] Payload { get; }

    /// <exception cref="AcmeException">Malformed, BadSignatureAlgorithm or BadPublicKey.</exception>
    public static AcmeMessage Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            return ReadParts(body);
        }
        catch (InvalidOperationException e)
        {
            // Half of a character, or bytes that are none: the parser passes over them, and no text can hold them.
            throw new AcmeException(AcmeProblem.Malformed, "The request holds what is no text.", e);
        }
    }

    private static AcmeMessage ReadParts(ReadOnlyMemory<byte> body)
    {
        if (body.Length > MaxBytes) throw Malformed($"A request has at most {MaxBytes} bytes.");
        string encodedHeader, encodedPayload;
        byte[] header, payload, signature;
        using (var document = Parse(body, "The request is not the JSON of a JWS."))
        {
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) throw Malformed("The request is no JWS in flattened JSON.");
            foreach (var member in root.EnumerateObject())
            {
                if (member.Name is not ("protected" or "payload" or "signature")) throw Malformed("The JWS must have the members protected, payload and signature, and no other.");
            }

            (encodedHeader, header) = Part(root, "protected", MaxProtectedBytes);
            (encodedPayload, payload) = Part(root, "payload", MaxBytes);
            (_, signature) = Part(root, "signature", MaxSignatureBytes);
        }

        using var parsed = Parse(header, "The protected header is not JSON.");
        var head = parsed.RootElement;
        if (head.ValueKind != JsonValueKind.Object) throw Malformed("The protected header is no JSON object.");
        if (head.TryGetProperty("crit", out _) || head.TryGetProperty("b64", out _)) throw Malformed("The protected header asks for an extension that is not known here.");
        var algorithm = Required(head, "alg");
        if (!AcmeKey.Algorithms.Contains(algorithm)) throw new AcmeException(AcmeProblem.BadSignatureAlgorithm, $"The algorithm must be {string.Join(", ", AcmeKey.Algorithms)}.");
        var (hasKey, hasId) = (head.TryGetProperty("jwk", out var jwk), head.TryGetProperty("kid", out _));
        if (hasKey == hasId) throw Malformed("The protected header must have either jwk or kid.");
        var key = hasKey ? AcmeKey.Read(jwk) : null;
        return new AcmeMessage(Encoding.ASCII.GetBytes($"{encodedHeader}.{encodedPayload}"), signature, payload)
        {
            Algorithm = algorithm,
            Nonce = Required(head, "nonce"),
            Url = Required(head, "url"),
            Key = key,
            KeyId = hasId ? Required(head, "kid") : null,
        };
    }

    /// <summary>The payload as an object; it is not to be disposed of twice.</summary>
    /// <exception cref="AcmeException">Malformed: it is none.</exception>
    public JsonDocument ReadPayload()
    {
        var document = Parse(Payload, "The payload is not JSON.");
        if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
        document.Dispose();
        throw Malformed("The payload is no JSON object.");
    }

    /// <exception cref="AcmeException">BadSignatureAlgorithm: not this key's; Malformed: the signature does not hold.</exception>
    public void CheckSignature(AcmeKey key)
    {
        if (Algorithm != key.Algorithm) throw new AcmeException(AcmeProblem.BadSignatureAlgorithm, $"With this key, the algorithm must be {key.Algorithm}.");
        if (!key.Verify(_signed, _signature)) throw Malformed("The signature does not hold.");
    }

    /// <summary>The text of a member; null: there is none, or it is something else, or too long.</summary>
    public static string? Text(JsonElement element, string name, int longest = LongestText)
    {
        try
        {
            return element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
                && value.GetString() is { Length: > 0 } text && text.Length <= longest
                    ? text
                    : null;
        }
        catch (InvalidOperationException)
        {
            // Half of a character.
            return null;
        }
    }

    /// <summary>The bytes of a member in Base64url.</summary>
    /// <exception cref="AcmeException">Malformed: it is missing, no Base64url, or longer than <paramref name="most"/> bytes.</exception>
    public static byte[] Bytes(JsonElement element, string name, int most) =>
        Text(element, name, MaxBytes) is { } text && AcmeText.Decode(text, most) is { } bytes ? bytes : throw Malformed($"\"{name}\" is missing, no Base64url, or too long.");

    private static string Required(JsonElement header, string name) => Text(header, name) ?? throw Malformed($"The protected header has no \"{name}\", or it is too long.");

    private static (string Encoded, byte[] Decoded) Part(JsonElement root, string name, int most) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { } text && AcmeText.Decode(text, most) is { } bytes
            ? (text, bytes)
            : throw Malformed($"\"{name}\" of the JWS is missing, no Base64url, or too long.");

    private static JsonDocument Parse(ReadOnlyMemory<byte> json, string otherwise)
    {
        try
        {
            return JsonDocument.Parse(json, Strict);
        }
        // The second: half of a character in a member's name.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new AcmeException(AcmeProblem.Malformed, otherwise, e);
        }
    }

    private static AcmeException Malformed(string why) => new(AcmeProblem.Malformed, why);
}
