using System.Text.Json;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>What the value of a key is.</summary>
public enum KeyType
{
    Any = 0,
    String,
    Integer,
    Real,
    Boolean,
    Date,
    Data,
    Array,
    Dictionary,
}

/// <summary>Since when and on which iPads something works; a key has what it stands in where it says nothing else.</summary>
public record Availability
{
    /// <summary>The first version of iPadOS, as in <c>17.0</c>; null: the schema does not say.</summary>
    public string? Since { get; init; }
    public string? Deprecated { get; init; }
    public string? Removed { get; init; }
    /// <summary>Works on supervised iPads only.</summary>
    public bool Supervised { get; init; }
    /// <summary>Works on iPads only that came by Automated Device Enrolment.</summary>
    public bool AutomatedEnrolment { get; init; }
    /// <summary>The access right of the enrolment that it needs, as in <c>AllowDeviceErase</c>; null: none.</summary>
    public string? AccessRight { get; init; }
    /// <summary>allowed, forbidden, required or ignored on a Shared iPad.</summary>
    public string SharedIPad { get; init; } = "allowed";
    /// <summary>device, user or both: the channels of a Shared iPad.</summary>
    public IReadOnlyList<string> Channels { get; init; } = [];
    /// <summary>allowed, forbidden, required or ignored in a User Enrolment.</summary>
    public string UserEnrolment { get; init; } = "allowed";

    internal static Availability Of(Facts facts, Availability? parent)
    {
        var right = facts.Right ?? parent?.AccessRight;
        return new Availability
        {
            Since = facts.Since ?? parent?.Since,
            Deprecated = facts.Deprecated ?? parent?.Deprecated,
            Removed = facts.Removed ?? parent?.Removed,
            Supervised = facts.Supervised ?? parent?.Supervised ?? false,
            AutomatedEnrolment = facts.Ade ?? parent?.AutomatedEnrolment ?? false,
            AccessRight = right == "None" ? null : right,
            SharedIPad = facts.SharedIPad ?? parent?.SharedIPad ?? "allowed",
            Channels = facts.Channels?.Split(' ') ?? parent?.Channels ?? [],
            UserEnrolment = facts.UserEnrolment ?? parent?.UserEnrolment ?? "allowed",
        };
    }
}

/// <summary>A key of a command, of a payload or of a dictionary in one. Immutable once the catalogue is read.</summary>
public sealed class CatalogueKey
{
    /// <summary>Apple's name; empty for the items of a list.</summary>
    public required string Name { get; init; }
    /// <summary>As in JSON commands: Apple's name in camel case.</summary>
    public string JsonName { get; private init; } = "";
    /// <summary>From the type down, joined by <c>/</c>; the items of a list add nothing. The texts go by it.</summary>
    public required string Path { get; init; }
    public required KeyType Type { get; init; }
    public required Availability On { get; init; }
    public bool Required { get; init; }
    /// <summary>What an iPad takes when the key is absent.</summary>
    public PlistNode? Default { get; init; }
    /// <summary>What may stand here; empty: the schema has no list.</summary>
    public IReadOnlyList<PlistNode> Values { get; init; } = [];
    public double? Min { get; init; }
    public double? Max { get; init; }
    public int? MinItems { get; init; }
    public int? MaxItems { get; init; }
    /// <summary>A regular expression that a text matches.</summary>
    public string? Format { get; init; }
    /// <summary>What a text is, as in <c>url</c>.</summary>
    public string? Kind { get; init; }
    /// <summary>The types of assets that a declaration may name here; empty: it names none.</summary>
    public IReadOnlyList<string> Assets { get; init; } = [];
    /// <summary>Where a fact is from that Apple's schema does not have.</summary>
    public string? Source { get; init; }
    /// <summary>The keys of a dictionary.</summary>
    public KeySet Keys { get; internal set; } = KeySet.Empty;
    /// <summary>What the items of a list are; null: anything.</summary>
    public CatalogueKey? Item { get; internal set; }
    /// <summary>What stands under keys that somebody else chooses.</summary>
    public CatalogueKey? Any { get; init; }
    /// <summary>The dictionaries that may stand here, told apart by <see cref="Discriminator"/>.</summary>
    public KeySet Variants { get; init; } = KeySet.Empty;
    /// <summary>The texts that may stand here, with facts of their own.</summary>
    public KeySet Choices { get; init; } = KeySet.Empty;

    /// <summary>The key that tells <see cref="Variants"/> apart.</summary>
    public const string Discriminator = "Item";

    /// <summary>What is known of a dictionary whose variant is not known.</summary>
    internal KeySet DiscriminatorAlone { get; private init; } = KeySet.Empty;

    internal static CatalogueKey Of(KeyFacts facts, string parentPath, Availability parent, Dictionary<string, CatalogueKey> places, string place)
    {
        var on = Availability.Of(facts, parent);
        var path = facts.Key is { } key ? parentPath.Length > 0 ? $"{parentPath}/{key}" : key : parentPath;
        var at = facts.Key is null ? place : place.Length > 0 ? $"{place}/{facts.Key}" : facts.Key;
        var type = Enum.Parse<KeyType>(facts.Type ?? "any", ignoreCase: true);
        var variants = KeySet.Of(facts.Variants, facts.Elsewhere, variant => Of(variant, path, on, places, at));
        var made = new CatalogueKey
        {
            Name = facts.Key ?? "",
            JsonName = facts.Key is { } name ? JsonNamingPolicy.CamelCase.ConvertName(name) : "",
            Path = path,
            Type = type,
            On = on,
            Required = facts.Required ?? false,
            Default = facts.Default is { } standard ? Scalar(standard) : null,
            Values = [.. (facts.Values ?? []).Select(Scalar)],
            Min = facts.Min,
            Max = facts.Max,
            MinItems = facts.MinItems,
            MaxItems = facts.MaxItems,
            Format = facts.Format,
            Kind = facts.Kind,
            Assets = facts.Assets?.Split(' ') ?? [],
            Source = facts.Source,
            Item = facts.Item is { } item ? Of(item, path, on, places, at + "[]") : null,
            Any = facts.Any is { } any ? Of(any, path, on, places, at + "{}") : null,
            Variants = variants,
            DiscriminatorAlone = variants.Count > 0 ? KeySet.Of([variants[0].Keys[Discriminator]], null) : KeySet.Empty,
            Choices = KeySet.Of(facts.Choices, facts.Elsewhere, choice => Of(choice, path, on, places, at)),
            Keys = KeySet.Of(facts.Keys, facts.Elsewhere, inside => Of(inside, path, on, places, at)),
        };
        places[at] = made;
        return made;
    }

    /// <summary>Ties structures that contain themselves.</summary>
    internal static void Tie(KeyFacts facts, CatalogueKey key, Dictionary<string, CatalogueKey> places)
    {
        if (facts.Like is { } like)
        {
            key.Keys = places[like].Keys;
            key.Item = places[like].Item;
        }

        if (facts.Item is { } item && key.Item is { } keyItem)
            Tie(item, keyItem, places);
        if (facts.Any is { } any && key.Any is { } keyAny)
            Tie(any, keyAny, places);
        foreach (var inside in facts.Keys ?? [])
            Tie(inside, key.Keys[inside.Key!], places);
        foreach (var variant in facts.Variants ?? [])
            Tie(variant, key.Variants[variant.Key!], places);
    }

    private static PlistNode Scalar(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => value.GetBoolean(),
        JsonValueKind.Number when value.TryGetInt64(out var number) => number,
        JsonValueKind.Number => new PlistReal(value.GetDouble()),
        _ => value.GetString()!,
    };
}
