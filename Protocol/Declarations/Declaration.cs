using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Declarations;

/// <summary>The four lists of declarations, in the order in which Apple names them.</summary>
public enum DeclarationKind
{
    Activation = 0,
    Configuration = 1,
    Asset = 2,
    Management = 3,
}

/// <summary>
/// One declaration, as an iPad fetches it. Its ServerToken is a hash of everything else in it: it changes when the content does, and only then.
/// <see href="https://developer.apple.com/documentation/devicemanagement/leveraging-the-declarative-management-data-model-to-scale-devices"/>
/// </summary>
public sealed class Declaration
{
    /// <summary>Octets, of an Identifier and of a ServerToken.</summary>
    public const int LongestName = 64;

    private Declaration(DeclarationKind kind, string type, string identifier, string serverToken, byte[] payload) =>
        (Kind, Type, Identifier, ServerToken, Payload) = (kind, type, identifier, serverToken, payload);

    public DeclarationKind Kind { get; }

    /// <summary>As in <c>com.apple.configuration.passcode.settings</c>.</summary>
    public string Type { get; }

    public string Identifier { get; }

    public string ServerToken { get; }

    /// <summary>A JSON object.</summary>
    public byte[] Payload { get; }

    /// <exception cref="ArgumentException">The identifier is too long, or the type is of no kind.</exception>
    public static Declaration Of(string type, string identifier, PlistDictionary payload) => Of(type, identifier, DeclarationJson.Of(payload));

    /// <param name="payload">A JSON object, always written in the same way.</param>
    /// <exception cref="ArgumentException">The identifier is too long, or the type is of no kind.</exception>
    public static Declaration Of(string type, string identifier, byte[] payload)
    {
        if (Encoding.UTF8.GetByteCount(identifier) is 0 or > LongestName)
            throw new ArgumentException($"An identifier has 1 to {LongestName} octets.", nameof(identifier));
        var kind = KindOf(type) ?? throw new ArgumentException($"'{type}' is no type of a declaration.", nameof(type));
        return new Declaration(kind, type, identifier, TokenOf([type, identifier, Encoding.UTF8.GetString(payload)]), payload);
    }

    /// <summary>By the beginning of its type; null: it has none of the four.</summary>
    public static DeclarationKind? KindOf(string type) =>
        type.StartsWith("com.apple.activation.", StringComparison.Ordinal) ? DeclarationKind.Activation
        : type.StartsWith("com.apple.configuration.", StringComparison.Ordinal) ? DeclarationKind.Configuration
        : type.StartsWith("com.apple.asset.", StringComparison.Ordinal) ? DeclarationKind.Asset
        : type.StartsWith("com.apple.management.", StringComparison.Ordinal) ? DeclarationKind.Management
        : null;

    /// <summary>What the iPad gets.</summary>
    public byte[] ToJson() => DeclarationJson.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("Type", Type);
        writer.WriteString("Identifier", Identifier);
        writer.WriteString("ServerToken", ServerToken);
        writer.WritePropertyName("Payload");
        writer.WriteRawValue(Payload);
        writer.WriteEndObject();
    });

    /// <summary>SHA-256 over texts, each with its length before it, in letters that need no escaping.</summary>
    internal static string TokenOf(IEnumerable<string> texts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var text in texts)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }

        return Base64Url.EncodeToString(hash.GetHashAndReset());
    }
}

/// <summary>JSON as declarations are written: always the same bytes for the same content.</summary>
internal static class DeclarationJson
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Of(PlistDictionary dictionary) => Write(writer => PlistJson.Write(writer, dictionary));

    public static byte[] Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Compact))
            write(writer);
        return buffer.WrittenSpan.ToArray();
    }
}
