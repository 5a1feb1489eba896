using FleetMdm.Api.Access;
using FleetMdm.Api.Apps;
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
/// <param name="Misfits">Why this iPad would refuse the command, whatever stands in it; empty: nothing is known that speaks against it.</param>
/// <param name="CanForce">It was refused because it does not fit: it can be sent all the same.</param>
/// <param name="Items">What Settings can set; empty for other commands.</param>
/// <param name="Item">The one that is filled in.</param>
/// <param name="Problems">What is wrong, by the names of fields.</param>
/// <param name="Word">To be typed when it takes something away; null: nothing is typed.</param>
public sealed record CommandFormView(
    FleetUser User, string DeviceName, string Path, IReadOnlyList<string> Misfits, bool CanForce, CatalogueType Type, CatalogueText Text, IReadOnlyList<(string Name, CatalogueText Text)> Items, string? Item,
    IReadOnlyList<CatalogueField> Fields, string? Word, string FormKey, IReadOnlyDictionary<string, string>? Values,
    string? Problem, IReadOnlyDictionary<string, string[]> Problems, IReadOnlyList<CommandWarning> Warnings)
{
    /// <summary>In-house apps that it can install; null: it installs none.</summary>
    public IReadOnlyList<HostedAppView>? Apps { get; init; }
    public string? HostedApp { get; init; }
}

/// <summary>Sends any command of iPadOS to one iPad: a list of them, and a form for each, both from the catalogue.</summary>
internal static class CommandFormPages
{
    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/ipads/{id}/command", List).NeedsOneOf(Rights.AnyCommand);
        pages.MapGet("/ipads/{id}/command/{type}", Ask).NeedsOneOf(Rights.AnyCommand);
        pages.MapPost("/ipads/{id}/command/{type}", Send).NeedsOneOf(Rights.AnyCommand).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<CommandListPage>> List(string id, HttpContext context, DeviceLookup lookup)
    {
        var row = await lookup.Row(id);
        return new RazorComponentResult<CommandListPage>(new
        {
            User = FleetUser.Of(context),
            DeviceName = row.DeviceName ?? row.SerialNumber ?? row.Id,
            Path = Path(row.Id),
            Misfits = AppleCatalogue.Instance.Commands.Values.ToDictionary(type => type.Name, type => CommandFit.Reasons(type, row)),
        });
    }

    private static Task<RazorComponentResult<CommandFormPage>> Ask(string id, string type, HttpContext context, DeviceLookup lookup, [FromQuery] string? item = null) =>
        Page(id, type, item, context, lookup, null, null, []);

    private static async Task<IResult> Send(string id, string type, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log)
    {
        CommandRights.Require(context, type);
        var command = CommandForms.Type(type);
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

            var built = CommandReader.FromJson(await lookup.Apps.Resolve(await CommandForms.Read(command, form, context.RequestAborted)));
            var accepted = await CommandEndpoints.Enqueue(id, context, built, null, push: true, lookup, log, force: form.Get("force") is not null);
            return accepted.Warnings.Count == 0
                ? PageForms.See(Path(row.Id) + "?done=sent")
                : await Page(id, type, form.Get(CommandForms.ItemField), context, lookup, null, null, accepted.Warnings);
        }
        catch (ApiProblem problem) when (problem.Status is not StatusCodes.Status404NotFound and < 500)
        {
            return await Page(id, type, form?.Get(CommandForms.ItemField), context, lookup, form, problem, []);
        }
    }

    private static async Task<RazorComponentResult<CommandFormPage>> Page(
        string id, string type, string? item, HttpContext context, DeviceLookup lookup, UploadForm? form, ApiProblem? problem, IReadOnlyList<CommandWarning> warnings)
    {
        CommandRights.Require(context, type);
        var row = await lookup.Row(id);
        var command = CommandForms.Type(type);
        var texts = CatalogueTexts.English;
        item = CommandForms.ItemOf(command, item);
        var fields = CommandForms.Fields(command, item);
        var view = new CommandFormView(
            FleetUser.Of(context), row.DeviceName ?? row.SerialNumber ?? row.Id, Path(row.Id), CommandFit.Reasons(command, row),
            problem?.Code == ProblemCodes.DoesNotFit, command, texts.Command(type),
            CommandForms.Items(command), item, fields,
            CommandCatalogue.IsDestructive(type) ? row.SerialNumber ?? row.Id : null, PageForms.NewKey(),
            CommandForms.Values(fields, form), problem?.Message, CommandForms.Problems(problem), warnings)
        {
            Apps = await lookup.Apps.Choices(type),
            HostedApp = form?.Get(HostedAppService.Member),
        };
        return new RazorComponentResult<CommandFormPage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static string Path(string id) => "/ipads/" + Uri.EscapeDataString(id);
}
