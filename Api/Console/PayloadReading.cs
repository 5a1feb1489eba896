using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.Catalogue;

namespace FleetMdm.Api.Console;

/// <summary>
/// Reads what a person entered into the fields of payloads as JSON with Apple's keys. What is left empty is left out; a number that is none stays a text, which the
/// check then names. Keys that the form does not have stay as they are in the version before.
/// </summary>
/// <param name="form">As it was sent.</param>
/// <param name="open">Opens what this server sealed into the form; null: it cannot be opened.</param>
/// <param name="keepEmpty">Items of lists without anything in them stay: the form is shown again.</param>
internal sealed class PayloadReading(UploadForm form, Func<string, string?> open, bool keepEmpty)
{
    /// <summary>More items of one list no form has.</summary>
    private const int MostItems = 1000;

    private readonly Dictionary<string, int> _counts = Counts(form.Names);

    /// <summary>What was typed where it cannot be read.</summary>
    public Dictionary<string, string> Raw { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, string[]> Errors { get; } = new(StringComparer.Ordinal);

    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    /// <summary>A field of the form that is read beside those of the catalogue.</summary>
    public string? Own(string name)
    {
        _asked.Add(name);
        return form.Once(name);
    }

    /// <summary>Fields below a list that nobody has read: somebody means something by them, so they are not left out in silence.</summary>
    public void RefuseOthers(string list)
    {
        foreach (var name in form.Filled)
        {
            if (name.StartsWith(list + "[", StringComparison.Ordinal) && !_asked.Contains(name))
                Errors.TryAdd(name, ["This form has no such field. Load the page again."]);
        }
    }

    /// <summary>How many items a list has in the form.</summary>
    public int Count(string list) => _counts.GetValueOrDefault(list);

    /// <param name="before">Of the version before; null: there is none.</param>
    public async Task<JsonObject> Read(string prefix, KeySet keys, JsonObject? before, CancellationToken cancellationToken, int depth = 0)
    {
        var json = new JsonObject();
        foreach (var (name, value) in before ?? [])
        {
            if (!keys.TryGet(name, out _))
                json[name] = value?.DeepClone();
        }

        foreach (var key in keys)
        {
            var name = prefix.Length > 0 ? $"{prefix}.{key.Name}" : key.Name;
            if (await Value(name, key, before?[key.Name], depth, cancellationToken) is { } value)
                json[key.Name] = value;
        }

        return json;
    }

    private async Task<JsonNode?> Value(string name, CatalogueKey key, JsonNode? before, int depth, CancellationToken cancellationToken)
    {
        var kind = PayloadFields.KindOf(key, depth);
        _asked.Add(name);
        if (kind is PayloadFieldKind.File or PayloadFieldKind.SecretFile or PayloadFieldKind.Secret)
            _asked.UnionWith([name + ".kept", name + ".drop", name + ".text"]);
        switch (kind)
        {
            case PayloadFieldKind.Group:
                return await Read(name, key.Keys, before as JsonObject, cancellationToken, depth + 1) is { Count: > 0 } group ? group : null;
            case PayloadFieldKind.List:
                return await List(name, key, before as JsonArray, depth, cancellationToken);
            case PayloadFieldKind.File or PayloadFieldKind.SecretFile:
                return await File(name, kind, before, cancellationToken);
            case PayloadFieldKind.Secret:
                return form.Once(name) ?? Kept(name, kind);
            case PayloadFieldKind.Choices:
                var chosen = form.All(name);
                return chosen.Count == 0 ? null : new JsonArray([.. chosen.Select(one => Typed(one, key.Item ?? key))]);
        }

        if (form.Once(name) is not { } text)
            return null;
        switch (kind)
        {
            case PayloadFieldKind.Flag:
                return text is "true" or "false" ? text == "true" : text;
            case PayloadFieldKind.Lines:
                return new JsonArray([.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(line => Typed(line, key.Item!))]);
            case PayloadFieldKind.Subject:
                return SubjectText.Read(text);
            case PayloadFieldKind.Layout when !text.TrimStart().StartsWith("[{", StringComparison.Ordinal) && !text.TrimStart().StartsWith("[[", StringComparison.Ordinal):
                if (HomeScreenLayout.Read(text.ReplaceLineEndings("\n"), key.Name == "Dock", out var problem) is { } layout)
                    return layout.Count > 0 ? layout : null;
                return Wrong(name, text, problem!);
            case PayloadFieldKind.Json or PayloadFieldKind.Layout:
                try
                {
                    return JsonNode.Parse(text);
                }
                catch (JsonException)
                {
                    return Wrong(name, text, "Enter JSON, as in {\"key\": \"value\"}.");
                }

            default:
                return Typed(text, key);
        }
    }

    private async Task<JsonArray?> List(string name, CatalogueKey key, JsonArray? before, int depth, CancellationToken cancellationToken)
    {
        var list = new JsonArray();
        for (var index = 0; index < Math.Min(Count(name), MostItems); index++)
        {
            var at = string.Create(CultureInfo.InvariantCulture, $"{name}[{index}]");
            var was = int.TryParse(Own(at), NumberStyles.None, CultureInfo.InvariantCulture, out var place) && place < before?.Count ? before[place] as JsonObject : null;
            var item = await Read(at, key.Item!.Keys, was, cancellationToken, depth + 1);
            if (item.Count > 0 || keepEmpty)
                list.Add((JsonNode)item);
        }

        return list.Count > 0 ? list : null;
    }

    private async Task<JsonNode?> File(string name, PayloadFieldKind kind, JsonNode? before, CancellationToken cancellationToken)
    {
        if (await form.File(name, cancellationToken) is { } bytes)
            return Convert.ToBase64String(bytes);
        if (form.Once(name + ".text") is { } text)
            return Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
        if (form.Once(name + ".drop") is not null)
            return null;
        // One that is too large to travel in the form stays from the version before.
        return Kept(name, kind) ?? (kind == PayloadFieldKind.File && form.Once(name + ".kept") is null ? before?.DeepClone() : null);
    }

    /// <summary>What was entered before, in this form or in a version.</summary>
    private JsonNode? Kept(string name, PayloadFieldKind kind)
    {
        if (form.Once(name + ".kept") is not { } kept || form.Once(name + ".drop") is not null)
            return null;
        return kind == PayloadFieldKind.File || kept == PayloadFields.Hidden ? kept : open(kept);
    }

    private JsonNode? Wrong(string name, string text, string problem)
    {
        Raw[name] = text;
        Errors[name] = [problem];
        return null;
    }

    private static JsonNode Typed(string text, CatalogueKey key) => key.Type switch
    {
        KeyType.Integer or KeyType.Real when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => whole,
        KeyType.Real when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real) => real,
        KeyType.Boolean when text is "true" or "false" => text == "true",
        _ => text,
    };

    /// <summary>Of each list that is named as in <c>list[3]</c> or <c>list[3].key</c>, how many items it has.</summary>
    private static Dictionary<string, int> Counts(IEnumerable<string> names)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            for (var at = name.IndexOf('['); at >= 0; at = name.IndexOf('[', at + 1))
            {
                var end = name.IndexOf(']', at);
                if (end < 0 || !int.TryParse(name.AsSpan(at + 1, end - at - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index) || index >= MostItems)
                    break;
                var list = name[..at];
                counts[list] = Math.Max(counts.GetValueOrDefault(list), index + 1);
            }
        }

        return counts;
    }
}
