using System.Text.Encodings.Web;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Commands;

/// <summary>What the page of one command shows.</summary>
/// <param name="Answer">As indented JSON; null: there is none to show.</param>
/// <param name="Form">Of the reason to look at what is hidden in it.</param>
public sealed record CommandPageView(FleetUser User, string DeviceId, string DeviceName, CommandView Command, string? Answer, FormState Form);

/// <summary>The commands of an iPad as a tab of its page, and the page of one with the iPad's answer.</summary>
internal static class CommandPages
{
    /// <summary>For people: names stay as they are. The page escapes what it shows.</summary>
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 128 };

    private const int CommandsOnPage = 50;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/ipads/{id}/commands", List).Needs(Rights.DeviceRead);
        pages.MapGet("/ipads/{id}/commands/{uuid}", (string id, string uuid, HttpContext context, DeviceLookup lookup, CommandLog log) => Show(id, uuid, context, lookup, log, null, FormState.Fresh))
            .Needs(Rights.DeviceRead);
        pages.MapPost("/ipads/{id}/commands/{uuid}/answer", Look).Needs(Rights.DeviceRead, Rights.SecretRead)
            .Audit(AuditVerbs.SecretRead, AuditTargets.Device);
    }

    private static async Task<RazorComponentResult<DeviceCommandsPage>> List(string id, HttpContext context, DeviceFrames frames, CommandLog log, string? after) =>
        new(new { Frame = await frames.Of(context, id), Commands = await log.List(id, after, CommandsOnPage), IsLaterPage = after is not null });

    /// <summary>Shows what is hidden in the answer to somebody who says why. Recorded first.</summary>
    private static async Task<RazorComponentResult<CommandPage>> Look(string id, string uuid, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            return await Show(id, uuid, context, lookup, log, AuditReason.Required(context, form.Get("reason")), FormState.Fresh);
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Show(id, uuid, context, lookup, log, null, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<RazorComponentResult<CommandPage>> Show(
        string id, string uuid, HttpContext context, DeviceLookup lookup, CommandLog log, string? reason, FormState form)
    {
        var device = await lookup.Row(id);
        var (command, _) = await log.Find(context, device.Id, CommandEndpoints.CommandUuid(uuid), reason) ?? throw CommandEndpoints.NotFound();
        var answer = command.Result is { } result ? JsonSerializer.Serialize(result, Indented) : null;
        var view = new CommandPageView(FleetUser.Of(context), device.Id, device.DeviceName ?? device.SerialNumber ?? device.Id, command, answer, form);
        return new RazorComponentResult<CommandPage>(new { View = view }) { StatusCode = form.Status };
    }
}
