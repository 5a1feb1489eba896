using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Console;
using FleetMdm.Api.Holdings;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Devices;

/// <summary>The list of iPads, the page of one, and its forms.</summary>
internal static class DevicePages
{
    private const int DevicesOnPage = 50;
    private const int NewestCommands = 10;

    /// <summary>Beyond, a name in full is looked for in vain: a longer list is shown instead.</summary>
    private const int MostNamesakes = 50;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/ipads", Devices).WithinSchools().Needs(Rights.DeviceRead).WithQuery([.. DeviceQuery.Names, "after"])
            .AddEndpointFilter((invocation, next) => QueryNames.Check(invocation, next));
        pages.MapGet("/search", Search).WithinSchools().Needs(Rights.DeviceRead).WithQuery("q").AddEndpointFilter((invocation, next) => QueryNames.Check(invocation, next));
        pages.MapGet("/ipads/{id}", ShowDevice).Needs(Rights.DeviceRead);
        pages.MapPost("/ipads/{id}/push", Push).Needs(Rights.DeviceRefresh).Audit(AuditVerbs.DevicePush, AuditTargets.Device);
        pages.MapPost("/ipads/{id}/query", Query).Needs(Rights.DeviceRefresh).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapPost("/ipads/{id}/lock", Lock).Needs(Rights.CommandLock).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapPost("/ipads/{id}/commands/{uuid}/cancel", Cancel).NeedsOneOf(Rights.AnyCommand).Audit(AuditVerbs.CommandCancel, AuditTargets.Device, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<DevicesPage>> Devices(
        HttpContext context, IFleetQueries fleet, HoldingService holders, TimeProvider time, string? after)
    {
        var query = DeviceQuery.Of(context.Request);
        try
        {
            var filter = query.ToFilter(time.GetUtcNow());
            DeviceOrders.CheckCursor(after, query.Order);

            var scope = FleetUser.Of(context).Scope;
            var total = fleet.Count(scope, filter);
            var listed = fleet.ListDevices(scope, filter, after, DevicesOnPage + 1, query.Order);
            await Task.WhenAll(total, listed);
            var page = Page.Of(await listed, DevicesOnPage, row => DeviceSummary.Of(row, FleetUser.Of(context)), row => DeviceCursor.Of(row, query.Order));
            page = page with { Items = await holders.With(FleetUser.Of(context), page.Items) };
            return new RazorComponentResult<DevicesPage>(new { View = new DevicesView(FleetUser.Of(context), page, query, await total, after is not null) });
        }
        catch (ApiProblem problem) when (problem.Code == ProblemCodes.InvalidFilter)
        {
            return WrongFilter(context, query, problem.Errors!.First().Key, problem.Errors!.First().Value[0]);
        }
        catch (FilterException e)
        {
            // A group that the store does not know.
            return WrongFilter(context, query, query is { Group: not null, Filter: null } ? "group" : "filter", query.Filter is null ? e.Fault : e.Message);
        }
    }

    /// <summary>At the field, where it can be put right.</summary>
    private static RazorComponentResult<DevicesPage> WrongFilter(HttpContext context, DeviceQuery query, string field, string fault) =>
        new(new
        {
            View = new DevicesView(FleetUser.Of(context), new Page<DeviceSummary>([], null), query, 0, IsLaterPage: false) { FilterFault = fault, FaultyField = field },
        })
        { StatusCode = StatusCodes.Status400BadRequest };

    /// <summary>Jumps to the one iPad that is meant: by its serial number, name or id in full, or when nothing else is found. Otherwise to the list.</summary>
    private static async Task<IResult> Search(HttpContext context, IFleetQueries fleet, string? q)
    {
        if (string.IsNullOrWhiteSpace(q)) return TypedResults.Redirect("/ipads");
        var text = Text.Required("q", q.Trim());
        var scope = FleetUser.Of(context).Scope;
        var found = await fleet.ListDevices(scope, new DeviceFilter { Query = text }, null, MostNamesakes + 1, new DeviceOrder(DeviceSort.Name));
        var meant = found.Count == 1 ? found : [.. found.Where(row => Is(row.SerialNumber) || Is(row.Id))];
        if (meant.Count == 0 && found.Count <= MostNamesakes) meant = [.. found.Where(row => Is(row.DeviceName))];
        if (meant.Count == 0) meant = await fleet.ListDevices(scope, new DeviceFilter { SerialNumber = text.ToUpperInvariant() }, null, 2);
        return TypedResults.Redirect(meant.Count == 1
            ? DeviceFrameView.PathOf(meant[0].Id)
            : "/ipads" + QueryString.Create("q", text).ToUriComponent());

        bool Is(string? name) => string.Equals(name, text, StringComparison.OrdinalIgnoreCase);
    }

    private static Task<RazorComponentResult<DevicePage>> ShowDevice(string id, HttpContext context, DeviceFrames frames, CommandLog log) =>
        Device(id, context, frames, log, null);

    /// <summary>The first page of one iPad, with what went wrong with a form.</summary>
    private static async Task<RazorComponentResult<DevicePage>> Device(string id, HttpContext context, DeviceFrames frames, CommandLog log, ApiProblem? problem)
    {
        var frame = await frames.Of(context, id, problem);
        var view = new DevicePageView(frame, await log.List(id, null, NewestCommands));
        return new RazorComponentResult<DevicePage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static Task<IResult> Push(string id, HttpContext context, DeviceLookup lookup, DeviceFrames frames, CommandLog log) =>
        OnDevicePage(id, "push", context, frames, log, () => DeviceEndpoints.RequestPush(lookup, id));

    private static Task<IResult> Query(string id, HttpContext context, RequestIds ids, DeviceLookup lookup, DeviceFrames frames, CommandLog log) =>
        OnDevicePage(id, "query", context, frames, log, () => Send(id, "DeviceInformation", context, ids, lookup, log));

    private static Task<IResult> Lock(string id, HttpContext context, RequestIds ids, DeviceLookup lookup, DeviceFrames frames, CommandLog log) =>
        OnDevicePage(id, "lock", context, frames, log, () => Send(id, "DeviceLock", context, ids, lookup, log));

    private static Task<IResult> Cancel(string id, string uuid, HttpContext context, DeviceLookup lookup, DeviceFrames frames, CommandLog log) =>
        OnDevicePage(id, "cancel", context, frames, log, () => CommandEndpoints.CancelCommand(context, lookup, log, id, uuid));

    private static async Task Send(string id, string requestType, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log)
    {
        await PageForms.Read(context, ids);
        await CommandEndpoints.Enqueue(id, context, CommandReader.Plain(requestType), null, push: true, lookup, log);
    }

    /// <summary>Does it and shows the iPad's page, with what went wrong if it did.</summary>
    private static async Task<IResult> OnDevicePage(string id, string action, HttpContext context, DeviceFrames frames, CommandLog log, Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Device(id, context, frames, log, problem);
        }

        return PageForms.See($"{DeviceFrameView.PathOf(id)}?done={action}");
    }
}
