using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.Catalogue;
using YamlDotNet.RepresentationModel;

namespace FleetMdm.CatalogueGenerator;

/// <summary>
/// Reads a folder of Apple's published schema (<see href="https://github.com/apple/device-management"/>) and takes the facts for
/// iPadOS out of it. Its sentences stay where they are.
/// </summary>
/// <remarks>Rules of the schema: a key inherits what its parent says of an OS and overrides single values; <c>introduced: n/a</c>
/// removes it; the items of a list are its one subkey, whose name never goes over the wire; a key that is named <c>ANY …</c> stands
/// for arbitrary keys; a structure may contain itself by an anchor.</remarks>
internal static class AppleSchema
{
    private const string IPad = "iOS";

    /// <summary>What the schema calls the platforms that are none of ours.</summary>
    private static readonly string[] OtherPlatforms = ["macOS", "tvOS", "visionOS", "watchOS"];

    /// <summary>All types of the files in a folder.</summary>
    /// <param name="folder">The root of the schema.</param>
    /// <param name="part">As in <c>mdm/commands</c>. A part that is not there is empty.</param>
    /// <param name="nameKey">Under which a file names its type, as in <c>requesttype</c>.</param>
    public static FactsFile Read(string folder, string part, string nameKey)
    {
        var path = Path.Combine(folder, part);
        var types = new List<TypeFacts>();
        var elsewhere = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (!Directory.Exists(path))
            return new FactsFile();
        foreach (var file in Directory.EnumerateFiles(path, "*.yaml", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var root = Load(file);
            if (Map(root, "payload") is not { } payload || Text(payload, nameKey) is not { } name)
                continue;
            var platforms = Platforms.Of(payload, parent: null);
            if (!platforms.OnIPad)
                elsewhere[name] = platforms.Others;
            else
                types.Add(Type(root, payload, name, Variant(file), platforms));
        }

        foreach (var type in types)
            elsewhere.Remove(type.Name);
        return new FactsFile
        {
            Elsewhere = elsewhere.Count > 0 ? elsewhere : null,
            Types = [.. types.OrderBy(type => type.Name, StringComparer.Ordinal).ThenBy(type => type.Variant, StringComparer.Ordinal)],
        };
    }

    private static YamlMappingNode Load(string file)
    {
        using var reader = new StreamReader(file);
        var stream = new YamlStream();
        stream.Load(reader);
        return (YamlMappingNode)stream.Documents[0].RootNode;
    }

    /// <summary>com.apple.extensiblesso(kerberos).yaml is a variant of com.apple.extensiblesso.</summary>
    private static string? Variant(string file)
    {
        var name = Path.GetFileNameWithoutExtension(file);
        var open = name.IndexOf('(', StringComparison.Ordinal);
        return open > 0 ? name[(open + 1)..].TrimEnd(')') : null;
    }

    private static TypeFacts Type(YamlMappingNode root, YamlMappingNode payload, string name, string? variant, Platforms platforms)
    {
        var os = platforms.OwnFacts!;
        var (keys, elsewhere) = Keys(Sequence(root, "payloadkeys"), "", platforms, []);
        var (answer, _) = Keys(Sequence(root, "responsekeys"), "", platforms, []);
        return Says<TypeFacts>(new TypeFacts { Name = name, Variant = variant }, os) with
        {
            Multiple = Flag(os, "multiple") is true ? true : null,
            Manual = Flag(os, "allowmanualinstall") is false ? false : null,
            Apply = Text(payload, "apply"),
            Enrolments = Words(os, "allowed-enrollments"),
            Scopes = Words(os, "allowed-scopes"),
            Keys = keys,
            Answer = answer,
            Elsewhere = elsewhere,
        };
    }

    private static (List<KeyFacts>? Keys, SortedDictionary<string, string>? Elsewhere) Keys(
        YamlSequenceNode? nodes, string path, Platforms parent, Dictionary<YamlNode, string> entered)
    {
        var keys = new List<KeyFacts>();
        var elsewhere = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var node in (nodes?.Children ?? []).Cast<YamlMappingNode>())
        {
            var name = Text(node, "key")!;
            var platforms = Platforms.Of(node, parent);
            if (platforms.OnIPad)
                keys.Add(Key(node, name, $"{path}{(path.Length > 0 ? "/" : "")}{name}", platforms, entered));
            else if (!name.StartsWith("ANY", StringComparison.Ordinal))
                elsewhere[name] = platforms.Others;
        }

        return (keys.Count > 0 ? keys : null, elsewhere.Count > 0 ? elsewhere : null);
    }

    private static KeyFacts Key(YamlMappingNode node, string? name, string path, Platforms platforms, Dictionary<YamlNode, string> entered)
    {
        var type = Text(node, "type")!.Trim('<', '>');
        var facts = Says<KeyFacts>(new KeyFacts { Key = name, Type = type }, platforms.OwnFacts) with
        {
            Required = Text(node, "presence") == "required" ? true : null,
            Default = Child(node, "default") is YamlScalarNode standard ? Scalar(standard, type) : null,
            Values = Sequence(node, "rangelist") is { } values ? [.. values.Cast<YamlScalarNode>().Select(value => Scalar(value, type))] : null,
            Min = Number(Map(node, "range"), "min"),
            Max = Number(Map(node, "range"), "max"),
            MinItems = (int?)Number(Map(node, "repetition"), "min"),
            MaxItems = (int?)Number(Map(node, "repetition"), "max"),
            Format = Text(node, "format"),
            Kind = (Text(node, "valuetype") ?? Text(node, "subtype"))?.Trim('<', '>'),
            Combine = Text(node, "combinetype"),
            Assets = Words(node, "assettypes"),
        };
        if (Sequence(node, "subkeys") is not { } subkeys || subkeys.Children.Count == 0)
            return facts;
        if (entered.TryGetValue(subkeys, out var before))
            return facts with { Like = before };
        entered.Add(subkeys, path);
        facts = Inside(facts, type, subkeys, path, platforms, entered);
        entered.Remove(subkeys);
        return facts;
    }

    private static KeyFacts Inside(
        KeyFacts facts, string type, YamlSequenceNode subkeys, string path, Platforms platforms, Dictionary<YamlNode, string> entered)
    {
        if (type == "dictionary" && subkeys.Children[0] is YamlMappingNode any && Text(any, "key")!.StartsWith("ANY", StringComparison.Ordinal))
            return facts with { Any = Key(any, null, path + "{}", Platforms.Of(any, platforms), entered) };

        if (type == "array" && subkeys.Children.Count == 1)
        {
            var item = (YamlMappingNode)subkeys.Children[0];
            var inner = Platforms.Of(item, platforms);
            return inner.OnIPad ? facts with { Item = Key(item, null, path + "[]", inner, entered) } : facts;
        }

        var (keys, elsewhere) = Keys(subkeys, type == "array" ? path + "[]" : path, platforms, entered);
        return type switch
        {
            "dictionary" => facts with { Keys = keys, Elsewhere = elsewhere },
            // The dictionaries of Settings.
            "array" => facts with { Item = new KeyFacts { Type = "dictionary", Variants = keys, Elsewhere = elsewhere } },
            // The queries of DeviceInformation.
            _ => facts with { Choices = keys, Elsewhere = elsewhere },
        };
    }

    /// <summary>What a file says of an OS.</summary>
    private static T Says<T>(Facts facts, YamlMappingNode? os)
        where T : Facts
    {
        if (os is null)
            return (T)facts;
        var shared = Map(os, "sharedipad");
        string?[] channels = [Flag(shared, "devicechannel") is true ? "device" : null, Flag(shared, "userchannel") is true ? "user" : null];
        var channel = string.Join(' ', channels.OfType<string>());
        return (T)(facts with
        {
            Since = Text(os, "introduced"),
            Deprecated = Text(os, "deprecated"),
            Removed = Text(os, "removed"),
            Supervised = Of(facts, Flag(os, "supervised")),
            Ade = Of(facts, Flag(os, "requiresdep")),
            Right = Right(facts, Text(os, "accessrights")),
            SharedIPad = Mode(facts, Text(shared, "mode")),
            Channels = channel.Length > 0 ? channel : null,
            UserEnrolment = Mode(facts, Text(Map(os, "userenrollment"), "mode")),
        });
    }

    /// <summary>A type says only what is not usual; a key says also what is usual again.</summary>
    private static bool? Of(Facts facts, bool? flag) => facts is TypeFacts && flag is false ? null : flag;

    private static string? Right(Facts facts, string? right) => right is "None" or "n/a" ? facts is TypeFacts ? null : "None" : right;

    private static string? Mode(Facts facts, string? mode) => facts is TypeFacts && mode == "allowed" ? null : mode;

    private static JsonElement Scalar(YamlScalarNode node, string type)
    {
        var text = node.Value ?? "";
        JsonNode value = type switch
        {
            "boolean" => bool.Parse(text),
            "integer" when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
            "real" when double.TryParse(text, CultureInfo.InvariantCulture, out var number) => number,
            _ => text,
        };
        return JsonSerializer.SerializeToElement(value);
    }

    private static YamlNode? Child(YamlMappingNode? node, string key) =>
        node is not null && node.Children.TryGetValue(new YamlScalarNode(key), out var child) ? child : null;

    internal static YamlMappingNode? Map(YamlMappingNode? node, string key) => Child(node, key) as YamlMappingNode;

    private static YamlSequenceNode? Sequence(YamlMappingNode? node, string key) => Child(node, key) as YamlSequenceNode;

    internal static string? Text(YamlMappingNode? node, string key) => (Child(node, key) as YamlScalarNode)?.Value;

    private static bool? Flag(YamlMappingNode? node, string key) => Text(node, key) is { } text ? bool.Parse(text) : null;

    private static double? Number(YamlMappingNode? node, string key) =>
        Text(node, key) is { } text ? double.Parse(text, CultureInfo.InvariantCulture) : null;

    private static string? Words(YamlMappingNode? node, string key) =>
        Sequence(node, key) is { } words ? string.Join(' ', words.Cast<YamlScalarNode>().Select(word => word.Value)) : null;

    /// <summary>On which platforms something is, its parent's taken into account.</summary>
    /// <param name="OwnFacts">What it says of iPadOS by itself.</param>
    private sealed record Platforms(bool OnIPad, YamlMappingNode? OwnFacts, IReadOnlySet<string> OtherNames)
    {
        /// <summary>As in <c>macOS, tvOS</c>.</summary>
        public string Others => string.Join(", ", OtherNames.Order(StringComparer.Ordinal));

        public static Platforms Of(YamlMappingNode node, Platforms? parent)
        {
            var all = Map(node, "supportedOS");
            var own = Map(all, IPad);
            var onIPad = Is(own, parent?.OnIPad ?? false);
            var others = OtherPlatforms.Where(platform => Is(Map(all, platform), parent?.OtherNames.Contains(platform) ?? false));
            return new Platforms(onIPad, own, others.ToHashSet());
        }

        private static bool Is(YamlMappingNode? os, bool inherited) =>
            Text(os, "introduced") is { } introduced ? introduced != "n/a" : inherited;
    }
}
