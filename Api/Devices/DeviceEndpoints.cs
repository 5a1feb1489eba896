using FleetMdm.Api.Access;
using FleetMdm.Api.Apps;
using FleetMdm.Api.Audit;
using FleetMdm.Api.CheckIn;
using FleetMdm.Api.Holdings;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using StoredFilter = FleetMdm.Storage.Devices.DeviceFilter;

namespace FleetMdm.Api.Devices;

/// <summary><c>/api/v1/devices</c>.</summary>
internal static class DeviceEndpoints
{
    /// <summary>Characters of a filter in a record.</summary>
    private const int LongestDetail = 1_000;

    public static void MapRest(RouteGroupBuilder api)
    {
        var devices = api.MapGroup("/devices").Needs(Rights.DeviceRead).WithTags("Devices");
        string[] filters = ["filter", "q", "status", "school", "productName", "osVersion", "serialNumber", "kind", "seenBefore", "seenAfter"];
        devices.MapGet("", List).WithinSchools().WithQuery([.. filters, "sort", "after", "limit"]).Fails(400);
        devices.MapGet("/export", Export).WithinSchools().WithQuery(filters).Produces<string>(200, "text/csv").Fails(400);
        devices.MapGet("/{id}", Get).Fails(404);
        devices.MapDelete("/{id}", Remove).Needs(Rights.DeviceChange).Audit(AuditVerbs.DeviceRemove, AuditTargets.Device, AuditPlace.WithTheChange).Fails(404);
        devices.MapPost("/{id}/push", Push).Needs(Rights.DeviceRefresh).Idempotent().Audit(AuditVerbs.DevicePush, AuditTargets.Device).WithTags("Devices").Fails(404, 409, 422);
    }

    /// <summary>List iPads</summary>
    /// <remarks>All filters that are given must hold.</remarks>
    /// <param name="filter">Conditions in words, as in <c>os&lt;17.5 and not (school:Hillside or battery&lt;20)</c>.</param>
    /// <param name="q">Part of the serial number, the name, the UDID or the user's name, in whatever case.</param>
    /// <param name="status">Authenticated, Enrolled, Unenrolled, Removed or Erased.</param>
    /// <param name="school">The school, exactly.</param>
    /// <param name="productName">As in <c>iPad14,1</c>, exactly.</param>
    /// <param name="osVersion">Exactly, or a prefix that ends in a dot: <c>18.</c> finds 18.1 and 18.3.2.</param>
    /// <param name="serialNumber">The serial number, exactly.</param>
    /// <param name="kind">Device, UserEnrollment or SharedUser.</param>
    /// <param name="seenBefore">Last seen before this time, and enrolled before it: never one that was not seen yet.</param>
    /// <param name="seenAfter">Last seen after this time.</param>
    /// <param name="sort">id, name, serialNumber or lastSeenAt (the longest silent first); with a minus before it in the other direction. By id when absent.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<DeviceSummary>>> List(
        IFleetQueries fleet, HoldingService holders, HttpContext context, TimeProvider time,
        [FromQuery] string? filter = null, [FromQuery] string? q = null, [FromQuery] string? status = null, [FromQuery] string? school = null,
        [FromQuery] string? productName = null, [FromQuery] string? osVersion = null, [FromQuery] string? serialNumber = null,
        [FromQuery] string? kind = null, [FromQuery] string? seenBefore = null, [FromQuery] string? seenAfter = null,
        [FromQuery] string? sort = null, [FromQuery] string? after = null, [FromQuery] string? limit = null)
    {
        var wanted = Filter(time, filter, q, status, school, productName, osVersion, serialNumber, kind, seenBefore, seenAfter);
        var most = Page.Limit(limit);
        var order = DeviceOrders.Read("sort", sort);
        DeviceOrders.CheckCursor(after, order);

        var rows = await fleet.ListDevices(FleetUser.Of(context).Scope, wanted, after, most + 1, order);
        var page = Page.Of(rows, most, row => DeviceSummary.Of(row, FleetUser.Of(context)), row => DeviceCursor.Of(row, order));
        return TypedResults.Ok(page with { Items = await holders.With(FleetUser.Of(context), page.Items) });
    }

    /// <summary>The same as CSV, all of it</summary>
    /// <remarks>In order of the ids. It is read page by page, so an iPad that changes meanwhile stands there as it was before or after. That it was exported is
    /// recorded. Texts that a spreadsheet would take for a formula begin with an apostrophe.</remarks>
    /// <param name="filter">As for the list.</param>
    /// <param name="q">As for the list.</param>
    /// <param name="status">As for the list.</param>
    /// <param name="school">As for the list.</param>
    /// <param name="productName">As for the list.</param>
    /// <param name="osVersion">As for the list.</param>
    /// <param name="serialNumber">As for the list.</param>
    /// <param name="kind">As for the list.</param>
    /// <param name="seenBefore">As for the list.</param>
    /// <param name="seenAfter">As for the list.</param>
    public static async Task<IResult> Export(
        IFleetQueries fleet, HoldingService holders, HttpContext context, AuditTrail trail, TimeProvider time,
        [FromQuery] string? filter = null, [FromQuery] string? q = null, [FromQuery] string? status = null, [FromQuery] string? school = null,
        [FromQuery] string? productName = null, [FromQuery] string? osVersion = null, [FromQuery] string? serialNumber = null,
        [FromQuery] string? kind = null, [FromQuery] string? seenBefore = null, [FromQuery] string? seenAfter = null)
    {
        var wanted = Filter(time, filter, q, status, school, productName, osVersion, serialNumber, kind, seenBefore, seenAfter);
        await trail.Record(context, AuditVerbs.DeviceExport, detail: context.Request.QueryString.Value is { Length: > 0 } said ? Text.Printable(said, LongestDetail) : null);
        // Before it is answered: an unreachable store is 503, not half a file.
        return new DeviceExport(fleet, holders, wanted, await fleet.ListDevices(FleetUser.Of(context).Scope, wanted, null, DeviceExport.RowsAtATime), FleetUser.Of(context));
    }

    private static StoredFilter Filter(
        TimeProvider time, string? filter, string? q, string? status, string? school, string? productName, string? osVersion, string? serialNumber,
        string? kind, string? seenBefore, string? seenAfter) => new()
        {
            Query = Text.Optional("q", q),
            Status = Text.Name<EnrolmentStatus>("status", status),
            School = Text.Optional("school", school),
            ProductName = Text.Optional("productName", productName),
            OsVersion = Text.Optional("osVersion", osVersion),
            SerialNumber = Text.Optional("serialNumber", serialNumber),
            Kind = Text.Name<EnrolmentKind>("kind", kind),
            SeenBefore = Text.Time("seenBefore", seenBefore),
            SeenAfter = Text.Time("seenAfter", seenAfter),
            Expression = DeviceFilters.Read("filter", filter, time.GetUtcNow()),
        };

    /// <summary>One iPad: its state, its queue, its last contact, and why it waits</summary>
    public static async Task<Ok<DeviceView>> Get(string id, HttpContext context, DeviceLookup lookup, HoldingService holders) =>
        TypedResults.Ok(await holders.With(FleetUser.Of(context), DeviceView.Of(await lookup.Row(id), await lookup.Describe(id), FleetUser.Of(context))));

    /// <summary>Remove an iPad from management</summary>
    /// <remarks>It is woken once. Whenever it comes, it is told to unenrol (iOS 17 and later remove the profile). What was queued ends.</remarks>
    public static async Task<NoContent> Remove(string id, DeviceLookup lookup)
    {
        var outcome = await lookup.Grain(id).Remove();
        return outcome == RemoveOutcome.UnknownDevice ? throw DeviceLookup.NotFound() : TypedResults.NoContent();
    }

    /// <summary>Wake an iPad now</summary>
    public static async Task<Accepted<PushRequested>> Push(string id, DeviceLookup lookup)
    {
        await RequestPush(lookup, id);
        return TypedResults.Accepted($"/api/v1/devices/{Uri.EscapeDataString(id)}", new PushRequested(id));
    }

    /// <exception cref="ApiProblem">404, or 409 when it cannot be woken.</exception>
    internal static async Task RequestPush(DeviceLookup lookup, string id)
    {
        switch (await lookup.Grain(id).Push())
        {
            case PushOutcome.Requested:
                return;
            case PushOutcome.NoPushToken:
                throw ApiProblem.Conflict(ProblemCodes.NoPushToken, "It cannot be woken",
                    "This iPad has no push token that works: its enrolment is not complete, it left, or APNs said that the token is dead.");
            default:
                throw DeviceLookup.NotFound();
        }
    }
}

/// <summary>A push was asked for.</summary>
/// <param name="Id">Of the iPad.</param>
public sealed record PushRequested(string Id);

/// <summary>From the id in a path to what is known under it.</summary>
internal sealed class DeviceLookup(IFleetQueries fleet, DeviceGrains devices, HostedAppService apps, TimeProvider time)
{
    public HostedAppService Apps => apps;

    public TimeProvider Time => time;

    public static ApiProblem NotFound() => ApiProblem.NotFound("No iPad is known by this id.");

    /// <exception cref="ApiProblem">404: nothing can have this id.</exception>
    public IDeviceGrain Grain(string id) => devices.Of(Text.EnrolmentId(id) ?? throw NotFound());

    public async Task<DeviceRow> Row(string id) =>
        await fleet.FindDevice(Text.EnrolmentId(id) ?? throw NotFound()) ?? throw NotFound();

    public async Task<DeviceDescription?> Describe(string id) => await Grain(id).Describe();
}
