using System.Text.Json;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>A profile as JSON: Apple's keys as Apple writes them, data as Base64, the payloads in PayloadContent. The catalogue says what each value
/// becomes.</summary>
public static class ProfileJson
{
    private const string PayloadContent = "PayloadContent";
    private const string PayloadType = "PayloadType";

    private static readonly KeySet RootKeys =
        KeySet.Of(AppleCatalogue.Instance.Profile.Keys.Where(key => key.Name != PayloadContent), AppleCatalogue.Instance.Profile.Keys.Elsewhere);

    /// <summary>Only types are looked at here.</summary>
    /// <param name="profile">An object.</param>
    /// <param name="before">The profile that it is a change of: its secrets stand where <see cref="SecretAnswers.Hidden"/> stands. Null: it is new.</param>
    /// <exception cref="CommandFieldException">Names the key.</exception>
    public static PlistDictionary Read(JsonElement profile, PlistDictionary? before)
    {
        if (profile.ValueKind != JsonValueKind.Object)
            throw new CommandFieldException("", "A profile is an object with PayloadContent, a list of payloads.");
        var revealed = ProfileSecrets.Reveal(profile, before);
        var payloads = new PlistArray();
        var content = revealed.TryGetProperty(PayloadContent, out var list) ? list : default;
        if (content.ValueKind is not (JsonValueKind.Array or JsonValueKind.Undefined or JsonValueKind.Null))
            throw new CommandFieldException($"/{PayloadContent}", "Must be a list of payloads.");
        if (content.ValueKind == JsonValueKind.Array)
        {
            foreach (var payload in content.EnumerateArray())
                payloads.Add(Payload(payload, $"/{PayloadContent}/{payloads.Count}"));
        }

        var root = new JsonCommand(KeyNames.Apple).Read(Without(revealed, PayloadContent), RootKeys, "");
        root[PayloadContent] = payloads;
        return before is null ? root : (PlistDictionary)ProfileSecrets.Retype(root, before);
    }

    /// <summary>Of a type with variants, the one that explains it best.</summary>
    private static PlistDictionary Payload(JsonElement payload, string pointer)
    {
        if (payload.ValueKind != JsonValueKind.Object)
            throw new CommandFieldException(pointer, "Must be an object: a payload.");
        if (!payload.TryGetProperty(PayloadType, out var type) || type.ValueKind != JsonValueKind.String)
            throw new CommandFieldException($"{pointer}/{PayloadType}", "PayloadType must be there, as in com.apple.wifi.managed. GET /api/v1/payload-types lists them.");
        var catalogue = AppleCatalogue.Instance;
        if (!catalogue.Payloads.TryGetValue(JsonCommand.TextOf(type, $"{pointer}/{PayloadType}", "a name"), out var variants))
            return new JsonCommand(KeyNames.Apple).Read(payload, catalogue.CommonKeys, pointer);

        (PlistDictionary Payload, int Problems, int Warnings)? best = null;
        CommandFieldException? fault = null;
        foreach (var variant in variants)
        {
            try
            {
                var read = new JsonCommand(KeyNames.Apple).Read(payload, variant.Keys, pointer);
                var check = new CatalogueCheck(KeyNames.Apple);
                check.Keys(read, variant.Keys, "", variant.Name);
                var (problems, warnings) = (check.Found.Problems.Count, check.Found.Warnings.Count);
                if (best is not { } known || (problems, warnings).CompareTo((known.Problems, known.Warnings)) < 0)
                    best = (read, problems, warnings);
            }
            catch (CommandFieldException e)
            {
                fault ??= e;
            }
        }

        return best?.Payload ?? throw fault!;
    }

    private static JsonElement Without(JsonElement json, string name)
    {
        var node = System.Text.Json.Nodes.JsonObject.Create(json)!;
        node.Remove(name);
        return JsonSerializer.SerializeToElement(node);
    }
}
