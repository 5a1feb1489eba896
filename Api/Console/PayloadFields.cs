using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Api.Console;

/// <summary>How a key of a payload is entered.</summary>
public enum PayloadFieldKind
{
    Text = 0,
    Number,
    /// <summary>Yes, no, or left out.</summary>
    Flag,
    /// <summary>One of a list.</summary>
    Choice,
    /// <summary>Some of a list.</summary>
    Choices,
    Date,
    /// <summary>Entered, and never shown again.</summary>
    Secret,
    File,
    /// <summary>A file that is a secret.</summary>
    SecretFile,
    /// <summary>A list of texts or numbers: one a line.</summary>
    Lines,
    /// <summary>The name in a certificate: an attribute and its value a line.</summary>
    Subject,
    /// <summary>A home screen or its dock: an app a line.</summary>
    Layout,
    /// <summary>What has no field of its own.</summary>
    Json,
    /// <summary>A dictionary: fields within.</summary>
    Group,
    /// <summary>A list of dictionaries: items within.</summary>
    List,
    /// <summary>An item of a list.</summary>
    Item,
}

/// <summary>A field of the form for a payload: a tree, as the payload is one.</summary>
/// <param name="Name">The path of its key, as findings and errors name it: <c>PayloadContent[0].EAPClientConfiguration.UserName</c>.</param>
/// <param name="Value">As it is shown; of a secret, that there is one.</param>
/// <param name="Fields">Of a group, a list, an item.</param>
public sealed record PayloadField(
    string Name, string Label, string Help, PayloadFieldKind Kind, CatalogueKey Key, bool Required, string? Value, IReadOnlyList<PayloadField> Fields)
{
    /// <summary>What may be chosen, and how it is called.</summary>
    public IReadOnlyList<(string Value, string Words)> Options { get; init; } = [];

    /// <summary>Of a secret or a file that was entered before: what the form sends back in its place.</summary>
    public string? Kept { get; init; }

    /// <summary>A secret of bytes that people know as a text, as a shared secret of a VPN.</summary>
    public bool IsText => Kind == PayloadFieldKind.SecretFile && ProfileSecrets.IsSecretName(Key.Name);

    /// <summary>Something is entered in it, or within it.</summary>
    public bool IsSet => Value is not null || Kept is not null || Fields.Any(inner => inner.IsSet || inner.Kind == PayloadFieldKind.Item);

    /// <summary>What came before iPadOS had its name, every iPad has.</summary>
    internal static bool IsRecent(string version) => Version.TryParse(version, out var known) && known.Major >= 13;

    /// <summary>What is true of it beside what it means, as in <c>iPadOS 17.0, supervised only</c>.</summary>
    public string Note => string.Join(", ", new[]
    {
        Key.On.Since is { } since && IsRecent(since) ? $"iPadOS {since}" : null,
        Key.On.Supervised ? "supervised only" : null,
        Key.On.Removed is { } removed ? $"not from iPadOS {removed} on" : Key.On.Deprecated is { } deprecated ? $"given up with iPadOS {deprecated}" : null,
        Key.Default switch { PlistBoolean flag => flag.Value ? "otherwise yes" : "otherwise no", PlistString { Value.Length: > 0 } text => $"otherwise {PayloadFields.Words(Key, text.Value)}", PlistInteger number => $"otherwise {PayloadFields.Words(Key, CatalogueField.Written(number))}", _ => null },
    }.OfType<string>());
}

/// <summary>Makes the fields of a payload from the catalogue and from what the payload has.</summary>
internal sealed class PayloadFields(
    Func<CatalogueKey, CatalogueText> texts, Func<string, string> seal, IReadOnlyList<(string Uuid, string Words, string Type)> payloads, IReadOnlyDictionary<string, string>? raw = null)
{
    /// <summary>What a form sends back for a secret that a version has.</summary>
    public const string Hidden = SecretAnswers.Hidden;

    /// <summary>Files up to here travel in the form when it is shown again; larger ones are chosen again. Characters of Base64.</summary>
    private const int LongestKept = 700_000;

    /// <summary>Structures that contain themselves end as JSON.</summary>
    private const int MostDepth = 6;

    private static readonly FrozenSet<string> Identities = new[] { "com.apple.security.acme", "com.apple.security.pkcs12", "com.apple.security.scep" }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Certificates = new[] { "com.apple.security.root", "com.apple.security.pkcs1", "com.apple.security.pem" }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Numbers that nobody knows by heart, by key.</summary>
    private static readonly FrozenDictionary<(string Key, string Value), string> Named = new Dictionary<(string, string), string>
    {
        [("AcceptEAPTypes", "13")] = "EAP-TLS",
        [("AcceptEAPTypes", "17")] = "LEAP",
        [("AcceptEAPTypes", "18")] = "EAP-SIM",
        [("AcceptEAPTypes", "21")] = "EAP-TTLS",
        [("AcceptEAPTypes", "23")] = "EAP-AKA",
        [("AcceptEAPTypes", "25")] = "PEAP",
        [("AcceptEAPTypes", "43")] = "EAP-FAST",
        [("Key Usage", "0")] = "any",
        [("Key Usage", "1")] = "signing",
        [("Key Usage", "4")] = "encryption",
        [("Key Usage", "5")] = "signing and encryption",
        [("AllowedProtocolMask", "1")] = "IPv4",
        [("AllowedProtocolMask", "2")] = "IPv6",
        [("AllowedProtocolMask", "3")] = "IPv4 and IPv6",
        [("AllowedProtocolMaskInRoaming", "1")] = "IPv4",
        [("AllowedProtocolMaskInRoaming", "2")] = "IPv6",
        [("AllowedProtocolMaskInRoaming", "3")] = "IPv4 and IPv6",
        [("AllowedProtocolMaskInDomesticRoaming", "1")] = "IPv4",
        [("AllowedProtocolMaskInDomesticRoaming", "2")] = "IPv6",
        [("AllowedProtocolMaskInDomesticRoaming", "3")] = "IPv4 and IPv6",
        [("safariAcceptCookies", "0")] = "never",
        [("safariAcceptCookies", "1")] = "from the page that is open",
        [("safariAcceptCookies", "1.5")] = "from pages that were visited",
        [("safariAcceptCookies", "2")] = "always",
    }.ToFrozenDictionary();

    public static string Words(CatalogueKey key, string value) =>
        Named.TryGetValue((key.Path[(key.Path.LastIndexOf('/') + 1)..], value), out var words) ? words
        : key.Values is [PlistInteger { }, PlistInteger { }] && key.Values.Select(CatalogueField.Written).SequenceEqual(["0", "1"]) ? value == "1" ? "yes" : "no"
        : value;

    public IReadOnlyList<PayloadField> Of(string prefix, KeySet keys, JsonObject? values, int depth = 0) =>
        [.. keys.Where(key => key.Name != "ANY").Select(key => Of(key, prefix.Length > 0 ? $"{prefix}.{key.Name}" : key.Name, values?[key.Name], depth))];

    private PayloadField Of(CatalogueKey key, string name, JsonNode? value, int depth)
    {
        var text = texts(key);
        var kind = KindOf(key, depth);
        if (kind == PayloadFieldKind.Layout && value is not null && HomeScreenLayout.Write(value, key.Name == "Dock") is null)
            kind = PayloadFieldKind.Json;
        // Within a group that may be left out nothing is required of everybody.
        var field = new PayloadField(name, text.Label, text.Help, kind, key, key.Required && depth == 0 && kind != PayloadFieldKind.Group, null, []);
        if (raw?.TryGetValue(name, out var typed) is true)
            return field with { Value = typed };
        switch (kind)
        {
            case PayloadFieldKind.Group:
                return field with { Fields = Of(name, key.Keys, value as JsonObject, depth + 1) };
            case PayloadFieldKind.List:
                return field with { Fields = [.. Items(key, name, value as JsonArray, key.Required && depth == 0, depth)] };
            case PayloadFieldKind.Secret or PayloadFieldKind.SecretFile:
                return field with { Kept = value is JsonValue secret && secret.TryGetValue(out string? entered) && entered.Length > 0 ? entered == Hidden ? Hidden : seal(entered) : null };
            case PayloadFieldKind.File:
                return field with { Kept = value is JsonValue bytes && bytes.TryGetValue(out string? base64) && base64.Length is > 0 and <= LongestKept ? base64 : null };
            case PayloadFieldKind.Choice or PayloadFieldKind.Choices when key.Values.Count > 0 || key.Item?.Values.Count > 0:
                var of = key.Item ?? key;
                return field with { Value = Shown(value, kind), Options = [.. (key.Values.Count > 0 ? key.Values : of.Values).Select(CatalogueField.Written).Select(one => (one, Words(key, one)))] };
            case PayloadFieldKind.Choice or PayloadFieldKind.Choices:
                var fitting = key.Type == KeyType.Array ? Certificates : Identities;
                return field with { Value = Shown(value, kind), Options = Known(value, [.. payloads.Where(payload => fitting.Contains(payload.Type)).Select(payload => (payload.Uuid, payload.Words))]) };
            case PayloadFieldKind.Layout:
                return field with { Value = value is null ? null : HomeScreenLayout.Write(value, key.Name == "Dock") };
            default:
                return field with { Value = Shown(value, kind) };
        }
    }

    /// <summary>A reference to a payload that is not there stays visible.</summary>
    private static List<(string, string)> Known(JsonNode? value, List<(string Uuid, string Words)> options)
    {
        foreach (var given in value is JsonArray several ? several : [value?.DeepClone()])
        {
            if (given is JsonValue one && one.TryGetValue(out string? uuid) && uuid.Length > 0 && !options.Exists(option => option.Uuid.Equals(uuid, StringComparison.OrdinalIgnoreCase)))
                options.Add((uuid, $"{uuid} (not in this profile)"));
        }

        return options;
    }

    private IEnumerable<PayloadField> Items(CatalogueKey key, string name, JsonArray? values, bool atLeastOne, int depth)
    {
        var count = Math.Max(values?.Count ?? 0, atLeastOne ? 1 : 0);
        for (var index = 0; index < count; index++)
        {
            var at = string.Create(CultureInfo.InvariantCulture, $"{name}[{index}]");
            var value = index < values?.Count ? values[index] as JsonObject : null;
            yield return new PayloadField(at, string.Create(CultureInfo.InvariantCulture, $"{index + 1}"), "", PayloadFieldKind.Item, key.Item!, false, null, Of(at, key.Item!.Keys, value, depth + 1));
        }
    }

    public static PayloadFieldKind KindOf(CatalogueKey key, int depth)
    {
        var item = key.Item;
        switch (key.Type)
        {
            case KeyType.String or KeyType.Array when IsReference(key):
                return key.Type == KeyType.Array ? PayloadFieldKind.Choices : PayloadFieldKind.Choice;
            case not KeyType.Array when key.Values.Count > 0:
                return PayloadFieldKind.Choice;
            case KeyType.Boolean:
                return PayloadFieldKind.Flag;
            case KeyType.Integer or KeyType.Real:
                return PayloadFieldKind.Number;
            case KeyType.String:
                return ProfileSecrets.IsSecretName(key.Name) ? PayloadFieldKind.Secret : PayloadFieldKind.Text;
            case KeyType.Date:
                return PayloadFieldKind.Date;
            case KeyType.Data:
                return key.Path is "PayloadContent" or "Certificate" || ProfileSecrets.IsSecretName(key.Name) ? PayloadFieldKind.SecretFile : PayloadFieldKind.File;
            case KeyType.Array when key.Path is "Dock" or "Pages":
                return PayloadFieldKind.Layout;
            case KeyType.Array when key.Name == "Subject":
                return PayloadFieldKind.Subject;
            case KeyType.Array when item is { Values.Count: > 0 } || key.Values.Count > 0:
                return PayloadFieldKind.Choices;
            case KeyType.Array when item is { Type: KeyType.String or KeyType.Integer }:
                return PayloadFieldKind.Lines;
            case KeyType.Array when item is { Type: KeyType.Dictionary, Keys.Count: > 0 } && depth < MostDepth:
                return PayloadFieldKind.List;
            case KeyType.Dictionary when key.Keys.Count > 0 && depth < MostDepth:
                return PayloadFieldKind.Group;
            default:
                return PayloadFieldKind.Json;
        }
    }

    /// <summary>It names another payload of the profile, which is chosen and not typed.</summary>
    private static bool IsReference(CatalogueKey key) =>
        key.Values.Count == 0 && (key.Name.EndsWith("CertificateUUID", StringComparison.Ordinal) || key.Name.EndsWith("CertificateUUIDs", StringComparison.Ordinal)
            || key.Name.EndsWith("CertificateAnchorUUID", StringComparison.Ordinal) || key.Name == "certificateUUID");

    private static string? Shown(JsonNode? value, PayloadFieldKind kind)
    {
        switch (value)
        {
            case null:
                return null;
            case JsonArray array when kind is PayloadFieldKind.Lines or PayloadFieldKind.Choices:
                return array.Count == 0 ? null : string.Join('\n', array.Select(Plain));
            case JsonArray array when kind == PayloadFieldKind.Subject:
                return SubjectText.Write(array);
            case JsonValue single:
                var text = Plain(single);
                return text.Length > 0 ? text : null;
            default:
                return value.ToJsonString(new System.Text.Json.JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        }
    }

    private static string Plain(JsonNode? value) => value is JsonValue single && single.TryGetValue(out string? text) ? text : value?.ToJsonString() ?? "";
}

/// <summary>The name in a certificate, as people write it: <c>O=North School</c>, one a line. Apple has lists in lists.</summary>
internal static class SubjectText
{
    public static JsonArray Read(string text) => new([.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(line =>
    {
        var parts = line.Split('=', 2, StringSplitOptions.TrimEntries);
        return (JsonNode)new JsonArray(parts.Length == 2 ? new JsonArray(parts[0], parts[1]) : new JsonArray(parts[0]));
    })]);

    /// <summary>Null: it is of another shape.</summary>
    public static string? Write(JsonArray subject) => string.Join('\n', subject.OfType<JsonArray>().SelectMany(part => part.OfType<JsonArray>())
        .Select(pair => string.Join('=', pair.Select(one => (string?)one))));
}
