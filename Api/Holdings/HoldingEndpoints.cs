using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Holdings;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Holdings;

/// <summary><c>/api/v1/devices/{id}/holder</c>, <c>/api/v1/people/{id}/devices</c> and <c>/api/v1/loans</c>.</summary>
internal static class HoldingEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var holdings = api.MapGroup("").Needs(Rights.DeviceRead, Rights.PeopleRead).WithinSchools().WithTags("Holders");
        holdings.MapPut("/devices/{id}/holder", HandOut).Needs(Rights.DeviceChange, Rights.PeopleRead).Takes<HandOutRequest>()
            .Audit(AuditVerbs.DeviceHandOut, AuditTargets.Device, AuditPlace.WithTheChange).Fails(400, 404, 409, 413, 415);
        holdings.MapDelete("/devices/{id}/holder", Return).Needs(Rights.DeviceChange).Audit(AuditVerbs.DeviceReturn, AuditTargets.Device, AuditPlace.WithTheChange).Fails(404);
        holdings.MapGet("/devices/{id}/holders", OfDevice).WithQuery("after", "limit").Fails(400, 404);
        holdings.MapGet("/people/{id}/devices", OfPerson).WithQuery("returned", "after", "limit").Fails(400, 404);
        holdings.MapGet("/loans", Loans).WithQuery("overdue", "handBack", "school", "after", "limit").Fails(400);
    }

    /// <summary>Give an iPad to a person</summary>
    /// <remarks>For good, or until a day. The same once more changes nothing; another day changes the loan. 409: another person has it. The answer names who, and
    /// <c>returnFirst</c> records that it came back.</remarks>
    public static async Task<Ok<HolderView>> HandOut(string id, HttpContext context, HoldingService service) =>
        TypedResults.Ok(await service.HandOut(context, id, await RequestBody.ReadJsonAsync(context, AdminJson.Default.HandOutRequest)));

    /// <summary>An iPad came back</summary>
    /// <remarks>404: nobody has it.</remarks>
    public static async Task<NoContent> Return(string id, HttpContext context, HoldingService service)
    {
        await service.Return(context, id);
        return TypedResults.NoContent();
    }

    /// <summary>Who has and who had an iPad, the newest first</summary>
    /// <param name="id">Of the iPad.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<HoldingView>>> OfDevice(
        string id, HttpContext context, HoldingService service, DeviceLookup devices, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(FleetUser.Of(context), new HoldingFilter { DeviceId = (await devices.Row(id)).Id }, after, Page.Limit(limit)));

    /// <summary>The iPads of a person, the newest first</summary>
    /// <param name="id">Of the person.</param>
    /// <param name="returned">true: those that came back stand there too.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<HoldingView>>> OfPerson(
        string id, HttpContext context, HoldingService service, PeopleService people, [FromQuery] string? returned = null, [FromQuery] string? after = null,
        [FromQuery] string? limit = null)
    {
        var user = FleetUser.Of(context);
        var filter = new HoldingFilter { PersonId = (await people.Get(user, id)).Id, Current = Text.Flag("returned", returned) != true };
        return TypedResults.Ok(await service.List(user, filter, after, Page.Limit(limit)));
    }

    /// <summary>Loans, by their last day</summary>
    /// <remarks>iPads that are not returned, and that were not given for good.</remarks>
    /// <param name="overdue">true: only those whose last day is over.</param>
    /// <param name="handBack">true: in their place the iPads that people want to hand back, on loan or not, the newest first.</param>
    /// <param name="school">The id of a school: its iPads.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<HoldingView>>> Loans(
        HttpContext context, HoldingService service, [FromQuery] string? overdue = null, [FromQuery] string? handBack = null, [FromQuery] string? school = null, [FromQuery] string? after = null,
        [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(
            FleetUser.Of(context),
            Text.Flag("handBack", handBack) == true ? HoldingService.HandBacks(school) : HoldingService.Loans(Text.Flag("overdue", overdue) == true, service.Today, school), after, Page.Limit(limit)));
}
