using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Devices;

/// <summary>An action on one iPad that cannot be taken back: a page asks for a word before it is done.</summary>
/// <param name="Name">In the address.</param>
/// <param name="Words">On the button.</param>
/// <param name="RequestType">The command; null: it is removed from management.</param>
public sealed record AskedAction(string Name, string Words, string Warning, string? RequestType)
{
    public string Right => RequestType is null ? Rights.DeviceChange : CommandRights.Of(RequestType);
}

/// <summary>What the page that asks shows.</summary>
/// <param name="Word">To be typed.</param>
/// <param name="CanForce">It was refused because it does not fit: it can be sent all the same.</param>
public sealed record DeviceAskView(FleetUser User, AskedAction Action, string Name, string Path, string Word, string FormKey, FormState Form, bool CanForce = false);

/// <summary>What can be done to one iPad in the console, beside what its page does by itself.</summary>
internal static class DeviceActionPages
{
    /// <summary>Done at once, by a button: those that are pressed often stand first, the others under "More".</summary>
    public static readonly (string Action, string Words, bool First, string Right)[] AtOnce =
        [("push", "Send push", true, Rights.DeviceRefresh), ("lock", "Lock the screen", true, Rights.CommandLock), ("restart", "Restart", true, Rights.CommandSend),
            ("query", "Refresh details", false, Rights.DeviceRefresh)];

    public static readonly IReadOnlyList<AskedAction> Asked =
    [
        new("clear-passcode", "Clear the passcode", "Whoever holds the iPad can then open it. This cannot be undone.", "ClearPasscode"),
        new("erase", "Erase", "Everything on the iPad is deleted as soon as it connects, and it leaves the management. This cannot be undone.", "EraseDevice"),
        new("remove", "Remove from management",
            "The iPad is told to remove its management profile, and everything that came with it, as soon as it connects. Commands that wait for it end. To manage it again, enrol it again.", null),
    ];

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapPost("/ipads/{id}/restart", Restart).Needs(Rights.CommandSend).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapGet("/ipads/{id}/profile", AskProfile).Needs(Rights.CommandSend);
        pages.MapPost("/ipads/{id}/profile", InstallProfile).Needs(Rights.CommandSend).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        foreach (var action in Asked)
        {
            pages.MapGet($"/ipads/{{id}}/{action.Name}", (string id, HttpContext context, DeviceLookup lookup) => Ask(id, action, context, lookup, null)).Needs(action.Right);
            pages.MapPost($"/ipads/{{id}}/{action.Name}",
                    (string id, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log) => Do(id, action, context, ids, lookup, log)).Needs(action.Right)
                .Audit(action.RequestType is null ? AuditVerbs.DeviceRemove : AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        }
    }

    private static async Task<IResult> Restart(string id, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log)
    {
        await PageForms.Read(context, ids);
        await Send(id, CommandReader.Plain("RestartDevice"), context, lookup, log);
        return PageForms.See($"{Path(id)}?done=restart");
    }

    private static Task<RazorComponentResult<DeviceProfilePage>> AskProfile(string id, HttpContext context, DeviceLookup lookup) =>
        ProfilePage(id, context, lookup, null);

    private static async Task<RazorComponentResult<DeviceProfilePage>> ProfilePage(string id, HttpContext context, DeviceLookup lookup, ApiProblem? problem)
    {
        var row = await lookup.Row(id);
        return new RazorComponentResult<DeviceProfilePage>(new
        {
            User = FleetUser.Of(context),
            Name = NameOf(row),
            Path = Path(row.Id),
            FormKey = PageForms.NewKey(),
            Form = problem is null ? FormState.Fresh : FormState.Refused(problem),
        })
        {
            StatusCode = problem?.Status ?? StatusCodes.Status200OK,
        };
    }

    private static async Task<IResult> InstallProfile(string id, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log)
    {
        try
        {
            var form = await UploadForm.Read(context, ids);
            await Send(id, CommandReader.FromJson(await ConsoleCommands.Read(form, "InstallProfile", context.RequestAborted)), context, lookup, log);
        }
        catch (ApiProblem problem) when (problem.Status is not StatusCodes.Status404NotFound and < 500)
        {
            return await ProfilePage(id, context, lookup, problem);
        }

        return PageForms.See($"{Path(id)}?done=profile");
    }

    private static async Task<RazorComponentResult<DeviceAskPage>> Ask(string id, AskedAction action, HttpContext context, DeviceLookup lookup, ApiProblem? problem)
    {
        var row = await lookup.Row(id);
        var view = new DeviceAskView(FleetUser.Of(context), action, NameOf(row), Path(row.Id), WordOf(row), PageForms.NewKey(),
            problem is null ? FormState.Fresh : FormState.Refused(problem), problem?.Code == ProblemCodes.DoesNotFit);
        return new RazorComponentResult<DeviceAskPage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static async Task<IResult> Do(string id, AskedAction action, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var row = await lookup.Row(id);
            PageForms.Confirm(form, WordOf(row));
            if (action.RequestType is { } requestType) await Send(id, CommandReader.Plain(requestType), context, lookup, log, form.Get("force") is not null);
            else await DeviceEndpoints.Remove(id, lookup);
        }
        catch (ApiProblem problem) when (problem.Status is not StatusCodes.Status404NotFound and < 500)
        {
            return await Ask(id, action, context, lookup, problem);
        }

        return PageForms.See($"{Path(id)}?done={action.Name}");
    }

    private static async Task Send(string id, BuiltCommand command, HttpContext context, DeviceLookup lookup, CommandLog log, bool force = false) =>
        await CommandEndpoints.Enqueue(id, context, command, null, push: true, lookup, log, force);

    private static string Path(string id) => "/ipads/" + Uri.EscapeDataString(id);

    private static string NameOf(DeviceRow row) => row.DeviceName ?? row.SerialNumber ?? row.Id;

    /// <summary>Short enough to type, and not the same for two.</summary>
    private static string WordOf(DeviceRow row) => row.SerialNumber ?? row.Id;
}
