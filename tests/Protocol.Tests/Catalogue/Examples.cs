using System.Text.Json.Nodes;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Tests.Mdm;

namespace FleetMdm.Protocol.Tests.Catalogue;

/// <summary>Makes values from the catalogue: right ones, and each with one mistake.</summary>
internal static class Examples
{
    /// <summary>Of structures that contain themselves.</summary>
    private const int MostDepth = 8;

    private static readonly byte[] Profile = PlistWriter.ToBytes(new PlistDictionary
    {
        ["PayloadType"] = "Configuration",
        ["PayloadVersion"] = 1,
        ["PayloadIdentifier"] = "example.school.wifi",
        ["PayloadUUID"] = Samples.CommandUuid,
        ["PayloadContent"] = new PlistArray
        {
            new PlistDictionary
            {
                ["PayloadType"] = "com.apple.wifi.managed",
                ["PayloadVersion"] = 1,
                ["PayloadIdentifier"] = "example.school.wifi.one",
                ["PayloadUUID"] = "7D3C1B0A-52E5-4B8E-9C61-0F2A4D5E6B7D",
                ["SSID_STR"] = "School",
                ["EncryptionType"] = "WPA2",
                ["Password"] = "hopscotch",
            },
        },
    });

    /// <summary>Texts of Apple's formats.</summary>
    private static readonly string[] Formatted =
        ["7D3C1B0A-52E5-4B8E-9C61-0F2A4D5E6B7C", "00:11:22:33:44:55", "https://school.example/", "123456", "123456789"];

    /// <summary>The keys that people leave out where they may, and all keys.</summary>
    public static PlistDictionary Of(KeySet keys, bool all, string type = "", int depth = 0)
    {
        var dictionary = new PlistDictionary();
        foreach (var key in keys.Where(key => all || key.Required))
            dictionary[key.Name] = Of(key, all, type, depth);
        return dictionary;
    }

    public static PlistNode Of(CatalogueKey key, bool all, string type = "", int depth = 0)
    {
        if (key.Values.Count > 0)
            return key.Values[0];
        switch (key.Type)
        {
            case KeyType.String:
                return key.Choices.Count > 0 ? key.Choices[0].Name
                    : key.Format is { } format ? Formatted.First(text => System.Text.RegularExpressions.Regex.IsMatch(text, format))
                    : "example";
            case KeyType.Integer:
                return (long)(key.Min ?? key.Max ?? 1);
            case KeyType.Real:
                return new PlistReal(key.Min ?? key.Max ?? 1.5);
            case KeyType.Boolean:
                return true;
            case KeyType.Date:
                return new DateTimeOffset(2027, 2, 1, 8, 30, 0, TimeSpan.Zero);
            case KeyType.Data:
                return CommandBehaviours.IsProfile(type, key.Path) ? Profile : (byte[])[1, 2, 3];
            case KeyType.Array:
                var count = depth > MostDepth ? 0 : Math.Max(1, key.MinItems ?? 1);
                return new PlistArray(Enumerable.Range(0, count).Select(_ => key.Item is { } item ? Of(item, all, type, depth + 1) : "item"));
            case KeyType.Dictionary:
                return key.Any is { } any ? new PlistDictionary { ["some.key"] = Of(any, all, type, depth + 1) }
                    : key.Variants.Count > 0 ? Of(key.Variants[0].Keys, all, type, depth + 1)
                    : Of(key.Keys, all, type, depth + 1);
            default:
                return new PlistDictionary { ["a"] = new PlistArray { 1, "t", false } };
        }
    }

    /// <summary>The same value with one mistake, and where the mistake is, in Apple's words and in those of JSON.</summary>
    public static IEnumerable<(string What, PlistDictionary Wrong, string Apple, string Json)> Mistakes(PlistDictionary right, KeySet keys, string apple = "", string json = "")
    {
        foreach (var key in keys)
        {
            var (at, jsonAt) = ($"{apple}/{key.Name}", $"{json}/{key.JsonName}");
            if (key.Required)
                yield return ("missing", Without(right, key.Name), at, jsonAt);
            if (!right.TryGetValue(key.Name, out var value))
                continue;
            foreach (var (what, wrong, below, jsonBelow) in Mistakes(value, key, at, jsonAt))
            {
                var changed = Without(right, null);
                changed[key.Name] = wrong;
                yield return (what, changed, below, jsonBelow);
            }
        }
    }

    private static IEnumerable<(string What, PlistNode Wrong, string Apple, string Json)> Mistakes(PlistNode right, CatalogueKey key, string apple, string json)
    {
        if (key.Type != KeyType.Any)
            yield return ("of the wrong type", key.Type is KeyType.String or KeyType.Data or KeyType.Date ? 7 : "seven", apple, json);
        if (key.Values.Count > 0)
            yield return ("not in the list", key.Values[0] is PlistString ? "no such value" : 987_654, apple, json);
        if (key.Min is { } min && key.Values.Count == 0)
            yield return ("too small", key.Type == KeyType.Real ? new PlistReal(min - 1) : (long)min - 1, apple, json);
        if (key.Max is { } max && key.Values.Count == 0)
            yield return ("too large", key.Type == KeyType.Real ? new PlistReal(max + 1) : (long)max + 1, apple, json);
        if (key.Format is not null && key.Values.Count == 0)
            yield return ("of another form", "§", apple, json);
        switch (right)
        {
            case PlistArray { Count: > 0 } list when key.Item is { } item:
                if (key.MaxItems is { } most)
                    yield return ("of too many items", new PlistArray(Enumerable.Repeat(list[0], most + 1)), apple, json);
                foreach (var (what, wrong, below, jsonBelow) in Mistakes(list[0], item, apple + "/0", json + "/0"))
                    yield return (what, new PlistArray([wrong, .. list.Skip(1)]), below, jsonBelow);
                break;
            case PlistDictionary dictionary when key.Any is { } any && any.Type != KeyType.Any:
                foreach (var (what, wrong, below, jsonBelow) in Mistakes(dictionary.First().Value, any, apple + "/some.key", json + "/some.key"))
                    yield return (what, new PlistDictionary { ["some.key"] = wrong }, below, jsonBelow);
                break;
            case PlistDictionary dictionary when key.Any is null && key.Variants.Count == 0:
                foreach (var mistake in Mistakes(dictionary, key.Keys, apple, json))
                    yield return mistake;
                break;
        }
    }

    /// <summary>As JSON commands are written, or with Apple's names.</summary>
    public static JsonObject Json(PlistDictionary dictionary, KeySet keys, KeyNames names = KeyNames.Json)
    {
        var json = new JsonObject();
        foreach (var (name, value) in dictionary)
        {
            var known = keys.TryGet(name, out var key);
            json[known && names == KeyNames.Json ? key!.JsonName : name] = Json(value, key, names);
        }

        return json;
    }

    private static JsonNode Json(PlistNode value, CatalogueKey? key, KeyNames names) => value switch
    {
        PlistString text => text.Value,
        PlistInteger integer => (long)integer.Value,
        PlistReal real => real.Value,
        PlistBoolean flag => flag.Value,
        PlistDate date => date.Value.ToString("O"),
        PlistData data => Convert.ToBase64String(data.Value),
        PlistArray list => new JsonArray([.. list.Select(item => Json(item, key?.Item, names))]),
        PlistDictionary dictionary when key?.Any is { } any =>
            new JsonObject(dictionary.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)Json(entry.Value, any, names)))),
        PlistDictionary dictionary when key?.Variants.Count > 0 => Json(dictionary, Variant(dictionary, key), names),
        PlistDictionary dictionary => Json(dictionary, key?.Keys ?? KeySet.Empty, names),
        _ => throw new InvalidOperationException(),
    };

    private static KeySet Variant(PlistDictionary dictionary, CatalogueKey key) =>
        dictionary.GetString(CatalogueKey.Discriminator) is { } name && key.Variants.TryGet(name, out var variant) ? variant.Keys : key.Variants[0].Keys;

    public static PlistDictionary Without(PlistDictionary dictionary, string? key)
    {
        var copy = new PlistDictionary();
        foreach (var (name, value) in dictionary)
        {
            if (name != key)
                copy[name] = value;
        }

        return copy;
    }
}
