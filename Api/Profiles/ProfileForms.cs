using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Api.Profiles;

/// <summary>A payload in the form of a profile.</summary>
/// <param name="Index">Its place in the profile, from 0.</param>
/// <param name="Name">Its path, as in <c>PayloadContent[0]</c>.</param>
/// <param name="Variant">Tells types of one name apart; null: the general one.</param>
/// <param name="Uuid">Other payloads name it by this.</param>
/// <param name="Identifier">Null: it is made when the profile is saved.</param>
/// <param name="Fields">Its own keys; null: its type is not in the catalogue, and <paramref name="Json"/> has it.</param>
public sealed record PayloadSection(
    int Index, string Name, string Type, string? Variant, string Label, string Help, bool NeedsSupervision, string Uuid, string? Identifier,
    IReadOnlyList<PayloadField>? Fields, PayloadField DisplayName, string? Json);

/// <summary>A type of payload that can be added.</summary>
/// <param name="Value">In the form: the type, and its variant after a blank.</param>
public sealed record PayloadChoice(string Value, string Type, string Label, string Help, string Note);

/// <summary>The form of a profile: its own fields and a section for each payload.</summary>
public sealed record ProfileFormView(
    IReadOnlyList<PayloadField> General, IReadOnlyList<PayloadField> Ending, IReadOnlyList<PayloadSection> Payloads, IReadOnlyList<PayloadChoice> Choices,
    IReadOnlyDictionary<string, string[]> Problems, string? Problem);

/// <summary>
/// Turns a profile as JSON into a form and back. What was entered is sealed into the form where it is a secret, so that adding a payload, or an error, costs nobody a
/// password; it is opened again for the same user only.
/// </summary>
internal sealed class ProfileForms(SecretSealer sealer)
{
    public const string Content = "PayloadContent";

    private const string AppLayerVpn = "com.apple.vpn.managed.applayer";

    /// <summary>Nobody makes these by hand: they are the server's own, or gone.</summary>
    private static readonly string[] NotOffered = ["com.apple.mdm", "com.apple.declarations", "com.apple.osxserver.account"];

    private static readonly string[] GeneralKeys = ["PayloadDisplayName", "PayloadIdentifier", "PayloadDescription", "PayloadOrganization"];
    private static readonly string[] EndingKeys = ["RemovalDate", "DurationUntilRemoval", "PayloadRemovalDisallowed", "HasRemovalPasscode"];

    private static readonly CatalogueType Root = AppleCatalogue.Instance.Profile;

    public static IReadOnlyList<PayloadChoice> Choices { get; } =
    [
        .. AppleCatalogue.Instance.Payloads.Values.SelectMany(variants => variants).Where(type => !NotOffered.Contains(type.Name))
            .Select(type => (type, text: CatalogueTexts.English.Payload(type.Name)))
            .OrderBy(one => one.text.Label, StringComparer.OrdinalIgnoreCase)
            .Select(one => new PayloadChoice(
                one.type.Variant is null ? one.type.Name : $"{one.type.Name} {one.type.Variant}", one.type.Name,
                one.type.Variant is null ? one.text.Label : $"{one.text.Label} ({one.type.Variant})", one.text.Help,
                string.Join(", ", new[]
                {
                    one.type.On.Since is { } since && PayloadField.IsRecent(since) ? $"iPadOS {since}" : null, one.type.On.Supervised ? "supervised only" : null,
                    one.type.On.Deprecated is { } deprecated ? $"given up with iPadOS {deprecated}" : null, one.type.Multiple ? null : "once",
                }.OfType<string>()))),
    ];

    /// <summary>A payload of this type with nothing in it but its UUID, by which others can name it; null: there is no such type.</summary>
    public static JsonObject? New(string choice)
    {
        if (Choices.FirstOrDefault(one => one.Value == choice) is not { } known)
            return null;
        var payload = new JsonObject { ["PayloadType"] = known.Type, ["PayloadUUID"] = Guid.NewGuid().ToString("D").ToUpperInvariant() };
        if (choice.Split(' ') is [_, var variant])
        {
            // What can be one thing only is that.
            foreach (var key in AppleCatalogue.Instance.Payloads[known.Type].First(type => type.Variant == variant).OwnKeys.Where(key => key.Required && key.Values.Count == 1))
                payload[key.Name] = CatalogueField.Written(key.Values[0]);
        }

        if (known.Type == AppLayerVpn)
            payload["VPNUUID"] = Guid.NewGuid().ToString("D").ToUpperInvariant();
        return payload;
    }

    public ProfileFormView View(
        HttpContext context, JsonObject profile, IReadOnlyDictionary<string, string[]>? problems = null, string? problem = null, IReadOnlyDictionary<string, string>? raw = null)
    {
        var payloads = (profile[Content] as JsonArray ?? []).OfType<JsonObject>().ToList();
        var named = payloads.Where(payload => Text(payload, "PayloadUUID") is not null).Select(payload => (
            Text(payload, "PayloadUUID")!, $"{Label(payload)}{(Text(payload, "PayloadDisplayName") is { Length: > 0 } name ? $": {name}" : "")}", Text(payload, "PayloadType") ?? "")).ToList();
        var purpose = Purpose(context);
        string Seal(string secret) => Convert.ToBase64String(sealer.Seal(purpose, Encoding.UTF8.GetBytes(secret)));

        var texts = CatalogueTexts.English;
        var root = new PayloadFields(key => texts.Payload(AppleCatalogue.TopLevel, key), Seal, named, raw);
        var sections = new List<PayloadSection>();
        for (var index = 0; index < payloads.Count; index++)
        {
            var payload = payloads[index];
            var name = string.Create(CultureInfo.InvariantCulture, $"{Content}[{index}]");
            var typeName = Text(payload, "PayloadType") ?? "";
            var type = TypeOf(payload);
            var text = texts.Payload(typeName);
            var fields = new PayloadFields(key => texts.Payload(typeName, key), Seal, named, raw);
            sections.Add(new PayloadSection(
                index, name, typeName, type?.Variant, type is null ? typeName : text.Label, text.Help, type?.On.Supervised ?? false, Text(payload, "PayloadUUID") ?? "", Text(payload, "PayloadIdentifier"),
                type is null ? null : fields.Of(name, KeysOf(type), payload),
                fields.Of(name, KeySet.Of([AppleCatalogue.Instance.CommonKeys["PayloadDisplayName"]]), payload)[0],
                type is null ? raw?.GetValueOrDefault(name) ?? Indented(payload) : null));
        }

        return new ProfileFormView(
            [.. root.Of("", Keys(GeneralKeys), profile).Select(field => field.Name == "PayloadIdentifier" ? field with { Required = false, Help = $"{field.Help} Left empty, one is made. It never changes." } : field)],
            root.Of("", Keys(EndingKeys), profile), sections, Choices, problems ?? new Dictionary<string, string[]>(), problem);
    }

    /// <summary>What was entered.</summary>
    /// <param name="before">The version that it is a change of; null: it is new.</param>
    /// <param name="keepEmpty">The form is shown again: items of lists without anything in them stay.</param>
    public async Task<(JsonObject Profile, PayloadReading Reading)> Read(HttpContext context, UploadForm form, JsonObject? before, bool keepEmpty)
    {
        var reading = new PayloadReading(form, sealedSecret => Open(Purpose(context), sealedSecret), keepEmpty);
        var cancellation = context.RequestAborted;
        var rootKeys = Keys([.. GeneralKeys, .. EndingKeys]);
        var profile = await reading.Read("", KeySet.Of([.. rootKeys, Root.Keys[Content]]), before, cancellation);
        profile.Remove(Content);
        var payloads = new JsonArray();
        var old = (before?[Content] as JsonArray ?? []).OfType<JsonObject>().ToList();
        for (var index = 0; index < reading.Count(Content); index++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{Content}[{index}]");
            if (reading.Own($"{name}.PayloadType") is not { } typeName)
                continue;
            var uuid = reading.Own($"{name}.PayloadUUID");
            var was = old.Find(payload => uuid is not null && string.Equals(Text(payload, "PayloadUUID"), uuid, StringComparison.OrdinalIgnoreCase));
            JsonObject payload;
            var variant = reading.Own($"{name}.variant");
            if (AppleCatalogue.Instance.Payloads.TryGetValue(typeName, out var variants) && variants.FirstOrDefault(type => type.Variant == variant) is { } type)
            {
                var keys = KeySet.Of([AppleCatalogue.Instance.CommonKeys["PayloadDisplayName"], .. KeysOf(type)]);
                payload = await reading.Read(name, keys, was, cancellation);
            }
            else if (reading.Own(name) is { } json && Parse(json) is { } given)
            {
                payload = given;
            }
            else
            {
                payload = (JsonObject?)was?.DeepClone() ?? [];
                if (reading.Own(name) is { } typed)
                {
                    reading.Raw[name] = typed;
                    reading.Errors[name] = ["Enter the payload as JSON."];
                }
            }

            payload["PayloadType"] = typeName;
            if (uuid is not null)
                payload["PayloadUUID"] = uuid;
            if (reading.Own($"{name}.PayloadIdentifier") is { } identifier)
                payload["PayloadIdentifier"] = identifier;
            payloads.Add((JsonNode)payload);
        }

        profile[Content] = payloads;
        reading.RefuseOthers(Content);
        return (profile, reading);
    }

    /// <summary>Adds an item to a list, or takes one away.</summary>
    /// <param name="path">As in <c>PayloadContent[0].AirPrint</c> or <c>PayloadContent[0].AirPrint[1]</c>.</param>
    public static void Change(JsonObject profile, string path, bool remove)
    {
        JsonNode? at = profile;
        var steps = path.Replace("[", ".[", StringComparison.Ordinal).Split('.', StringSplitOptions.RemoveEmptyEntries);
        for (var step = 0; step < steps.Length && at is not null; step++)
        {
            var last = step == steps.Length - 1;
            if (steps[step] is ['[', .. var number, ']'] && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            {
                if (at is not JsonArray list || index >= list.Count)
                    return;
                if (last && remove)
                    list.RemoveAt(index);
                at = last ? null : list[index];
            }
            else if (at is JsonObject dictionary)
            {
                if (last && !remove)
                    ((JsonArray)(dictionary[steps[step]] ??= new JsonArray())).Add((JsonNode)new JsonObject());
                else if (!dictionary.ContainsKey(steps[step]) && !remove)
                    dictionary[steps[step]] = new JsonObject();
                at = last ? null : dictionary[steps[step]];
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>Of a payload: the type, and the variant that its values fit.</summary>
    private static CatalogueType? TypeOf(JsonObject payload) => AppleCatalogue.Instance.Payloads.TryGetValue(Text(payload, "PayloadType") ?? "", out var variants)
        ? variants.LastOrDefault(type => type.Variant is null || type.OwnKeys.Where(key => key.Required && key.Values.Count == 1).All(key => Text(payload, key.Name) == CatalogueField.Written(key.Values[0])))
        : null;

    /// <summary>Without those that every payload has.</summary>
    private static KeySet KeysOf(CatalogueType type) => KeySet.Of(type.Keys.Where(key => type.OwnKeys.TryGet(key.Name, out _) || !AppleCatalogue.Instance.CommonKeys.TryGet(key.Name, out _)));

    private static string Label(JsonObject payload) => CatalogueTexts.English.Payload(Text(payload, "PayloadType") ?? "").Label;

    private static KeySet Keys(string[] names) => KeySet.Of(names.Select(name => Root.Keys[name]));

    private static string? Text(JsonObject json, string key) => json[key] is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static JsonObject? Parse(string json)
    {
        try
        {
            return JsonNode.Parse(json) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Indented(JsonObject payload) =>
        payload.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private static string Purpose(HttpContext context) => $"profile-form/{FleetUser.Of(context).TokenId}";

    private string? Open(string purpose, string sealedSecret)
    {
        try
        {
            return Encoding.UTF8.GetString(sealer.Open(purpose, Convert.FromBase64String(sealedSecret)));
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            return null;
        }
    }
}
