using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Invitations;

/// <summary><c>/api/v1/invitations</c>.</summary>
internal static class InvitationEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var invitations = api.MapGroup("/invitations").Needs(Rights.InvitationRead).WithinSchools().WithTags("Invitations");
        invitations.MapPost("", Create).Needs(Rights.InvitationChange).Idempotent().Audit(AuditVerbs.InvitationCreate, AuditTargets.Invitation, AuditPlace.WithTheChange)
            .Takes<InvitationRequest>().Fails(400, 409, 413, 415, 422);
        invitations.MapGet("", List).WithQuery("after", "limit").Fails(400);
        invitations.MapGet("/{id}", Get).Fails(404);
        invitations.MapGet("/{id}/profile", Profile).Fails(403, 404, 409, 410);
        invitations.MapDelete("/{id}", Revoke).Needs(Rights.InvitationChange).WithQuery("certificates")
            .Audit(AuditVerbs.InvitationRevoke, AuditTargets.Invitation, AuditPlace.WithTheChange).Fails(400, 404);
    }

    /// <summary>Make an invitation</summary>
    /// <remarks>Whoever has its link can enrol iPads with it, until it is used up, expires or is revoked.</remarks>
    public static async Task<Created<InvitationView>> Create(HttpContext context, InvitationService service)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.InvitationRequest);
        var invitation = await service.Create(context, request);
        return TypedResults.Created($"/api/v1/invitations/{invitation.Id}", service.View(context, invitation));
    }

    /// <summary>List invitations, newest first</summary>
    /// <remarks>Their links are shown to those who may see secrets; that is recorded.</remarks>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<InvitationView>>> List(string? after, string? limit, HttpContext context, InvitationService service) =>
        TypedResults.Ok(await service.List(context, after, Page.Limit(limit)));

    /// <summary>One invitation, by its id or its number</summary>
    public static async Task<Ok<InvitationView>> Get(string id, HttpContext context, InvitationService service) =>
        TypedResults.Ok(await service.Show(context, id));

    /// <summary>The enrolment profile of an invitation as a file, for many iPads</summary>
    /// <remarks>For a blueprint of Apple Configurator. It can be put on any iPad until the invitation ends, and each takes a place of it. Who has the file can enrol
    /// as with the link. It is shown to those who may see secrets; that is recorded.</remarks>
    public static Task<IResult> Profile(string id, HttpContext context, InvitationService service) => service.Profile(context, id);

    /// <summary>Revoke an invitation</summary>
    /// <remarks>It gives no profile and no certificate any more, and a certificate that no iPad has used yet enrols none. iPads that enrolled by
    /// it stay enrolled, and renew their certificates.</remarks>
    /// <param name="id">Of the invitation.</param>
    /// <param name="certificates">withdraw: the certificates that iPads have are not renewed any more, and begin no enrolment again. keep (the default): they are.</param>
    public static async Task<NoContent> Revoke(string id, HttpContext context, InvitationService service, [FromQuery] string? certificates = null)
    {
        var withdraw = certificates switch
        {
            null or "keep" => false,
            "withdraw" => true,
            _ => throw ApiProblem.Field("certificates", "It must be keep or withdraw."),
        };
        await service.Revoke(context, id, withdraw);
        return TypedResults.NoContent();
    }
}
