using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.SelfService;

/// <summary><c>/api/v1/my</c>.</summary>
internal static class SelfServiceEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        // Narrower than any school: each statement names the person.
        var my = api.MapGroup("/my").Needs(Rights.SelfUse).WithinSchools().WithTags("Self-service");
        my.MapGet("/devices", List).Fails(404);
        my.MapGet("/devices/{id}", Get).Fails(404);
        my.MapPost("/devices/{id}/reports", Report).Takes<MyReportRequest>().Idempotent()
            .Audit(AuditVerbs.IncidentOpen, AuditTargets.Device, AuditPlace.WithTheChange).Fails(400, 404, 409, 413, 415, 422);
        my.MapPost("/devices/{id}/lost-mode", Begin).Idempotent().Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange).Fails(404, 409, 422);
        my.MapDelete("/devices/{id}/lost-mode", End).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange).Fails(404, 409);
        my.MapPost("/devices/{id}/location", Locate).Idempotent().Audit(AuditVerbs.SecretRead, AuditTargets.Device).AnswersSecret().Fails(404, 409, 422);
        my.MapPut("/devices/{id}/return-request", AskReturn).Audit(AuditVerbs.DeviceReturnAsk, AuditTargets.Device, AuditPlace.WithTheChange).Fails(404);
        my.MapDelete("/devices/{id}/return-request", Keep).Audit(AuditVerbs.DeviceReturnAsk, AuditTargets.Device, AuditPlace.WithTheChange).Fails(404);
        my.MapPost("/invitations", Invite).Takes<MyInvitationRequest>().Idempotent().Audit(AuditVerbs.InvitationCreate, AuditTargets.Invitation, AuditPlace.WithTheChange).AnswersSecret()
            .Fails(400, 404, 409, 413, 415, 422);
        my.MapGet("/profiles", Profiles).Fails(404);
        my.MapGet("/profiles/{id}/mobileconfig", Download).Produces<byte[]>(200, ConfigurationProfile.ContentType).Fails(404);
    }

    /// <summary>The iPads of whoever asks</summary>
    /// <remarks>Of the person whom the account is linked to. 404: it is linked to nobody, or to somebody who has left.</remarks>
    public static async Task<Ok<MyDevicesView>> List(HttpContext context, SelfServiceService service) => TypedResults.Ok(await service.List(context));

    /// <summary>One of one's own iPads</summary>
    /// <remarks>With what the school sees of it and may do to it. 404: it is somebody else's, it was returned, or the loan is over.</remarks>
    public static async Task<Ok<MyDeviceDetailView>> Get(string id, HttpContext context, SelfServiceService service) => TypedResults.Ok(await service.Get(context, id));

    /// <summary>Report one's own iPad broken or lost</summary>
    /// <remarks>The school has an incident by it. 409: it is reported already. 429: ten reports in 24 hours.</remarks>
    public static async Task<Ok<MyDeviceDetailView>> Report(string id, HttpContext context, SelfServiceService service)
    {
        await service.Report(context, id, await RequestBody.ReadJsonAsync(context, AdminJson.Default.MyReportRequest));
        return TypedResults.Ok(await service.Get(context, id));
    }

    /// <summary>Begin lost mode on one's own iPad</summary>
    /// <remarks>With a fixed message. The iPad is reported lost too. 409: the district does not allow it, the iPad is not supervised, an exam holds it, or the school has begun it. 429: five in 24 hours.</remarks>
    public static async Task<Ok<MyDeviceDetailView>> Begin(string id, HttpContext context, SelfServiceService service, SelfServiceLostMode lostMode)
    {
        await lostMode.Begin(context, await service.Own(context, id));
        return TypedResults.Ok(await service.Get(context, id));
    }

    /// <summary>End lost mode that one has begun</summary>
    /// <remarks>It is cancelled if the iPad does not have it yet. The incident that was opened with it is closed. 409: the school has begun it.</remarks>
    public static async Task<Ok<MyDeviceDetailView>> End(string id, HttpContext context, SelfServiceService service, SelfServiceLostMode lostMode)
    {
        await lostMode.End(context, await service.Own(context, id));
        return TypedResults.Ok(await service.Get(context, id));
    }

    /// <summary>Where one's own lost iPad is</summary>
    /// <remarks>As it last said; it is asked once more. Recorded. 409: the district does not allow it, or the iPad is not in lost mode that one has begun. 429: 30 in 24 hours.</remarks>
    public static async Task<Ok<MyLocationView>> Locate(string id, HttpContext context, SelfServiceService service, SelfServiceLostMode lostMode) =>
        TypedResults.Ok(await lostMode.Locate(context, await service.Own(context, id)));

    /// <summary>Say that one wants to hand an iPad back</summary>
    /// <remarks>It is returned when the school has taken it.</remarks>
    public static async Task<Ok<MyDeviceDetailView>> AskReturn(string id, HttpContext context, SelfServiceService service)
    {
        await service.AskReturn(context, id, back: true);
        return TypedResults.Ok(await service.Get(context, id));
    }

    /// <summary>Keep it after all</summary>
    public static async Task<Ok<MyDeviceDetailView>> Keep(string id, HttpContext context, SelfServiceService service)
    {
        await service.AskReturn(context, id, back: false);
        return TypedResults.Ok(await service.Get(context, id));
    }

    /// <summary>Get a link to enrol an iPad that one has in one's hands</summary>
    /// <remarks>It works once, for an hour. The iPad is yours from then on. One that is enrolled already is refused. 409: the district does not allow it. 429: too many in 24
    /// hours.</remarks>
    public static async Task<Ok<MyInvitationView>> Invite(HttpContext context, SelfServiceService service)
    {
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(await service.Invite(context, await RequestBody.ReadJsonAsync(context, AdminJson.Default.MyInvitationRequest)));
    }

    /// <summary>Profiles that one may download</summary>
    public static async Task<Ok<MyProfilesView>> Profiles(HttpContext context, SelfServiceService service) => TypedResults.Ok(await service.Profiles(context));

    /// <summary>Download a profile</summary>
    /// <remarks>404: it is not offered to you. One that holds secrets leaves a record.</remarks>
    public static Task<IResult> Download(string id, HttpContext context, SelfServiceService service) => service.Download(context, id);
}
