using FleetMdm.Api.Hosting;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Enrolment;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Invitations;

/// <summary><c>/api/v1/invitations</c>.</summary>
internal static class InvitationEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var invitations = api.MapGroup("/invitations").WithTags("Invitations");
        invitations.MapPost("", Create).Idempotent().Takes<InvitationRequest>().Fails(400, 409, 413, 415, 422);
        invitations.MapGet("", List).WithQuery("after", "limit").Fails(400);
        invitations.MapGet("/{id}", Get).Fails(404);
        invitations.MapDelete("/{id}", Revoke).Fails(404);
    }

    /// <summary>Make an invitation</summary>
    /// <remarks>Whoever has its link can enrol iPads with it, until it is used up, expires or is revoked.</remarks>
    public static async Task<Created<InvitationView>> Create(
        HttpContext context, InvitationService service, IOptions<MdmOptions> mdm, TimeProvider time)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.InvitationRequest);
        var invitation = await service.Create(context, request);
        return TypedResults.Created($"/api/v1/invitations/{invitation.Id}", InvitationView.Of(invitation, mdm.Value.PublicUri, time.GetUtcNow()));
    }

    /// <summary>List invitations, newest first</summary>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<InvitationView>>> List(
        string? after, string? limit, IEnrolmentStore store, IOptions<MdmOptions> mdm, TimeProvider time)
    {
        var most = Page.Limit(limit);
        if (after is not null && await Find(store, after) is null) throw ApiProblem.Field("after", "It must be the \"next\" of a page.", ProblemCodes.InvalidCursor);

        var rows = await store.ListInvitations(after, most + 1);
        var now = time.GetUtcNow();
        return TypedResults.Ok(Page.Of(rows, most, row => InvitationView.Of(row, mdm.Value.PublicUri, now), row => row.Id));
    }

    /// <summary>One invitation</summary>
    public static async Task<Ok<InvitationView>> Get(string id, IEnrolmentStore store, IOptions<MdmOptions> mdm, TimeProvider time) =>
        await Find(store, id) is { } invitation
            ? TypedResults.Ok(InvitationView.Of(invitation, mdm.Value.PublicUri, time.GetUtcNow()))
            : throw NotFound();

    /// <summary>Revoke an invitation</summary>
    /// <remarks>It gives no profile and no certificate any more; iPads that enrolled by it stay enrolled.</remarks>
    public static async Task<NoContent> Revoke(string id, IEnrolmentStore store, TimeProvider time) =>
        OneTimeChallenge.IsInvitationId(id) && await store.RevokeInvitation(id, time.GetUtcNow()) ? TypedResults.NoContent() : throw NotFound();

    internal static async Task<Invitation?> Find(IEnrolmentStore store, string id) => OneTimeChallenge.IsInvitationId(id) ? await store.FindInvitation(id) : null;

    internal static ApiProblem NotFound() => ApiProblem.NotFound("There is no invitation with this id.");
}
