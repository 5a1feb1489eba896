using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.SharedIPads;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.SharedIPads;

/// <summary>What the page that asks before a deletion shows.</summary>
/// <param name="UserName">Null: all users.</param>
/// <param name="Word">To be typed.</param>
public sealed record DeleteUsersView(DeviceFrameView Frame, string? UserName, string Word, bool HasDataToSync, FormState Form);

/// <summary>The tab of a Shared iPad's users, and the page that asks before they are deleted.</summary>
internal static class SharedIPadPages
{
    public const string Name = "shared-ipad";

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet($"/ipads/{{id}}/{Name}", Show).Needs(Rights.DeviceRead);
        pages.MapPost($"/ipads/{{id}}/{Name}", Refresh).Needs(Rights.DeviceRefresh).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapPost($"/ipads/{{id}}/{Name}/log-out", LogOut).Needs(CommandRights.Of(SharedIPadUsers.LogOutUser)).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapGet($"/ipads/{{id}}/{Name}/delete", AskDelete).Needs(CommandRights.Of(SharedIPadUsers.DeleteUser));
        pages.MapPost($"/ipads/{{id}}/{Name}/delete", Delete).Needs(CommandRights.Of(SharedIPadUsers.DeleteUser)).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
    }

    private static Task<RazorComponentResult<SharedIPadPage>> Show(string id, HttpContext context, DeviceFrames frames, SharedIPadService service) => Page(id, context, frames, service, null);

    private static async Task<RazorComponentResult<SharedIPadPage>> Page(string id, HttpContext context, DeviceFrames frames, SharedIPadService service, ApiProblem? problem) =>
        new(new { View = new SharedIPadPageView(await frames.Of(context, id, problem), await service.Get(FleetUser.Of(context), id)) }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };

    private static Task<IResult> Refresh(string id, HttpContext context, RequestIds ids, DeviceFrames frames, SharedIPadService service) =>
        Send(id, "asked", context, ids, frames, service, () => service.Refresh(context, id));

    private static Task<IResult> LogOut(string id, HttpContext context, RequestIds ids, DeviceFrames frames, SharedIPadService service) =>
        Send(id, "log-out", context, ids, frames, service, () => service.LogOut(context, id));

    private static async Task<IResult> Send(
        string id, string done, HttpContext context, RequestIds ids, DeviceFrames frames, SharedIPadService service, Func<Task<CommandAccepted>> send)
    {
        await PageForms.Read(context, ids);
        try
        {
            await send();
            return PageForms.See($"{DeviceFrameView.PathOf(id)}/{Name}?done={done}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(id, context, frames, service, problem);
        }
    }

    private static Task<IResult> AskDelete(string id, HttpContext context, DeviceFrames frames, SharedIPadService service) =>
        Ask(id, context.Request.Query["user"].FirstOrDefault(), context, frames, service, FormState.Fresh);

    private static async Task<IResult> Ask(string id, string? userName, HttpContext context, DeviceFrames frames, SharedIPadService service, FormState form)
    {
        var frame = await frames.Of(context, id);
        var shared = await service.Get(FleetUser.Of(context), id);
        var name = string.IsNullOrWhiteSpace(userName) ? null : userName;
        var concerned = shared.Users.Where(user => user.IsOnIPad && (name is null || SharedIPadUsers.IsSame(user.UserName, name))).ToList();
        if (name is not null && concerned.Count == 0) throw ApiProblem.NotFound("The iPad has named no such user.");
        var view = new DeleteUsersView(frame, name is null ? null : concerned[0].UserName, WordOf(frame, name), concerned.Exists(user => user.HasDataToSync), form);
        return new RazorComponentResult<DeleteUsersPage>(new { View = view }) { StatusCode = form.Status };
    }

    private static async Task<IResult> Delete(string id, HttpContext context, RequestIds ids, DeviceFrames frames, SharedIPadService service)
    {
        var form = await PageForms.Read(context, ids);
        var name = form.Get("user");
        try
        {
            PageForms.Confirm(form, WordOf(await frames.Of(context, id), name));
            await service.Delete(context, id, new DeleteUsersRequest { UserName = name, All = name is null, Force = form.Get("force") is not null });
            return PageForms.See($"{DeviceFrameView.PathOf(id)}/{Name}?done=users-deleted");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Ask(id, name, context, frames, service, FormState.Refused(problem, form.Get));
        }
    }

    /// <summary>Of all users: the iPad's, so that nobody takes one for another.</summary>
    private static string WordOf(DeviceFrameView frame, string? userName) => userName ?? frame.Device.SerialNumber ?? frame.Device.Id;
}
