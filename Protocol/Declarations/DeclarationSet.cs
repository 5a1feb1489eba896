using System.Globalization;
using System.Text.Json;

namespace FleetMdm.Protocol.Declarations;

/// <summary>
/// All declarations that an iPad should have, with the token that stands for them. Immutable; iPads that should have the same share one.
/// <see href="https://developer.apple.com/documentation/devicemanagement/declarationitemsresponse"/>
/// </summary>
public sealed class DeclarationSet
{
    /// <summary>Of a set with nothing in it.</summary>
    public const string EmptyToken = "empty";

    public static readonly DeclarationSet Empty = new([]);

    private readonly Dictionary<(DeclarationKind Kind, string Identifier), Declaration> _byIdentifier;

    /// <exception cref="ArgumentException">Two have the same kind and identifier.</exception>
    public DeclarationSet(IEnumerable<Declaration> declarations)
    {
        Declarations = [.. declarations.OrderBy(one => one.Kind).ThenBy(one => one.Identifier, StringComparer.Ordinal)];
        _byIdentifier = Declarations.ToDictionary(one => (one.Kind, one.Identifier));
        Token = Declarations.Count == 0 ? EmptyToken : Declaration.TokenOf(Declarations.SelectMany(one => new[] { one.Kind.ToString(), one.Identifier, one.ServerToken }));
    }

    /// <summary>By kind, then by identifier.</summary>
    public IReadOnlyList<Declaration> Declarations { get; }

    /// <summary>The DeclarationsToken: the same as long as nothing in the set changes.</summary>
    public string Token { get; }

    public Declaration? Find(DeclarationKind kind, string identifier) => _byIdentifier.GetValueOrDefault((kind, identifier));

    /// <summary>The answer to <c>declaration-items</c>: all four lists, empty where there is nothing.</summary>
    public byte[] Items() => DeclarationJson.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartObject("Declarations");
        foreach (var (name, kind) in new[]
                 {
                     ("Activations", DeclarationKind.Activation), ("Assets", DeclarationKind.Asset), ("Configurations", DeclarationKind.Configuration), ("Management", DeclarationKind.Management),
                 })
        {
            writer.WriteStartArray(name);
            foreach (var one in Declarations.Where(one => one.Kind == kind))
            {
                writer.WriteStartObject();
                writer.WriteString("Identifier", one.Identifier);
                writer.WriteString("ServerToken", one.ServerToken);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
        writer.WriteString("DeclarationsToken", Token);
        writer.WriteEndObject();
    });

    /// <summary>The answer to <c>tokens</c>, and the Data of the command.</summary>
    /// <param name="since">When the set became what it is; to the second.</param>
    public static byte[] Tokens(string token, DateTimeOffset since) => DeclarationJson.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartObject("SyncTokens");
        writer.WriteString("Timestamp", since.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        writer.WriteString("DeclarationsToken", token);
        writer.WriteEndObject();
        writer.WriteEndObject();
    });

    /// <summary>To be kept, so that what was announced to an iPad is what it gets.</summary>
    public byte[] ToBytes() => DeclarationJson.Write(writer =>
    {
        writer.WriteStartArray();
        foreach (var one in Declarations)
        {
            writer.WriteStartObject();
            writer.WriteString("t", one.Type);
            writer.WriteString("i", one.Identifier);
            writer.WritePropertyName("p");
            writer.WriteRawValue(one.Payload);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    /// <summary>What <see cref="ToBytes"/> wrote.</summary>
    public static DeclarationSet Read(byte[] bytes)
    {
        using var document = JsonDocument.Parse(bytes);
        return new DeclarationSet([
            .. document.RootElement.EnumerateArray().Select(one => Declaration.Of(
                one.GetProperty("t").GetString()!, one.GetProperty("i").GetString()!, System.Text.Encoding.UTF8.GetBytes(one.GetProperty("p").GetRawText()))),
        ]);
    }

    /// <summary>What an Endpoint asks for.</summary>
    /// <returns>Null: it is no <c>declaration/KIND/IDENTIFIER</c> of a kind that exists.</returns>
    public static (DeclarationKind Kind, string Identifier)? Asked(string endpoint)
    {
        const string prefix = "declaration/";
        if (!endpoint.StartsWith(prefix, StringComparison.Ordinal))
            return null;
        var rest = endpoint[prefix.Length..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || slash == rest.Length - 1)
            return null;
        return rest[..slash] switch
        {
            "activation" => (DeclarationKind.Activation, rest[(slash + 1)..]),
            "configuration" => (DeclarationKind.Configuration, rest[(slash + 1)..]),
            "asset" => (DeclarationKind.Asset, rest[(slash + 1)..]),
            "management" => (DeclarationKind.Management, rest[(slash + 1)..]),
            _ => null,
        };
    }
}
