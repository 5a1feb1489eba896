using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Declarations;

/// <summary>An asset that a configuration names.</summary>
/// <param name="Name">Of its own in the thing that it stands in: the configuration names it by this.</param>
/// <param name="Payload">A JSON object.</param>
public sealed record DeclaredAsset(string Name, string Type, byte[] Payload);

/// <summary>
/// One thing that is declared: a configuration with the assets that it names, or a management declaration. It is checked against the catalogue when it is
/// read: an iPad refuses a declaration as a whole for one key that it does not know.
/// </summary>
public sealed partial class DeclaredThing
{
    public const string StatusSubscriptions = "com.apple.configuration.management.status-subscriptions";
    public const string ActivationSimple = "com.apple.activation.simple";

    public const int MostAssets = 20;

    /// <summary>Characters. The identifier on the iPad is that of the thing, a dot and the name.</summary>
    public const int LongestAssetName = 20;

    /// <summary>Bytes of JSON, of all together.</summary>
    public const int MostBytes = 128 * 1024;

    private const string Properties = "com.apple.management.properties";
    private const string ActivationSuffix = ".activation";

    /// <summary>The server makes these itself.</summary>
    private static readonly string[] Own = [StatusSubscriptions, "com.apple.management.server-capabilities"];

    /// <summary>All types that can be declared, by name.</summary>
    public static IReadOnlyList<string> Types { get; } =
    [
        .. AppleCatalogue.Instance.Declarations.Keys
            .Where(type => Declaration.KindOf(type) is DeclarationKind.Configuration or DeclarationKind.Management && !Own.Contains(type) && type != SoftwareUpdateOrder.Type).Order(StringComparer.Ordinal),
    ];

    private DeclaredThing(string type, byte[] payload, IReadOnlyList<DeclaredAsset> assets) => (Type, Payload, Assets) = (type, payload, assets);

    public string Type { get; }

    /// <summary>A JSON object.</summary>
    public byte[] Payload { get; }

    public IReadOnlyList<DeclaredAsset> Assets { get; }

    /// <summary>Of two of this type on one iPad only one counts.</summary>
    public bool IsSingle => AppleCatalogue.Instance.Declarations.TryGetValue(Type, out var known) && known.Single;

    /// <summary>The members <c>type</c>, <c>payload</c> and <c>assets</c>: a list of <c>name</c>, <c>type</c> and <c>payload</c>. Payloads have Apple's keys.</summary>
    /// <exception cref="CommandFieldException">Names the member.</exception>
    public static DeclaredThing FromJson(JsonElement json)
    {
        Only(json, "", "type", "payload", "assets");
        var type = Text(json, "", "type");
        if (Declaration.KindOf(type) is not (DeclarationKind.Configuration or DeclarationKind.Management))
        {
            throw new CommandFieldException("/type", Declaration.KindOf(type) switch
            {
                DeclarationKind.Activation => "Activations are made by the server. Send the configuration.",
                DeclarationKind.Asset => "An asset stands among the assets of the configuration that names it.",
                _ => Unknown(type),
            });
        }

        if (Own.Contains(type))
            throw new CommandFieldException("/type", "The server makes this declaration itself.");
        if (type == SoftwareUpdateOrder.Type)
            throw new CommandFieldException("/type", "Assign it as softwareUpdate, not as a declaration.");
        var assets = new List<(string Name, string Type, PlistDictionary Payload, KeySet Keys)>();
        foreach (var (number, one) in ListOf(json, "assets").Index())
        {
            var at = $"/assets/{number}";
            if (number >= MostAssets)
                throw new CommandFieldException("/assets", $"At most {MostAssets} assets are taken.");
            Only(one, at, "name", "type", "payload");
            var name = Text(one, at, "name");
            if (!AssetName().IsMatch(name))
                throw new CommandFieldException($"{at}/name", $"It has 1 to {LongestAssetName} small letters, digits and hyphens, as in mail-login.");
            if (assets.Exists(other => other.Name == name))
                throw new CommandFieldException($"{at}/name", $"Two assets are named {name}.");
            var assetType = Text(one, at, "type");
            if (Declaration.KindOf(assetType) != DeclarationKind.Asset)
                throw new CommandFieldException($"{at}/type", "It must be the type of an asset, as in com.apple.asset.useridentity.");
            assets.Add((name, assetType, Checked(one, at, assetType, out var keys), keys));
        }

        var payload = Checked(json, "", type, out var own);
        var named = new HashSet<string>(StringComparer.Ordinal);
        References(payload, own, "/payload", (name, key, pointer) =>
        {
            var asset = assets.Find(other => other.Name == name);
            if (asset.Name is null)
                throw new CommandFieldException(pointer, assets.Count == 0
                    ? $"It names the asset '{PlistText.Excerpt(name)}', and there are no assets. Send them as assets."
                    : $"There is no asset named '{PlistText.Excerpt(name)}'. There are {string.Join(", ", assets.Select(other => other.Name))}.");
            if (!key.Assets.Contains(asset.Type))
                throw new CommandFieldException(pointer, $"The asset {name} is of the type {asset.Type}. {string.Join(" or ", key.Assets)} can stand here.");
            named.Add(name);
            return name;
        });
        if (assets.FindIndex(asset => !named.Contains(asset.Name)) is >= 0 and var unused)
            throw new CommandFieldException($"/assets/{unused}/name", "The configuration does not name this asset, so an iPad would not use it.");

        var thing = new DeclaredThing(type, DeclarationJson.Of(payload), [.. assets.Select(asset => new DeclaredAsset(asset.Name, asset.Type, DeclarationJson.Of(asset.Payload)))]);
        return thing.ToBytes().Length <= MostBytes ? thing : throw new CommandFieldException("/payload", $"Together they have more than {MostBytes} bytes.");
    }

    /// <summary>For a thing that the server makes itself.</summary>
    internal static DeclaredThing Of(string type, PlistDictionary payload) => new(type, DeclarationJson.Of(payload), []);

    /// <summary>To be stored: the same bytes for the same thing.</summary>
    public byte[] ToBytes() => DeclarationJson.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("type", Type);
        writer.WritePropertyName("payload");
        writer.WriteRawValue(Payload);
        writer.WriteStartArray("assets");
        foreach (var asset in Assets)
        {
            writer.WriteStartObject();
            writer.WriteString("name", asset.Name);
            writer.WriteString("type", asset.Type);
            writer.WritePropertyName("payload");
            writer.WriteRawValue(asset.Payload);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    /// <summary>What <see cref="ToBytes"/> wrote. It is not checked again.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static DeclaredThing Stored(byte[] bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes);
            var root = document.RootElement;
            return new DeclaredThing(
                root.GetProperty("type").GetString()!, Raw(root.GetProperty("payload")),
                [.. root.GetProperty("assets").EnumerateArray().Select(one => new DeclaredAsset(one.GetProperty("name").GetString()!, one.GetProperty("type").GetString()!, Raw(one.GetProperty("payload"))))]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FormatException("It is no declaration that was stored.", e);
        }

        static byte[] Raw(JsonElement json) => Encoding.UTF8.GetBytes(json.GetRawText());
    }

    /// <summary>The declarations that an iPad gets for it: itself, its assets, and of a configuration the activation that makes it count.</summary>
    /// <param name="identifier">Of the thing, as in a UUID. It never goes to a thing of another type.</param>
    public IReadOnlyList<Declaration> Declarations(string identifier)
    {
        var payload = Payload;
        if (Assets.Count > 0 && AppleCatalogue.Instance.Declarations.TryGetValue(Type, out var known))
        {
            using var document = JsonDocument.Parse(Payload);
            var written = new JsonCommand(KeyNames.Apple).Read(document.RootElement, known.Keys, "");
            References(written, known.Keys, "", (name, _, _) => AssetIdentifier(identifier, name));
            payload = DeclarationJson.Of(written);
        }

        var made = new List<Declaration> { Declaration.Of(Type, identifier, payload) };
        made.AddRange(Assets.Select(asset => Declaration.Of(asset.Type, AssetIdentifier(identifier, asset.Name), asset.Payload)));
        if (made[0].Kind == DeclarationKind.Configuration)
            made.Add(Declaration.Of(ActivationSimple, identifier + ActivationSuffix, new PlistDictionary { ["StandardConfigurations"] = PlistArray.OfStrings([identifier]) }));
        return made;
    }

    /// <summary>What it asks of an iPad.</summary>
    public IReadOnlyList<Requirement> Requirements()
    {
        var found = new List<Requirement>(CommandFitness.Of(AppleCatalogue.Instance.Commands["DeclarativeManagement"]));
        foreach (var (type, payload) in new[] { (Type, Payload) }.Concat(Assets.Select(asset => (asset.Type, asset.Payload))))
        {
            if (!AppleCatalogue.Instance.Declarations.TryGetValue(type, out var known))
                continue;
            using var document = JsonDocument.Parse(payload);
            var what = type == SoftwareUpdateOrder.Type ? "A declared update" : type;
            found.AddRange(CommandFitness.Of(new JsonCommand(KeyNames.Apple).Read(document.RootElement, known.Keys, ""), known).Select(one => one.What == type ? one with { What = what } : one));
            if (known.Enrolments is ["supervised"])
                found.Add(new Requirement(RequirementKind.Supervision, what, ""));
            if (known.Enrolments.Count > 0 && !known.Enrolments.Contains("user"))
                found.Add(new Requirement(RequirementKind.NotUserEnrolment, what, ""));
        }

        return [.. found.DistinctBy(one => (one.Kind, one.What, one.Text)).Take(CommandFitness.MostRequirements)];
    }

    private static string AssetIdentifier(string identifier, string name) => $"{identifier}.{name}";

    private static PlistDictionary Checked(JsonElement holder, string at, string type, out KeySet keys)
    {
        var catalogue = AppleCatalogue.Instance;
        if (!catalogue.Declarations.TryGetValue(type, out var known))
            throw new CommandFieldException($"{at}/type", Unknown(type));
        if (!holder.TryGetProperty("payload", out var json) || json.ValueKind != JsonValueKind.Object)
            throw new CommandFieldException($"{at}/payload", "It must be an object with Apple's keys.");
        // Of properties each organisation has its own.
        keys = type == Properties ? KeySet.Empty : known.Keys;
        var payload = new JsonCommand(KeyNames.Apple).Read(json, keys, $"{at}/payload");
        if (type == Properties)
            return payload;
        var check = new CatalogueCheck(KeyNames.Apple);
        check.Keys(payload, keys, $"{at}/payload", type);
        var found = check.Found;
        if (found.Problems.FirstOrDefault() is { } problem)
            throw new CommandFieldException(problem.Field, problem.Message);
        if (found.Warnings.FirstOrDefault() is { } warning)
            throw new CommandFieldException(warning.Field, warning.Message.Replace(" It is sent as it is.", " An iPad would refuse the whole declaration for it.", StringComparison.Ordinal));
        return payload;
    }

    /// <summary>Visits each name of an asset, and writes what comes of it in its place.</summary>
    private static void References(PlistDictionary dictionary, KeySet keys, string pointer, Func<string, CatalogueKey, string, string> visit)
    {
        foreach (var key in keys)
        {
            if (!dictionary.TryGetValue(key.Name, out var value))
                continue;
            var at = $"{pointer}/{key.Name}";
            switch (value)
            {
                case PlistString text when key.Assets.Count > 0:
                    dictionary[key.Name] = visit(text.Value, key, at);
                    break;
                case PlistArray list when key.Assets.Count > 0:
                    dictionary[key.Name] = new PlistArray(list.Select((item, number) => item is PlistString text ? visit(text.Value, key, $"{at}/{number}") : item));
                    break;
                case PlistArray list when key.Item is { Assets.Count: > 0 } item:
                    dictionary[key.Name] = new PlistArray(list.Select((one, number) => one is PlistString text ? visit(text.Value, item, $"{at}/{number}") : one));
                    break;
                case PlistArray list when key.Item is { } item:
                    foreach (var (number, one) in list.OfType<PlistDictionary>().Index())
                        References(one, item.Keys, $"{at}/{number}", visit);
                    break;
                case PlistDictionary inside:
                    References(inside, key.Keys, at, visit);
                    foreach (var (name, one) in key.Any is { } any && any.Keys.Count > 0 ? inside.ToList() : [])
                    {
                        if (one is PlistDictionary deeper)
                            References(deeper, key.Any!.Keys, $"{at}/{name}", visit);
                    }

                    break;
            }
        }
    }

    private static void Only(JsonElement json, string at, params string[] members)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw new CommandFieldException(at, "It must be an object.");
        foreach (var member in json.EnumerateObject())
        {
            if (!members.Contains(member.Name))
                throw new CommandFieldException($"{at}/{PlistText.Excerpt(member.Name)}", $"Known are {string.Join(", ", members)}.");
        }
    }

    private static string Text(JsonElement json, string at, string member) =>
        json.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String
            ? JsonCommand.TextOf(value, $"{at}/{member}", "a text")
            : throw new CommandFieldException($"{at}/{member}", "It must be a text.");

    private static IEnumerable<JsonElement> ListOf(JsonElement json, string member)
    {
        if (!json.TryGetProperty(member, out var value) || value.ValueKind == JsonValueKind.Null)
            return [];
        return value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw new CommandFieldException($"/{member}", "It must be a list.");
    }

    private static string Unknown(string type) =>
        $"'{PlistText.Excerpt(type)}' is not known to the catalogue."
        + (Spelling.Nearest(type, AppleCatalogue.Instance.Declarations.Keys.Order(StringComparer.Ordinal)) is { } nearest ? $" Did you mean {nearest}?" : "");

    [GeneratedRegex("^[a-z0-9-]{1,20}$", RegexOptions.NonBacktracking)]
    private static partial Regex AssetName();
}

/// <summary>
/// An update of iPadOS that an iPad has to have at a time.
/// <see href="https://developer.apple.com/documentation/devicemanagement/softwareupdateenforcementspecific"/>
/// </summary>
/// <param name="Version">As in <c>18.2</c> or <c>18.2.1</c>.</param>
/// <param name="Build">As in <c>22C150</c>; null: whichever the version has.</param>
/// <param name="Deadline">By the iPad's own clock.</param>
/// <param name="Details">A page that tells people more; null: there is none.</param>
public sealed partial record SoftwareUpdateOrder(string Version, string? Build, DateTime Deadline, string? Details)
{
    public const string Type = "com.apple.configuration.softwareupdate.enforcement.specific";

    private const int LongestAddress = 2000;

    private const string Moment = "yyyy-MM-dd'T'HH:mm:ss";

    /// <summary>The members <c>version</c>, <c>build</c>, <c>deadline</c> and <c>detailsUrl</c>.</summary>
    /// <exception cref="CommandFieldException">Names the member.</exception>
    public static SoftwareUpdateOrder Of(string? version, string? build, string? deadline, string? details)
    {
        build = string.IsNullOrWhiteSpace(build) ? null : build.Trim();
        details = string.IsNullOrWhiteSpace(details) ? null : details.Trim();
        if (!IPadOsVersion.Is(version))
            throw new CommandFieldException("/version", IPadOsVersion.Words);
        if (build is not null && !BuildForm().IsMatch(build))
            throw new CommandFieldException("/build", "Enter a build, as in 22C150, or leave it out.");
        if (!DateTime.TryParseExact(deadline?.Trim(), [Moment, "yyyy-MM-dd'T'HH:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var at) || at.Year is < 2020 or > 2100)
            throw new CommandFieldException("/deadline", "Enter a day and a time of the iPad's own clock, without a time zone, as in 2026-12-04T18:00.");
        if (details is not null && (details.Length > LongestAddress || !Uri.TryCreate(details, UriKind.Absolute, out var address) || address.Scheme != Uri.UriSchemeHttps))
            throw new CommandFieldException("/detailsUrl", "It must be an address that begins with https://.");
        if (details is not null && new Uri(details).UserInfo.Length > 0)
            throw new CommandFieldException("/detailsUrl", "Leave the user name out of the address: everybody who sees the update sees it.");
        return new SoftwareUpdateOrder(version!, build, at, details);
    }

    public DeclaredThing ToThing()
    {
        var payload = new PlistDictionary { ["TargetOSVersion"] = Version };
        if (Build is not null)
            payload["TargetBuildVersion"] = Build;
        payload["TargetLocalDateTime"] = Deadline.ToString(Moment, CultureInfo.InvariantCulture);
        if (Details is not null)
            payload["DetailsURL"] = Details;
        return DeclaredThing.Of(Type, payload);
    }

    /// <summary>Null: it is something else.</summary>
    public static SoftwareUpdateOrder? Of(DeclaredThing thing)
    {
        if (thing.Type != Type)
            return null;
        using var document = JsonDocument.Parse(thing.Payload);
        string? Text(string key) => document.RootElement.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        // One that was taken with leading zeros is still declared.
        var version = Text("TargetOSVersion") is { } stored ? IPadOsVersion.Stored(stored) : null;
        // So is an address with a user name; it is shown to nobody.
        var details = Uri.TryCreate(Text("DetailsURL"), UriKind.Absolute, out var address) && address.UserInfo.Length == 0 ? address.OriginalString : null;
        return Of(version, Text("TargetBuildVersion"), Text("TargetLocalDateTime"), details);
    }

    /// <summary>Whether an iPad has it, or something newer. An iPad that has it would report the declaration as failed.</summary>
    public bool IsMet(string? version, string? build) => IPadOsVersion.Compare(version, Version) switch
    {
        null or < 0 => false,
        > 0 => true,
        _ => Build is null || build is null || string.Equals(build, Build, StringComparison.OrdinalIgnoreCase),
    };

    [GeneratedRegex("^[0-9]{2}[A-Z][0-9]{1,6}[a-z]?$", RegexOptions.NonBacktracking)]
    private static partial Regex BuildForm();
}
