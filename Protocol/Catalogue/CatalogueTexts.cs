using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>What people read of a type or a key.</summary>
/// <param name="Label">Short, as on a button or beside a field.</param>
/// <param name="Help">A sentence; empty: there is none.</param>
public sealed record CatalogueText(string Label, string Help);

/// <summary>
/// Labels and help for people, in one language: ours, not Apple's. They stand in <c>Text/&lt;language&gt;/*.json</c>; what has none is called by
/// its name. Immutable.
/// </summary>
public sealed class CatalogueTexts
{
    private static readonly Lazy<CatalogueTexts> LoadedEnglish = new(() => new CatalogueTexts("en"));

    private readonly FrozenDictionary<string, TypeText> _commands;
    private readonly FrozenDictionary<string, TypeText> _settings;
    private readonly FrozenDictionary<string, TypeText> _payloads;

    private CatalogueTexts(string language)
    {
        _commands = Read(language, "commands");
        _settings = Read(language, "settings");
        // The keys of Restrictions fill a file of their own.
        _payloads = Read(language, "payloads").Concat(Read(language, "restrictions")).GroupBy(entry => entry.Key, StringComparer.Ordinal)
            .ToFrozenDictionary(group => group.Key, group => group.Select(entry => entry.Value).Aggregate((first, second) => first.With(second)), StringComparer.Ordinal);
    }

    public static CatalogueTexts English => LoadedEnglish.Value;

    public CatalogueText Command(string requestType) => Of(_commands.GetValueOrDefault(requestType), requestType);

    public CatalogueText Command(string requestType, CatalogueKey key)
    {
        // The items of Settings have a file of their own.
        if (requestType == SettingsCommand && key.Path.Split('/', 3) is [SettingsCommand, var item, .. var rest])
            return rest is [var path] ? Of(_settings.GetValueOrDefault(item), path, key.Name) : Of(_settings.GetValueOrDefault(item), item);
        return Of(_commands.GetValueOrDefault(requestType), key.Path, key.Name);
    }

    public CatalogueText Payload(string payloadType) => Of(_payloads.GetValueOrDefault(payloadType), payloadType);

    public CatalogueText Payload(string payloadType, CatalogueKey key)
    {
        var type = _payloads.GetValueOrDefault(payloadType);
        if (payloadType == AppleCatalogue.AppLayerVpn && type?.Keys?.ContainsKey(key.Path) is not true)
            type = _payloads.GetValueOrDefault(AppleCatalogue.Vpn);
        return type?.Keys?.ContainsKey(key.Path) is true ? Of(type, key.Path, key.Name) : Of(_payloads.GetValueOrDefault(AppleCatalogue.CommonPayloadKeys), key.Path, key.Name);
    }

    private const string SettingsCommand = "Settings";

    private static CatalogueText Of(TypeText? text, string name) => new(text?.Label ?? name, text?.Help ?? "");

    private static CatalogueText Of(TypeText? type, string path, string name) =>
        type?.Keys?.GetValueOrDefault(path) is { } text ? new CatalogueText(text.Label ?? name, text.Help ?? "") : new CatalogueText(name, "");

    /// <summary>A language may lack a file: names stand for its texts.</summary>
    private static FrozenDictionary<string, TypeText> Read(string language, string file)
    {
        using var stream = typeof(CatalogueTexts).Assembly.GetManifestResourceStream($"Text/{language}/{file}");
        var texts = stream is null ? [] : JsonSerializer.Deserialize(stream, TextJson.Default.DictionaryStringTypeText)!;
        return texts.ToFrozenDictionary(StringComparer.Ordinal);
    }
}

/// <summary>The texts of a type, and of its keys by their paths.</summary>
internal sealed record TypeText
{
    public string? Label { get; init; }
    public string? Help { get; init; }
    public Dictionary<string, KeyText>? Keys { get; init; }

    public TypeText With(TypeText other) => new()
    {
        Label = Label ?? other.Label,
        Help = Help ?? other.Help,
        Keys = (Keys ?? []).Concat((other.Keys ?? []).Where(entry => Keys?.ContainsKey(entry.Key) is not true)).ToDictionary(),
    };
}

internal sealed record KeyText
{
    public string? Label { get; init; }
    public string? Help { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(Dictionary<string, TypeText>))]
internal sealed partial class TextJson : JsonSerializerContext;
