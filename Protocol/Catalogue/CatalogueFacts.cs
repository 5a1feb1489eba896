using System.Text.Json;
using System.Text.Json.Serialization;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>A file of the catalogue, as it is committed: names, types and numbers, and none of Apple's sentences.</summary>
/// <remarks>The generator writes these files from Apple's schema; <c>additions.json</c> is written by hand in the same words.</remarks>
internal sealed record FactsFile
{
    /// <summary>Types of other platforms, and which.</summary>
    [JsonPropertyOrder(1)]
    public SortedDictionary<string, string>? Elsewhere { get; init; }
    public List<TypeFacts> Types { get; init; } = [];
}

/// <summary><c>additions.json</c>: what the schema at hand lacks, laid over the other files when they are read.</summary>
internal sealed record AdditionsFile
{
    public FactsFile Commands { get; init; } = new();
    public FactsFile Payloads { get; init; } = new();
}

/// <summary>What is said of a type and of a key. A key says only what differs from what it stands in.</summary>
internal abstract record Facts
{
    /// <summary>The first version of iPadOS.</summary>
    public string? Since { get; init; }
    public string? Deprecated { get; init; }
    public string? Removed { get; init; }
    public bool? Supervised { get; init; }
    /// <summary>Needs Automated Device Enrolment.</summary>
    public bool? Ade { get; init; }
    /// <summary>The access right of the MDM payload.</summary>
    public string? Right { get; init; }
    /// <summary>On a Shared iPad: forbidden, required or ignored; absent: allowed.</summary>
    public string? SharedIPad { get; init; }
    /// <summary>The channels of a Shared iPad: device, user, or both with a space between.</summary>
    public string? Channels { get; init; }
    /// <summary>In a User Enrolment: forbidden, required or ignored; absent: allowed.</summary>
    public string? UserEnrolment { get; init; }
    /// <summary>Where a fact of <c>additions.json</c> is from.</summary>
    public string? Source { get; init; }
}

internal sealed record TypeFacts : Facts
{
    [JsonPropertyOrder(-2)]
    public required string Name { get; init; }
    /// <summary>Tells types of one name apart.</summary>
    [JsonPropertyOrder(-1)]
    public string? Variant { get; init; }
    /// <summary>More than one may stand on an iPad.</summary>
    public bool? Multiple { get; init; }
    /// <summary>false: nobody can install it by hand.</summary>
    public bool? Manual { get; init; }
    /// <summary>Of a declaration: single, multiple, combined.</summary>
    public string? Apply { get; init; }
    /// <summary>Of a declaration.</summary>
    public string? Enrolments { get; init; }
    public string? Scopes { get; init; }
    [JsonPropertyOrder(2)]
    public List<KeyFacts>? Keys { get; init; }
    /// <summary>What an iPad answers.</summary>
    [JsonPropertyOrder(2)]
    public List<KeyFacts>? Answer { get; init; }
    /// <summary>Keys of other platforms, and which.</summary>
    [JsonPropertyOrder(1)]
    public SortedDictionary<string, string>? Elsewhere { get; init; }
}

internal sealed record KeyFacts : Facts
{
    /// <summary>Absent for the items of a list and for values of arbitrary keys.</summary>
    [JsonPropertyOrder(-3)]
    public string? Key { get; init; }
    [JsonPropertyOrder(-2)]
    public string? Type { get; init; }
    [JsonPropertyOrder(-1)]
    public bool? Required { get; init; }
    public JsonElement? Default { get; init; }
    public List<JsonElement>? Values { get; init; }
    public double? Min { get; init; }
    public double? Max { get; init; }
    public int? MinItems { get; init; }
    public int? MaxItems { get; init; }
    /// <summary>A regular expression.</summary>
    public string? Format { get; init; }
    /// <summary>What a text is: url, hostname, …</summary>
    public string? Kind { get; init; }
    /// <summary>How declarations combine.</summary>
    public string? Combine { get; init; }
    /// <summary>The types of assets that it may name.</summary>
    public string? Assets { get; init; }
    /// <summary>The same keys, or the same items, as those of the key at this path: the structure contains itself.</summary>
    public string? Like { get; init; }
    [JsonPropertyOrder(2)]
    public List<KeyFacts>? Keys { get; init; }
    /// <summary>What the items of a list are.</summary>
    [JsonPropertyOrder(2)]
    public KeyFacts? Item { get; init; }
    /// <summary>What stands under keys that somebody else chooses.</summary>
    [JsonPropertyOrder(2)]
    public KeyFacts? Any { get; init; }
    /// <summary>The dictionaries that may stand here, told apart by their key Item.</summary>
    [JsonPropertyOrder(2)]
    public List<KeyFacts>? Variants { get; init; }
    /// <summary>The texts that may stand here, each with facts of its own; Type is that of the answer.</summary>
    [JsonPropertyOrder(2)]
    public List<KeyFacts>? Choices { get; init; }
    [JsonPropertyOrder(1)]
    public SortedDictionary<string, string>? Elsewhere { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, ReadCommentHandling = JsonCommentHandling.Skip)]
[JsonSerializable(typeof(FactsFile))]
[JsonSerializable(typeof(AdditionsFile))]
internal sealed partial class FactsJson : JsonSerializerContext;

/// <summary>Lays one table of facts over another: what stands in the second is added, or is said instead.</summary>
internal static class FactsOverlay
{
    public static FactsFile Over(this FactsFile above, FactsFile below)
    {
        var types = below.Types.ToDictionary(Id);
        foreach (var type in above.Types)
            types[Id(type)] = types.TryGetValue(Id(type), out var known) ? Over(type, known) : type;
        return below with
        {
            Types = [.. types.Values.OrderBy(type => type.Name, StringComparer.Ordinal).ThenBy(type => type.Variant, StringComparer.Ordinal)],
            Elsewhere = Over(above.Elsewhere, below.Elsewhere, types.Values.Select(type => type.Name)),
        };
    }

    private static (string Name, string? Variant) Id(TypeFacts type) => (type.Name, type.Variant);

    private static TypeFacts Over(TypeFacts above, TypeFacts below) => below with
    {
        Since = above.Since ?? below.Since,
        Deprecated = above.Deprecated ?? below.Deprecated,
        Removed = above.Removed ?? below.Removed,
        Supervised = above.Supervised ?? below.Supervised,
        Source = above.Source ?? below.Source,
        Keys = Over(above.Keys, below.Keys),
        Answer = Over(above.Answer, below.Answer),
        Elsewhere = Over(above.Elsewhere, below.Elsewhere, (above.Keys ?? []).Concat(below.Keys ?? []).Select(key => key.Key)),
    };

    private static KeyFacts Over(KeyFacts above, KeyFacts below) => below with
    {
        Since = above.Since ?? below.Since,
        Deprecated = above.Deprecated ?? below.Deprecated,
        Removed = above.Removed ?? below.Removed,
        Supervised = above.Supervised ?? below.Supervised,
        Source = above.Source ?? below.Source,
        Keys = Over(above.Keys, below.Keys),
        Item = above.Item is not null && below.Item is not null ? Over(above.Item, below.Item) : above.Item ?? below.Item,
        Variants = Over(above.Variants, below.Variants),
        Choices = Over(above.Choices, below.Choices),
        Values = above.Values ?? below.Values,
        Elsewhere = Over(above.Elsewhere, below.Elsewhere, (above.Keys ?? []).Concat(below.Keys ?? []).Select(key => key.Key)),
    };

    private static List<KeyFacts>? Over(List<KeyFacts>? above, List<KeyFacts>? below)
    {
        if (above is null || below is null)
            return above ?? below;
        var keys = below.Select(key => above.Find(other => other.Key == key.Key) is { } other ? Over(other, key) : key).ToList();
        keys.AddRange(above.Where(key => !below.Exists(other => other.Key == key.Key)));
        return keys;
    }

    /// <summary>Without what is known here by now.</summary>
    private static SortedDictionary<string, string>? Over(
        SortedDictionary<string, string>? above, SortedDictionary<string, string>? below, IEnumerable<string?> here)
    {
        var elsewhere = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, platforms) in (below ?? []).Concat(above ?? []))
            elsewhere[name] = platforms;
        foreach (var name in here.OfType<string>())
            elsewhere.Remove(name);
        return elsewhere.Count > 0 ? elsewhere : null;
    }
}
