using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using Microsoft.AspNetCore.Http.HttpResults;
using StoredFilter = FleetMdm.Storage.Devices.DeviceFilter;

namespace FleetMdm.Api.Reenrolment;

/// <summary><c>/api/v1/claims</c>, <c>/api/v1/reenrolment</c>, and both for one iPad.</summary>
internal static class ReenrolmentEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var tagged = api.MapGroup("").WithTags("Reenrolment");
        tagged.MapGet("/claims", List).WithinSchools().Needs(Rights.DeviceRead).WithQuery("after", "limit").Fails(400);
        tagged.MapGet("/devices/{id}/claim", Get).Needs(Rights.DeviceRead).Fails(404);
        tagged.MapPost("/devices/{id}/claim/allow", Allow).Needs(Rights.DeviceChange).Takes<ClaimRequest>().Idempotent().Audit(AuditVerbs.ReenrolmentAllow, AuditTargets.Device).Fails(400, 404, 409, 413, 415, 422);
        tagged.MapPost("/devices/{id}/claim/refuse", Refuse).Needs(Rights.DeviceChange).Takes<ClaimRequest>().Idempotent().Audit(AuditVerbs.ReenrolmentRefuse, AuditTargets.Device).Fails(400, 404, 409, 413, 415, 422);
        tagged.MapPost("/devices/{id}/reenrolment", AllowOne).Needs(Rights.DeviceChange).Takes<DeviceReenrolmentRequest>().Idempotent()
            .Audit(AuditVerbs.ReenrolmentAllow, AuditTargets.Device).Fails(400, 404, 409, 413, 415, 422);
        tagged.MapDelete("/devices/{id}/reenrolment", Withdraw).Needs(Rights.DeviceChange).Audit(AuditVerbs.ReenrolmentRefuse, AuditTargets.Device).Fails(404);
        tagged.MapPost("/reenrolment", AllowMany).WithinSchools().Needs(Rights.DeviceChange).Takes<ReenrolmentRequest>().Idempotent().Audit(AuditVerbs.ReenrolmentAllow).Fails(400, 409, 413, 415, 422);
    }

    /// <summary>List claims that nobody has decided about, the newest first</summary>
    /// <remarks>A claim: another device says that it is an iPad which is enrolled already. It was refused, and nothing was changed.</remarks>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ClaimView>>> List(string? after, string? limit, HttpContext context, IReenrolmentStore store)
    {
        var most = Page.Limit(limit);
        if (after is not null && Text.EnrolmentId(after) is null) throw ApiProblem.InvalidCursor();
        var rows = await store.ListOpenClaims(FleetUser.Of(context).Scope, after, most + 1);
        return TypedResults.Ok(Page.Of(rows, most, ClaimView.Of, row => row.DeviceId));
    }

    /// <summary>The newest claim on an iPad that nobody has decided about; if there is none, the newest one</summary>
    public static async Task<Ok<ClaimView>> Get(string id, ReenrolmentService service) => TypedResults.Ok(ClaimView.Of(await service.Find(id)));

    /// <summary>Allow the device that claims an iPad to take it over</summary>
    /// <remarks>It may do so for 72 hours, once, with the certificate that it has or with a new one by the same invitation. The enrolment that
    /// stands there ends then: its commands end, its escrowed tokens are forgotten. Claims of other devices that come meanwhile change nothing of it.</remarks>
    public static Task<Ok<ClaimView>> Allow(string id, HttpContext context, ReenrolmentService service) =>
        Decide(id, ClaimDecision.Allowed, context, service);

    /// <summary>Refuse the device that claims an iPad</summary>
    /// <remarks>Its certificate speaks for nobody from then on. A claim with another certificate is a new one.</remarks>
    public static Task<Ok<ClaimView>> Refuse(string id, HttpContext context, ReenrolmentService service) =>
        Decide(id, ClaimDecision.Refused, context, service);

    /// <summary>Allow an iPad to enrol anew without being asked</summary>
    /// <remarks>For an iPad that is about to be restored by hand: for that time the next certificate that says it is this iPad is believed, once.</remarks>
    public static async Task<Ok<ReenrolmentView>> AllowOne(string id, HttpContext context, ReenrolmentService service)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.DeviceReenrolmentRequest);
        var allowed = await service.Allow([id], null, request.Hours ?? ReenrolmentService.DefaultHours, FleetUser.Of(context));
        return allowed.Count > 0 ? TypedResults.Ok(allowed) : throw Devices.DeviceLookup.NotFound();
    }

    /// <summary>Withdraw what an iPad was allowed</summary>
    public static async Task<NoContent> Withdraw(string id, ReenrolmentService service)
    {
        await service.Withdraw(id);
        return TypedResults.NoContent();
    }

    /// <summary>Allow many iPads to enrol anew without being asked</summary>
    /// <remarks>For a summer in which a whole school is restored. See the same for one iPad.</remarks>
    public static async Task<Ok<ReenrolmentView>> AllowMany(HttpContext context, ReenrolmentService service, TimeProvider time)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.ReenrolmentRequest);
        if (request.Ids is null == request.Filter is null) throw ApiProblem.Field("ids", "Send exactly one of ids and filter.");
        var ids = request.Ids is { } named ? OperationEndpoints.Ids("ids", named) : null;
        var filter = request.Filter is { } parts ? Filter(parts, time.GetUtcNow()) : null;
        return TypedResults.Ok(await service.Allow(ids, filter, request.Hours ?? ReenrolmentService.DefaultHours, FleetUser.Of(context)));
    }

    private static StoredFilter Filter(DeviceFilterRequest filter, DateTimeOffset now)
    {
        // A filter that lost its parts on the way must not mean the whole fleet.
        if (filter == new DeviceFilterRequest()) throw ApiProblem.Field("filter", "It has no parts.");
        return new StoredFilter
        {
            Query = Text.Optional("filter.q", filter.Q),
            Status = Text.Name<EnrolmentStatus>("filter.status", filter.Status),
            School = Text.Optional("filter.school", filter.School),
            ProductName = Text.Optional("filter.productName", filter.ProductName),
            OsVersion = Text.Optional("filter.osVersion", filter.OsVersion),
            SerialNumber = Text.Optional("filter.serialNumber", filter.SerialNumber),
            Kind = Text.Name<EnrolmentKind>("filter.kind", filter.Kind),
            SeenBefore = filter.SeenBefore,
            SeenAfter = filter.SeenAfter,
            Expression = DeviceFilters.Read("filter.filter", filter.Filter, now),
        };
    }

    private static async Task<Ok<ClaimView>> Decide(string id, ClaimDecision decision, HttpContext context, ReenrolmentService service)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.ClaimRequest);
        return TypedResults.Ok(ClaimView.Of(await service.Decide(id, request.ClaimId, decision, context)));
    }
}
