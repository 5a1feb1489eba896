using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Enrolment;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Reenrolment;

/// <summary>The list of claims, and the forms that decide.</summary>
internal static class ClaimPages
{
    private const int ClaimsOnPage = 50;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages = pages.MapGroup("").WithinSchools();
        pages.MapGet("/claims", List).Needs(Rights.DeviceRead);
        pages.MapPost("/ipads/{id}/claim/allow", AllowClaim).Needs(Rights.DeviceChange).Audit(AuditVerbs.ReenrolmentAllow, AuditTargets.Device);
        pages.MapPost("/ipads/{id}/claim/refuse", RefuseClaim).Needs(Rights.DeviceChange).Audit(AuditVerbs.ReenrolmentRefuse, AuditTargets.Device);
        pages.MapPost("/ipads/{id}/reenrolment", Allow).Needs(Rights.DeviceChange).Audit(AuditVerbs.ReenrolmentAllow, AuditTargets.Device);
    }

    private static async Task<RazorComponentResult<ClaimsPage>> List(HttpContext context, IReenrolmentStore store, string? after)
    {
        if (after is not null && Text.EnrolmentId(after) is null) throw ApiProblem.InvalidCursor();
        var rows = await store.ListOpenClaims(FleetUser.Of(context).Scope, after, ClaimsOnPage + 1);
        var page = Page.Of(rows, ClaimsOnPage, ClaimView.Of, row => row.DeviceId);
        return new RazorComponentResult<ClaimsPage>(new { User = FleetUser.Of(context), Claims = page, IsLaterPage = after is not null });
    }

    private static Task<IResult> AllowClaim(string id, HttpContext context, RequestIds ids, ReenrolmentService service) =>
        Decide(id, ClaimDecision.Allowed, "claim-allowed", context, ids, service);

    private static Task<IResult> RefuseClaim(string id, HttpContext context, RequestIds ids, ReenrolmentService service) =>
        Decide(id, ClaimDecision.Refused, "claim-refused", context, ids, service);

    private static async Task<IResult> Decide(
        string id, ClaimDecision decision, string done, HttpContext context, RequestIds ids, ReenrolmentService service)
    {
        var form = await PageForms.Read(context, ids);
        if (!Guid.TryParse(form.Get("claim"), out var claim)) throw ApiProblem.Field("claim", "It must be the claim that was shown.");
        await service.Decide(id, claim, decision, context);
        return PageForms.See($"/ipads/{Uri.EscapeDataString(id)}?done={done}");
    }

    private static async Task<IResult> Allow(string id, HttpContext context, RequestIds ids, ReenrolmentService service)
    {
        await PageForms.Read(context, ids);
        await service.Allow([id], null, ReenrolmentService.DefaultHours, FleetUser.Of(context));
        return PageForms.See($"/ipads/{Uri.EscapeDataString(id)}?done=reenrolment");
    }
}
