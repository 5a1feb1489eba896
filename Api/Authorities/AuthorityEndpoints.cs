using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Authorities;

/// <summary><c>/api/v1/authorities</c>: the CA of iPads' identities, and its change.</summary>
internal static class AuthorityEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var authorities = api.MapGroup("/authorities").Needs(Rights.CertificateRead).WithTags("Certificate authorities");
        authorities.MapGet("", List).Fails();
        authorities.MapPost("", Prepare).Needs(Rights.CertificateChange).Idempotent().Audit(AuditVerbs.AuthorityPrepare, AuditTargets.Authority).Fails(409);
        authorities.MapPost("/{id}/activate", Activate).Needs(Rights.CertificateChange).Idempotent().Audit(AuditVerbs.AuthorityActivate, AuditTargets.Authority).Fails(404, 409);
        authorities.MapDelete("/{id}", Retire).Needs(Rights.CertificateChange).WithQuery("force").Audit(AuditVerbs.AuthorityRetire, AuditTargets.Authority).Fails(400, 404, 409);
    }

    /// <summary>List the CAs of iPads' identities, and how many iPads each has</summary>
    /// <remarks>Certificates of all of them are taken. The active one issues. How to change it: docs/identity.md</remarks>
    public static async Task<Ok<AuthoritiesView>> List(AuthorityService service) => TypedResults.Ok(await service.List());

    /// <summary>Prepare a new CA</summary>
    /// <remarks>Its key is made and sealed, and its certificates are taken from now on. It issues nothing before it is activated.</remarks>
    public static async Task<Created<AuthorityView>> Prepare(HttpContext context, AuthorityService service)
    {
        var prepared = await service.Prepare(context);
        return TypedResults.Created("/api/v1/authorities", prepared);
    }

    /// <summary>Let the prepared CA issue from now on</summary>
    /// <remarks>Ten minutes after it was prepared at the earliest, so that each node knows it. The one before goes on being trusted, and its key is forgotten: this
    /// cannot be undone. iPads get a certificate of the new CA over Renewal:SpreadDays.</remarks>
    /// <param name="id">SHA-256 of its certificate.</param>
    public static async Task<Ok<AuthorityView>> Activate(string id, HttpContext context, AuthorityService service) =>
        TypedResults.Ok(await service.Activate(context, id));

    /// <summary>Retire a former CA, or drop a prepared one</summary>
    /// <remarks>Its certificates are refused from then on, on all nodes within five minutes. While enrolled iPads have one: 409.</remarks>
    /// <param name="id">SHA-256 of its certificate.</param>
    /// <param name="force">true: even if iPads depend on it. They have to be enrolled again.</param>
    public static async Task<NoContent> Retire(string id, HttpContext context, AuthorityService service, string? force = null)
    {
        await service.Retire(context, id, Text.Flag("force", force) ?? false);
        return TypedResults.NoContent();
    }
}
