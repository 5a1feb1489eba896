using System.Globalization;
using System.Text.Json.Nodes;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Api.Console;

/// <summary>How a field of a form from the catalogue is entered.</summary>
public enum FieldKind
{
    Text = 0,
    Number,
    /// <summary>Yes, no, or left out.</summary>
    Flag,
    /// <summary>One of a list.</summary>
    Choice,
    Date,
    File,
    /// <summary>A list of texts or numbers: one a line.</summary>
    Lines,
    /// <summary>What has no field of its own: as JSON.</summary>
    Json,
    /// <summary>The name of the fields that follow.</summary>
    Group,
}

/// <summary>A field of a form that is made from the catalogue.</summary>
/// <param name="Name">Its path in JSON, as errors name it: <c>returnToService.enabled</c>.</param>
/// <param name="Group">The group that it stands in; empty: none.</param>
public sealed record CatalogueField(string Name, string Label, string Help, FieldKind Kind, CatalogueKey Key, string Group, bool Required)
{
    /// <summary>What may be chosen.</summary>
    public IReadOnlyList<string> Choices => Kind == FieldKind.Choice ? [.. Key.Values.Select(Written)] : [];

    /// <summary>What is true of it beside what it means, as in <c>iPadOS 17.0, supervised only</c>.</summary>
    public string Note => string.Join(", ", new[] { Key.On.Since is { } since ? $"iPadOS {since}" : null, Key.On.Supervised ? "supervised only" : null }.OfType<string>());

    /// <summary>The fields for keys, depth first. The group of a dictionary stands before its fields.</summary>
    public static IReadOnlyList<CatalogueField> Of(KeySet keys, Func<CatalogueKey, CatalogueText> texts, Func<CatalogueKey, bool> isOptional)
    {
        var fields = new List<CatalogueField>();
        Add(fields, keys, "", "", texts, isOptional, depth: 0);
        return fields;
    }

    private static void Add(
        List<CatalogueField> fields, KeySet keys, string prefix, string group, Func<CatalogueKey, CatalogueText> texts, Func<CatalogueKey, bool> isOptional, int depth)
    {
        foreach (var key in keys)
        {
            var text = texts(key);
            var kind = KindOf(key, depth);
            // Inside a group that may be left out nothing is required of everybody.
            fields.Add(new CatalogueField(prefix + key.JsonName, text.Label, text.Help, kind, key, group, key.Required && depth == 0 && !isOptional(key)));
            if (kind == FieldKind.Group)
                Add(fields, key.Keys, $"{prefix}{key.JsonName}.", prefix + key.JsonName, texts, isOptional, depth + 1);
        }
    }

    private static FieldKind KindOf(CatalogueKey key, int depth) => key.Type switch
    {
        _ when key.Values.Count > 0 => FieldKind.Choice,
        KeyType.Boolean => FieldKind.Flag,
        KeyType.Integer or KeyType.Real => FieldKind.Number,
        KeyType.String => FieldKind.Text,
        KeyType.Date => FieldKind.Date,
        KeyType.Data => FieldKind.File,
        KeyType.Array when key.Item is { Type: KeyType.String or KeyType.Integer } => FieldKind.Lines,
        // Deeper ones are rare; JSON says them better than boxes in boxes.
        KeyType.Dictionary when key.Keys.Count > 0 && depth < 2 => FieldKind.Group,
        _ => FieldKind.Json,
    };

    /// <summary>What a person entered, as JSON. What was left empty is left out.</summary>
    /// <exception cref="ApiProblem">Names the field.</exception>
    internal static async Task<JsonObject> Read(IReadOnlyList<CatalogueField> fields, UploadForm form, CancellationToken cancellationToken)
    {
        var json = new JsonObject();
        foreach (var field in fields.Where(field => field.Kind != FieldKind.Group))
        {
            if (await field.Value(form, cancellationToken) is { } value)
                Put(json, field.Name.Split('.'), value);
        }

        return json;
    }

    private static void Put(JsonObject json, ReadOnlySpan<string> path, JsonNode value)
    {
        for (; path.Length > 1; path = path[1..])
            json = (JsonObject)(json[path[0]] ??= new JsonObject());
        json[path[0]] = value;
    }

    private async Task<JsonNode?> Value(UploadForm form, CancellationToken cancellationToken)
    {
        if (Kind == FieldKind.File)
            return await form.File(Name, cancellationToken) is { } bytes ? Convert.ToBase64String(bytes) : null;
        if (form.Get(Name) is not { } text)
            return null;
        switch (Kind)
        {
            case FieldKind.Flag:
                return text == "true";
            case FieldKind.Number or FieldKind.Choice when Key.Type is KeyType.Integer or KeyType.Real:
                return Number(text);
            case FieldKind.Lines:
                var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
                return new JsonArray([.. lines.Select(line => Key.Item!.Type == KeyType.Integer ? Number(line) : (JsonNode)line)]);
            case FieldKind.Json:
                try
                {
                    return JsonNode.Parse(text);
                }
                catch (System.Text.Json.JsonException)
                {
                    throw ApiProblem.Field(Name, "Enter JSON, as in {\"key\": \"value\"}.");
                }

            default:
                return text;
        }
    }

    private JsonNode Number(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? (JsonNode)whole
        : Key.Type == KeyType.Real && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real) ? real
        : throw ApiProblem.Field(Name, Key.Type == KeyType.Real ? "Enter a number." : "Enter a whole number.");

    /// <summary>A value as it stands in a form.</summary>
    internal static string Written(PlistNode value) => value switch
    {
        PlistString text => text.Value,
        PlistInteger integer => integer.Value.ToString(CultureInfo.InvariantCulture),
        PlistReal real => real.Value.ToString(CultureInfo.InvariantCulture),
        PlistBoolean flag => flag.Value ? "true" : "false",
        _ => "",
    };
}
