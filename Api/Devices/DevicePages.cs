using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Console;
using FleetMdm.Api.Reenrolment;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Devices;

/// <summary>The list of iPads, the page of one, and its forms.</summary>
internal static class DevicePages
{
    private const int DevicesOnPage = 50;
    private const int CommandsOnPage = 25;
    private const int RecordsOnPage = 10;

    /// <summary>What a page says after a form did its work, by the word in its address: never text from there.</summary>
    private static readonly Dictionary<string, string> Notes = new()
    {
        ["push"] = "A push was asked for. The iPad connects within seconds if it is awake and online.",
        ["query"] = "DeviceInformation is queued.",
        ["lock"] = "DeviceLock is queued.",
        ["restart"] = "RestartDevice is queued.",
        ["profile"] = "InstallProfile is queued.",
        ["clear-passcode"] = "ClearPasscode is queued.",
        ["erase"] = "EraseDevice is queued. The iPad is erased as soon as it connects.",
        ["remove"] = "The iPad is removed from management. A push was sent, and it is told so as soon as it connects.",
        ["cancel"] = "The command is cancelled.",
        ["claim-allowed"] = "The other device is allowed to take this iPad over, for 72 hours. Install the profile on it again.",
        ["claim-refused"] = "The other device is refused.",
        ["renewal"] = "The identity certificate is to be renewed: InstallProfile is queued.",
        ["reenrolment"] = "This iPad may enrol anew within 24 hours.",
    };

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/ipads", Devices).WithQuery([.. DeviceQuery.Names, "after"])
            .AddEndpointFilter((invocation, next) => QueryNames.Check(invocation, next));
        pages.MapGet("/ipads/{id}", ShowDevice);
        pages.MapPost("/ipads/{id}/push", Push).Audit(AuditVerbs.DevicePush, AuditTargets.Device);
        pages.MapPost("/ipads/{id}/query", Query).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapPost("/ipads/{id}/lock", Lock).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapPost("/ipads/{id}/commands/{uuid}/cancel", Cancel).Audit(AuditVerbs.CommandCancel, AuditTargets.Device, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<DevicesPage>> Devices(
        HttpContext context, IFleetQueries fleet, TimeProvider time, string? after)
    {
        var query = DeviceQuery.Of(context.Request);
        var filter = query.Filter(time.GetUtcNow());
        if (after is not null && Text.EnrolmentId(after) is null) throw ApiProblem.Field("after", "It must be the \"next\" of a page.", ProblemCodes.InvalidCursor);

        var total = fleet.Count(filter);
        var rows = await fleet.ListDevices(filter, after, DevicesOnPage + 1, query.Order);
        var page = Page.Of(rows, DevicesOnPage, row => DeviceSummary.Of(row, FleetUser.Of(context)), row => row.Id);
        var view = new DevicesView(FleetUser.Of(context), page, query, await total, after is not null);
        return new RazorComponentResult<DevicesPage>(new { View = view });
    }

    private static Task<RazorComponentResult<DevicePage>> ShowDevice(
        string id, HttpContext context, DeviceLookup lookup, CommandLog log, IReenrolmentStore claims, string? after, string? done) =>
        Device(id, context, lookup, log, claims, after, Notes.GetValueOrDefault(done ?? ""), null);

    /// <summary>The page of one iPad, with what became of a form.</summary>
    private static async Task<RazorComponentResult<DevicePage>> Device(
        string id, HttpContext context, DeviceLookup lookup, CommandLog log, IReenrolmentStore claims, string? after, string? note, ApiProblem? problem)
    {
        var device = DeviceView.Of(await lookup.Row(id), await lookup.Describe(id), FleetUser.Of(context));
        var commands = await log.List(id, after, CommandsOnPage);
        var claim = await claims.FindClaim(id) is { Decision: ClaimDecision.Open } open ? ClaimView.Of(open) : null;
        var view = new DeviceDetailView(FleetUser.Of(context), device, commands, await Records(context, device.Id), claim, note, problem?.Message, PageForms.NewKey());
        return new RazorComponentResult<DevicePage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static async Task<IReadOnlyList<AuditView>> Records(HttpContext context, string id)
    {
        if (FleetUser.Of(context).Role != AccessRole.Administrator) return [];
        var store = context.RequestServices.GetRequiredService<IAuditStore>();
        return [.. (await store.List(new AuditFilter { Target = id }, null, RecordsOnPage)).Select(AuditView.Of)];
    }

    private static Task<IResult> Push(string id, HttpContext context, DeviceLookup lookup, CommandLog log, IReenrolmentStore claims) =>
        OnDevicePage(id, "push", context, lookup, log, claims, () => DeviceEndpoints.RequestPush(lookup, id));

    private static Task<IResult> Query(string id, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log, IReenrolmentStore claims) =>
        OnDevicePage(id, "query", context, lookup, log, claims, () => Send(id, "DeviceInformation", context, ids, lookup, log));

    private static Task<IResult> Lock(string id, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log, IReenrolmentStore claims) =>
        OnDevicePage(id, "lock", context, lookup, log, claims, () => Send(id, "DeviceLock", context, ids, lookup, log));

    private static Task<IResult> Cancel(string id, string uuid, HttpContext context, DeviceLookup lookup, CommandLog log, IReenrolmentStore claims) =>
        OnDevicePage(id, "cancel", context, lookup, log, claims, () => CommandEndpoints.CancelCommand(lookup, log, id, uuid));

    private static async Task Send(string id, string requestType, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log)
    {
        await PageForms.Read(context, ids);
        var json = JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["requestType"] = requestType });
        await CommandEndpoints.Enqueue(id, context, CommandReader.FromJson(json), null, push: true, lookup, log);
    }

    /// <summary>Does it and shows the iPad's page, with what went wrong if it did.</summary>
    private static async Task<IResult> OnDevicePage(
        string id, string action, HttpContext context, DeviceLookup lookup, CommandLog log, IReenrolmentStore claims, Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (ApiProblem problem) when (problem.Status is StatusCodes.Status409Conflict or StatusCodes.Status429TooManyRequests)
        {
            return await Device(id, context, lookup, log, claims, null, null, problem);
        }

        return PageForms.See($"/ipads/{Uri.EscapeDataString(id)}?done={action}");
    }
}
