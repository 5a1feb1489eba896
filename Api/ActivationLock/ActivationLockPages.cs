using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.ActivationLock;

/// <summary>What the page shows.</summary>
/// <param name="Code">Null: nobody has said why she wants to see it.</param>
public sealed record ActivationLockPageView(DeviceFrameView Frame, ActivationLockView Lock, string? Code, FormState Form);

internal static class ActivationLockPages
{
    public const string Name = "activation-lock";

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet($"/ipads/{{id}}/{Name}", Show).Needs(Rights.SecretRead);
        pages.MapPost($"/ipads/{{id}}/{Name}", Fetch).Needs(Rights.CommandSend).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapPost($"/ipads/{{id}}/{Name}/code", Read).Needs(Rights.SecretRead).Audit(AuditVerbs.SecretRead, AuditTargets.Device);
    }

    private static Task<RazorComponentResult<ActivationLockPage>> Show(string id, HttpContext context, DeviceFrames frames, ActivationLockService service) =>
        Page(id, context, frames, service, null, FormState.Fresh, null);

    private static async Task<IResult> Fetch(string id, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log, DeviceFrames frames, ActivationLockService service)
    {
        await PageForms.Read(context, ids);
        try
        {
            await CommandEndpoints.Enqueue(id, context, CommandReader.Plain(ActivationLockAnswer.RequestType), null, push: true, lookup, log);
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(id, context, frames, service, null, FormState.Refused(problem), problem);
        }

        return PageForms.See($"{DeviceFrameView.PathOf(id)}/{Name}?done=asked");
    }

    private static async Task<IResult> Read(string id, HttpContext context, RequestIds ids, DeviceFrames frames, ActivationLockService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var read = await service.Read(context, id, form.Get("reason"));
            return await Page(id, context, frames, service, read.Code, FormState.Fresh, null);
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(id, context, frames, service, null, FormState.Refused(problem, form.Get), problem);
        }
    }

    private static async Task<RazorComponentResult<ActivationLockPage>> Page(
        string id, HttpContext context, DeviceFrames frames, ActivationLockService service, string? code, FormState form, ApiProblem? problem)
    {
        var view = new ActivationLockPageView(await frames.Of(context, id, problem is { Errors: null } ? problem : null), await service.Find(id), code, form);
        return new RazorComponentResult<ActivationLockPage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }
}
