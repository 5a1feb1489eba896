using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Campaigns;

/// <summary><c>/api/v1/campaigns</c>.</summary>
internal static class CampaignEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var campaigns = api.MapGroup("/campaigns").Needs(Rights.DeviceRead).WithinSchools().WithTags("Campaigns");
        campaigns.MapGet("", List).WithQuery("after", "limit").Fails(400);
        campaigns.MapPost("", Create).Needs(Rights.DeviceChange).Takes<CampaignRequest>().Idempotent().Audit(AuditVerbs.CampaignCreate, AuditTargets.Campaign, AuditPlace.WithTheChange)
            .WithQuery("dryRun").Produces<CampaignView>(201).Produces<CampaignPlanView>(200).Fails(400, 403, 409, 413, 415, 422);
        campaigns.MapGet("/{id}", Get).Fails(404);
        campaigns.MapDelete("/{id}", Delete).Needs(Rights.DeviceChange).Audit(AuditVerbs.CampaignDelete, AuditTargets.Campaign, AuditPlace.WithTheChange).Fails(404, 409);
        campaigns.MapPost("/{id}/close", Close).Needs(Rights.DeviceChange).Idempotent().Audit(AuditVerbs.CampaignClose, AuditTargets.Campaign, AuditPlace.WithTheChange).Fails(404);
        campaigns.MapGet("/{id}/devices", Devices).WithQuery("part", "school", "after", "limit").Fails(400, 404);
        campaigns.MapGet("/{id}/export", Export).WithQuery("part", "school").Produces<string>(200, "text/csv").Fails(400, 404);
        campaigns.MapPost("/{id}/collect", Collect).Needs(Rights.DeviceChange).Takes<CollectRequest>().Idempotent().Audit(AuditVerbs.CampaignCollect, AuditTargets.Campaign, AuditPlace.WithTheChange)
            .Produces<CollectView>(200).Fails(400, 404, 409, 413, 415);
        campaigns.MapDelete("/{id}/devices/{device}/collection", PutBack).Needs(Rights.DeviceChange).Audit(AuditVerbs.CampaignPutBack, AuditTargets.Campaign, AuditPlace.WithTheChange).Fails(404);
    }

    /// <summary>List campaigns, the newest first</summary>
    /// <remarks>Those that have iPads of your schools, with the numbers of these.</remarks>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<CampaignView>>> List(HttpContext context, CampaignService service, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(FleetUser.Of(context), after, Page.Limit(limit)));

    /// <summary>Write down which iPads come back</summary>
    /// <remarks>The enrolled iPads that it finds now, with their school and who has them. What happens to groups, people and enrolments afterwards takes none out. <c>dryRun</c> answers 200
    /// with how many they are, and changes nothing.</remarks>
    /// <param name="dryRun">true: only say which.</param>
    public static async Task<IResult> Create(HttpContext context, CampaignService service, [FromQuery] string? dryRun = null)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.CampaignRequest);
        if (Text.Flag("dryRun", dryRun) ?? false) return TypedResults.Ok(await service.Plan(context, request));
        var campaign = await service.Create(context, request);
        return TypedResults.Created($"/api/v1/campaigns/{campaign.Id}", campaign);
    }

    /// <summary>One campaign, with how it stands at each school</summary>
    public static async Task<Ok<CampaignView>> Get(string id, HttpContext context, CampaignService service) => TypedResults.Ok(await service.Get(FleetUser.Of(context), id));

    /// <summary>Close a campaign</summary>
    /// <remarks>Nothing is collected for it any more. Closed campaigns are forgotten with the history. Only for those whose schools it does not go beyond.</remarks>
    public static async Task<Ok<CampaignView>> Close(string id, HttpContext context, CampaignService service) => TypedResults.Ok(await service.Close(context, id));

    /// <summary>Delete a campaign that is closed</summary>
    /// <remarks>409: close it first.</remarks>
    public static async Task<NoContent> Delete(string id, HttpContext context, CampaignService service)
    {
        await service.Delete(context, id);
        return TypedResults.NoContent();
    }

    /// <summary>The iPads of a campaign</summary>
    /// <param name="part">all, missing, collected, or notErased (collected, and not erased since).</param>
    /// <param name="school">Only those that were of this school, by its name.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<CampaignDeviceView>>> Devices(
        string id, HttpContext context, CampaignService service, [FromQuery] string? part = null, [FromQuery] string? school = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Devices(FleetUser.Of(context), id, part, school, after, Page.Limit(limit)));

    /// <summary>The iPads of a campaign as CSV</summary>
    /// <param name="part">As for the list.</param>
    /// <param name="school">As for the list.</param>
    public static Task<IResult> Export(string id, HttpContext context, CampaignService service, [FromQuery] string? part = null, [FromQuery] string? school = null) =>
        service.Export(context, id, part, school);

    /// <summary>An iPad came back</summary>
    /// <remarks>By its serial number or asset tag. Whoever had it has returned it, in the same transaction. The answer is 200 also when it was not collected: <c>outcome</c> says why. 409: the
    /// campaign is closed.</remarks>
    public static async Task<Ok<CollectView>> Collect(string id, HttpContext context, CampaignService service) =>
        TypedResults.Ok(await service.Collect(context, id, await RequestBody.ReadJsonAsync(context, AdminJson.Default.CollectRequest)));

    /// <summary>An iPad did not come back after all</summary>
    /// <remarks>Whoever had it has it again, when nobody else has it by now. 404: it was not collected, or the campaign is closed.</remarks>
    public static async Task<NoContent> PutBack(string id, string device, HttpContext context, CampaignService service)
    {
        await service.PutBack(context, id, device);
        return TypedResults.NoContent();
    }
}
