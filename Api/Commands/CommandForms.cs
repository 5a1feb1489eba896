using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Api.Apps;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Catalogue;

namespace FleetMdm.Api.Commands;

/// <summary>Forms of commands from the catalogue, for one iPad and for many.</summary>
internal static class CommandForms
{
    /// <summary>The field that says which setting is filled in.</summary>
    public const string ItemField = "settings.item";

    private const string Settings = "Settings";

    private const string FirstSetting = "settings[0].";

    /// <exception cref="ApiProblem">404.</exception>
    public static CatalogueType Type(string name) => AppleCatalogue.Instance.Commands.GetValueOrDefault(name) ?? throw ApiProblem.NotFound("iPadOS has no command of this name.");

    /// <summary>What Settings can set; empty for other commands.</summary>
    public static KeySet Variants(CatalogueType command) => command.Name == Settings ? command.Keys[Settings].Item!.Variants : KeySet.Empty;

    public static IReadOnlyList<(string Name, CatalogueText Text)> Items(CatalogueType command) =>
        [.. Variants(command).Select(variant => (variant.Name, CatalogueTexts.English.Command(command.Name, variant)))];

    /// <summary>Of Settings: the setting that is filled in. What an address says of it beside another command is left over from a choice before.</summary>
    public static string? ItemOf(CatalogueType? command, string? item) => command?.Name == Settings ? item : null;

    /// <summary>Of Settings: those of the item, with the names that errors give them.</summary>
    public static IReadOnlyList<CatalogueField> Fields(CatalogueType command, string? item)
    {
        var texts = CatalogueTexts.English;
        if (command.Name != Settings)
            return CatalogueField.Of(CommandCatalogue.KeysOf(command), key => texts.Command(command.Name, key), key => CommandCatalogue.HasStandard(command.Name, key));
        if (item is null || !Variants(command).TryGet(item, out var variant))
            return [];
        var keys = variant.Keys.Where(key => key.Name != CatalogueKey.Discriminator);
        return CatalogueField.Of(KeySet.Of(keys), key => texts.Command(command.Name, key), _ => false);
    }

    /// <summary>What was filled in, as REST takes it.</summary>
    /// <exception cref="ApiProblem">Names the field.</exception>
    public static async Task<JsonElement> Read(CatalogueType command, UploadForm form, CancellationToken cancellationToken)
    {
        var item = form.Get(ItemField);
        var fields = Fields(command, item);
        RefuseOthers(command, fields, form);
        var written = await CatalogueField.Read(fields, form, cancellationToken);
        if (command.Name == Settings)
        {
            written["item"] = item;
            written = new JsonObject { ["settings"] = new JsonArray(written) };
        }

        if (command.Name == HostedAppService.InstallApplication && form.Get(HostedAppService.Member) is { } app)
            written[HostedAppService.Member] = app;
        written["requestType"] = command.Name;
        return JsonSerializer.SerializeToElement(written);
    }

    /// <summary>A field that could be a key of a command and is none of this one's is not left out in silence: somebody means something by it.</summary>
    private static void RefuseOthers(CatalogueType command, IReadOnlyList<CatalogueField> fields, UploadForm form)
    {
        var own = fields.Select(field => field.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var name in form.Filled)
        {
            var isApp = name == HostedAppService.Member;
            if (own.Contains(name) || (name == ItemField && command.Name == Settings) || (isApp && command.Name == HostedAppService.InstallApplication))
                continue;
            if (isApp || name.AsSpan().ContainsAny('.', '[') || KeysOfCommands.Contains(name))
                throw ApiProblem.Field(name, "This form has no such field. Load the page again.");
        }
    }

    /// <summary>As the fields of forms are named, but for those that a form has for its list of iPads.</summary>
    private static readonly FrozenSet<string> KeysOfCommands = AppleCatalogue.Instance.Commands.Values.SelectMany(CommandCatalogue.KeysOf)
        .Concat(AppleCatalogue.Instance.Commands[Settings].Keys[Settings].Item!.Variants.SelectMany(variant => variant.Keys))
        .Select(key => key.JsonName).Except(DeviceQuery.FieldNames).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>What was typed, by the names of fields; null: nothing was.</summary>
    public static IReadOnlyDictionary<string, string>? Values(IReadOnlyList<CatalogueField> fields, UploadForm? form) =>
        form is null ? null : fields.Where(field => form.Get(field.Name) is not null).ToDictionary(field => field.Name, field => form.Get(field.Name)!);

    /// <summary>An item of Settings is the first of a list; its fields go by their own names.</summary>
    public static IReadOnlyDictionary<string, string[]> Problems(ApiProblem? problem) =>
        (problem?.Errors ?? new Dictionary<string, string[]>())
            .GroupBy(error => error.Key.StartsWith(FirstSetting, StringComparison.Ordinal) ? error.Key[FirstSetting.Length..] : error.Key)
            .ToDictionary(group => group.Key, group => group.First().Value);
}
