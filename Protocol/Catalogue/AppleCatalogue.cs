using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>A command, a profile payload, a declaration or a status item.</summary>
public sealed record CatalogueType
{
    /// <summary>Apple's, as in <c>DeviceLock</c> or <c>com.apple.wifi.managed</c>.</summary>
    public required string Name { get; init; }
    /// <summary>Tells types of one name apart; null for the general one.</summary>
    public string? Variant { get; init; }
    public required Availability On { get; init; }
    /// <summary>More than one may stand on an iPad.</summary>
    public bool Multiple { get; init; }
    /// <summary>A person may install it by hand.</summary>
    public bool Manual { get; init; } = true;
    /// <summary>Of a declaration: several of this type do not stand beside each other on an iPad.</summary>
    public bool Single { get; init; }
    /// <summary>Of a declaration: the kinds of enrolment that take it, as in <c>supervised</c>, <c>device</c>, <c>user</c>; empty: all.</summary>
    public IReadOnlyList<string> Enrolments { get; init; } = [];
    /// <summary>What the server sends; of a payload, the keys that all payloads have first.</summary>
    public required KeySet Keys { get; init; }
    /// <summary>Of a payload: the keys of its type alone.</summary>
    public KeySet OwnKeys { get; init; } = KeySet.Empty;
    /// <summary>What an iPad answers.</summary>
    public KeySet Answer { get; init; } = KeySet.Empty;
    /// <summary>Where it is from, when Apple's schema does not have it.</summary>
    public string? Source { get; init; }

    internal static CatalogueType Of(TypeFacts facts)
    {
        var on = Availability.Of(facts, parent: null);
        return new CatalogueType
        {
            Name = facts.Name,
            Variant = facts.Variant,
            On = on,
            Multiple = facts.Multiple ?? false,
            Manual = facts.Manual ?? true,
            Single = facts.Apply == "single",
            Enrolments = facts.Enrolments?.Split(' ') ?? [],
            Source = facts.Source,
            Keys = Set(facts.Keys, facts.Elsewhere, on),
            Answer = Set(facts.Answer, null, on),
        };
    }

    private static KeySet Set(List<KeyFacts>? keys, IReadOnlyDictionary<string, string>? elsewhere, Availability on)
    {
        var places = new Dictionary<string, CatalogueKey>(StringComparer.Ordinal);
        var set = KeySet.Of((keys ?? []).Select(key => CatalogueKey.Of(key, "", on, places, "")), elsewhere);
        foreach (var key in keys ?? [])
            CatalogueKey.Tie(key, set[key.Key!], places);
        return set;
    }
}

/// <summary>
/// What Apple defines for iPads, as data: commands, profile payloads, declarations and status items with their keys. Read once, when
/// it is first needed, from the tables in <c>Facts/</c>; immutable, and shared by all threads.
/// </summary>
/// <remarks><c>Facts/additions.json</c> is laid over the tables that the generator writes. CONTRIBUTING.md says how they are made.</remarks>
public sealed class AppleCatalogue
{
    /// <summary>The type whose keys each payload has.</summary>
    public const string CommonPayloadKeys = "CommonPayloadKeys";

    /// <summary>The type of a profile itself.</summary>
    public const string TopLevel = "TopLevel";

    internal const string Vpn = "com.apple.vpn.managed";

    /// <summary>It has the keys of a VPN too (developer.apple.com/documentation/devicemanagement/applayervpn); the schema does not repeat them.</summary>
    internal const string AppLayerVpn = "com.apple.vpn.managed.applayer";

    private static readonly Lazy<AppleCatalogue> Loaded = new(() => new AppleCatalogue());

    private readonly Lazy<FrozenDictionary<string, CatalogueType>> _declarations = new(() => ByName(Read("declarations")));
    private readonly Lazy<FrozenDictionary<string, CatalogueType>> _statusItems = new(() => ByName(Read("status")));

    private AppleCatalogue()
    {
        var additions = Deserialize("additions", FactsJson.Default.AdditionsFile);
        var commands = additions.Commands.Over(Read("commands"));
        var payloads = additions.Payloads.Over(Read("payloads"));
        Commands = ByName(commands);
        CommandsElsewhere = Elsewhere(commands);
        PayloadsElsewhere = Elsewhere(payloads);

        var types = payloads.Types.Select(CatalogueType.Of).ToList();
        Profile = types.Single(type => type.Name == TopLevel);
        var common = types.Single(type => type.Name == CommonPayloadKeys);
        CommonKeys = common.Keys;
        var vpn = types.Single(type => type.Name == Vpn);
        Payloads = types.Where(type => type.Name is not (TopLevel or CommonPayloadKeys))
            .Select(type => WithCommon(type, type.Name == AppLayerVpn ? KeySet.Of([.. common.Keys, .. vpn.Keys]) : common.Keys)).GroupBy(type => type.Name)
            .ToFrozenDictionary(group => group.Key, group => (IReadOnlyList<CatalogueType>)[.. group], StringComparer.Ordinal);
    }

    public static AppleCatalogue Instance => Loaded.Value;

    /// <summary>By RequestType.</summary>
    public FrozenDictionary<string, CatalogueType> Commands { get; }

    /// <summary>RequestTypes of other platforms, and which.</summary>
    public FrozenDictionary<string, string> CommandsElsewhere { get; }

    /// <summary>By PayloadType: the general type first, then its variants.</summary>
    public FrozenDictionary<string, IReadOnlyList<CatalogueType>> Payloads { get; }

    /// <summary>PayloadTypes of other platforms, and which.</summary>
    public FrozenDictionary<string, string> PayloadsElsewhere { get; }

    /// <summary>A profile without the payloads in it.</summary>
    public CatalogueType Profile { get; }

    /// <summary>The keys that each payload has beside those of its type.</summary>
    public KeySet CommonKeys { get; }

    /// <summary>By DeclarationType.</summary>
    public FrozenDictionary<string, CatalogueType> Declarations => _declarations.Value;

    /// <summary>By their names, as in <c>device.model.family</c>.</summary>
    public FrozenDictionary<string, CatalogueType> StatusItems => _statusItems.Value;

    /// <summary>An embedded file.</summary>
    internal static Stream Open(string name) =>
        typeof(AppleCatalogue).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not embedded.");

    private static FactsFile Read(string name) => Deserialize(name, FactsJson.Default.FactsFile);

    private static T Deserialize<T>(string name, JsonTypeInfo<T> type)
    {
        using var stream = Open($"Facts/{name}");
        return JsonSerializer.Deserialize(stream, type)!;
    }

    private static CatalogueType WithCommon(CatalogueType type, KeySet common) => type with
    {
        Keys = KeySet.Of([.. common.Where(key => !type.Keys.TryGet(key.Name, out _)), .. type.Keys], type.Keys.Elsewhere),
        OwnKeys = type.Keys,
    };

    private static FrozenDictionary<string, CatalogueType> ByName(FactsFile file) =>
        file.Types.ToFrozenDictionary(type => type.Name, CatalogueType.Of, StringComparer.Ordinal);

    private static FrozenDictionary<string, string> Elsewhere(FactsFile file) =>
        (file.Elsewhere ?? []).ToFrozenDictionary(StringComparer.Ordinal);
}
