using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Commands;

/// <summary>What the page shows on which one command is filled in and sent.</summary>
/// <param name="Items">What Settings can set; empty for other commands.</param>
/// <param name="Item">The one that is filled in.</param>
/// <param name="Problems">What is wrong, by the names of fields.</param>
/// <param name="Word">To be typed when it takes something away; null: nothing is typed.</param>
public sealed record CommandFormView(
    FleetUser User, string DeviceName, string Path, CatalogueType Type, CatalogueText Text, IReadOnlyList<(string Name, CatalogueText Text)> Items, string? Item,
    IReadOnlyList<CatalogueField> Fields, string? Word, string FormKey, IReadOnlyDictionary<string, string>? Values,
    string? Problem, IReadOnlyDictionary<string, string[]> Problems, IReadOnlyList<CommandWarning> Warnings);

/// <summary>Sends any command of iPadOS to one iPad: a list of them, and a form for each, both from the catalogue.</summary>
internal static class CommandFormPages
{
    private const string Settings = "Settings";

    private const string FirstSetting = "settings[0].";

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/ipads/{id}/command", List).RequireAuthorization(FleetPolicies.Administer);
        pages.MapGet("/ipads/{id}/command/{type}", Ask).RequireAuthorization(FleetPolicies.Administer);
        pages.MapPost("/ipads/{id}/command/{type}", Send).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<CommandListPage>> List(string id, HttpContext context, DeviceLookup lookup)
    {
        var row = await lookup.Row(id);
        return new RazorComponentResult<CommandListPage>(new
        {
            User = FleetUser.Of(context),
            DeviceName = row.DeviceName ?? row.SerialNumber ?? row.Id,
            Path = Path(row.Id),
        });
    }

    private static Task<RazorComponentResult<CommandFormPage>> Ask(string id, string type, HttpContext context, DeviceLookup lookup, [FromQuery] string? item = null) =>
        Page(id, type, item, context, lookup, null, null, []);

    private static async Task<IResult> Send(string id, string type, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log)
    {
        var command = Type(type);
        UploadForm? form = null;
        try
        {
            form = await UploadForm.Read(context, ids);
            var row = await lookup.Row(id);
            if (CommandCatalogue.IsDestructive(type) && !string.Equals(form.Get("confirm")?.Trim(), row.SerialNumber ?? row.Id, StringComparison.OrdinalIgnoreCase))
            {
                throw new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.NotConfirmed, "It was not confirmed",
                    $"Nothing was done. Type {row.SerialNumber ?? row.Id} to confirm.");
            }

            var item = form.Get("settings.item");
            var written = await CatalogueField.Read(Fields(command, item), form, context.RequestAborted);
            if (type == Settings)
            {
                written["item"] = item;
                written = new JsonObject { ["settings"] = new JsonArray(written) };
            }

            written["requestType"] = type;
            var built = CommandReader.FromJson(JsonSerializer.SerializeToElement(written));
            await CommandEndpoints.Enqueue(id, context, built, null, push: true, lookup, log);
            return built.Warnings.Count == 0
                ? PageForms.See(Path(row.Id) + "?done=sent")
                : await Page(id, type, item, context, lookup, null, null, CommandReader.Warnings(built));
        }
        catch (ApiProblem problem) when (problem.Status is not StatusCodes.Status404NotFound and < 500)
        {
            return await Page(id, type, form?.Get("settings.item"), context, lookup, form, problem, []);
        }
    }

    private static async Task<RazorComponentResult<CommandFormPage>> Page(
        string id, string type, string? item, HttpContext context, DeviceLookup lookup, UploadForm? form, ApiProblem? problem, IReadOnlyList<CommandWarning> warnings)
    {
        var row = await lookup.Row(id);
        var command = Type(type);
        var texts = CatalogueTexts.English;
        var variants = Variants(command);
        var fields = Fields(command, item);
        var view = new CommandFormView(
            FleetUser.Of(context), row.DeviceName ?? row.SerialNumber ?? row.Id, Path(row.Id), command, texts.Command(type),
            [.. variants.Select(variant => (variant.Name, texts.Command(type, variant)))], item, fields,
            CommandCatalogue.IsDestructive(type) ? row.SerialNumber ?? row.Id : null, PageForms.NewKey(),
            form is null ? null : fields.Where(field => form.Get(field.Name) is not null).ToDictionary(field => field.Name, field => form.Get(field.Name)!),
            problem?.Message, Problems(problem), warnings);
        return new RazorComponentResult<CommandFormPage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    /// <summary>An item of Settings is the first of a list; its fields go by their own names.</summary>
    private static Dictionary<string, string[]> Problems(ApiProblem? problem) =>
        (problem?.Errors ?? new Dictionary<string, string[]>())
            .GroupBy(error => error.Key.StartsWith(FirstSetting, StringComparison.Ordinal) ? error.Key[FirstSetting.Length..] : error.Key)
            .ToDictionary(group => group.Key, group => group.First().Value);

    private static CatalogueType Type(string name) => AppleCatalogue.Instance.Commands.GetValueOrDefault(name) ?? throw ApiProblem.NotFound("iPadOS has no command of this name.");

    private static KeySet Variants(CatalogueType command) => command.Name == Settings ? command.Keys[Settings].Item!.Variants : KeySet.Empty;

    /// <summary>Of Settings: those of the item, with the names that errors give them.</summary>
    private static IReadOnlyList<CatalogueField> Fields(CatalogueType command, string? item)
    {
        var texts = CatalogueTexts.English;
        if (command.Name != Settings)
            return CatalogueField.Of(CommandCatalogue.KeysOf(command), key => texts.Command(command.Name, key), key => CommandCatalogue.HasStandard(command.Name, key));
        if (item is null || !Variants(command).TryGet(item, out var variant))
            return [];
        var keys = variant.Keys.Where(key => key.Name != CatalogueKey.Discriminator);
        return CatalogueField.Of(KeySet.Of(keys), key => texts.Command(command.Name, key), _ => false);
    }

    private static string Path(string id) => "/ipads/" + Uri.EscapeDataString(id);
}
