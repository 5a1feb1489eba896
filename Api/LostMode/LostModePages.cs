using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Inventory;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Inventory;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.LostMode;

/// <summary>What the page shows.</summary>
/// <param name="HasLocation">The iPad has told where it is since it was lost.</param>
/// <param name="Places">The newest first; empty: nobody has said why she wants to see them, or none is known.</param>
/// <param name="MapUrl">Of a map, with places for the coordinates; null: there is no link.</param>
public sealed record LostModeView(DeviceFrameView Frame, FormState Form, bool HasLocation, DateTimeOffset? LocatedAt, IReadOnlyList<LocationView> Places, string? MapUrl);

/// <summary>Where an iPad is.</summary>
/// <param name="Accuracy">In metres; null: not told, or the iPad does not know.</param>
/// <param name="FixedAt">When the iPad found it out; null: not told.</param>
/// <param name="ToldAt">When the server was told; null: not kept.</param>
public sealed record LocationView(double Latitude, double Longitude, double? Accuracy, DateTimeOffset? FixedAt, DateTimeOffset? ToldAt)
{
    /// <summary>On a map that is opened when somebody presses it.</summary>
    public string OnMap(string url) => url.Replace("{latitude}", string.Create(CultureInfo.InvariantCulture, $"{Latitude:0.######}"), StringComparison.Ordinal)
        .Replace("{longitude}", string.Create(CultureInfo.InvariantCulture, $"{Longitude:0.######}"), StringComparison.Ordinal);

    public string Coordinates => string.Create(CultureInfo.InvariantCulture, $"{Latitude:0.#####},{Longitude:0.#####}");
}

/// <summary>The tab of lost mode. Each of its forms sends one command; whether it fits is checked as everywhere.</summary>
internal static class LostModePages
{
    public const string Name = "lost-mode";

    /// <summary>Beside the form that enables it.</summary>
    private static readonly (string Action, string RequestType)[] Actions =
        [("locate", "DeviceLocation"), ("sound", "PlayLostModeSound"), ("disable", "DisableLostMode")];

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet($"/ipads/{{id}}/{Name}", Show).Needs(Rights.CommandLostMode);
        pages.MapPost($"/ipads/{{id}}/{Name}", Enable).Needs(Rights.CommandLostMode).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapPost($"/ipads/{{id}}/{Name}/location", Look).Needs(Rights.LocationRead).Audit(AuditVerbs.SecretRead, AuditTargets.Device);
        foreach (var (action, requestType) in Actions)
        {
            pages.MapPost($"/ipads/{{id}}/{Name}/{action}",
                    (string id, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log, DeviceFrames frames, InventoryService inventory, IOptions<LostModeOptions> options) =>
                        Send(id, new Dictionary<string, string?> { ["requestType"] = requestType }, context, ids, lookup, log, frames, inventory, options)).Needs(Rights.CommandLostMode)
                .Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        }
    }

    private static Task<RazorComponentResult<LostModePage>> Show(string id, HttpContext context, DeviceFrames frames, InventoryService inventory, IOptions<LostModeOptions> options) =>
        Page(id, context, frames, inventory, options, FormState.Fresh, null, look: false);

    private static async Task<IResult> Enable(
        string id, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log, DeviceFrames frames, InventoryService inventory, IOptions<LostModeOptions> options)
    {
        var form = await PageForms.Read(context, ids);
        var command = new Dictionary<string, string?>
        {
            ["requestType"] = "EnableLostMode",
            ["message"] = form.Get("message"),
            ["phoneNumber"] = form.Get("phoneNumber"),
            ["footnote"] = form.Get("footnote"),
        };
        if (command["message"] is null && command["phoneNumber"] is null)
        {
            const string Words = "Enter a message or a phone number: the iPad shows it to whoever finds it.";
            var problem = new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidRequest, "Something is missing", Words)
            {
                Errors = new Dictionary<string, string[]> { ["message"] = [Words] },
            };
            return await Page(id, context, frames, inventory, options, FormState.Refused(problem, form.Get), problem, look: false);
        }

        return await Send(id, command, context, ids, lookup, log, frames, inventory, options, form);
    }

    private static async Task<IResult> Send(
        string id, Dictionary<string, string?> command, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log, DeviceFrames frames, InventoryService inventory,
        IOptions<LostModeOptions> options, FormBody? read = null)
    {
        var form = read ?? await PageForms.Read(context, ids);
        try
        {
            await CommandEndpoints.Enqueue(id, context, CommandReader.FromJson(JsonSerializer.SerializeToElement(command)), null, push: true, lookup, log);
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(id, context, frames, inventory, options, FormState.Refused(problem, form.Get), problem, look: false);
        }

        return PageForms.See($"{DeviceFrameView.PathOf(id)}/{Name}?done=sent");
    }

    /// <summary>Shows where it is to somebody who says why. Recorded first.</summary>
    private static async Task<IResult> Look(string id, HttpContext context, RequestIds ids, DeviceFrames frames, InventoryService inventory, IOptions<LostModeOptions> options, AuditTrail trail)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var (device, _) = await inventory.Find(id);
            await InventoryEndpoints.RecordLook(context, trail, device.Id, AuditReason.Required(context, form.Get("reason")));
            return await Page(id, context, frames, inventory, options, FormState.Fresh, null, look: true);
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(id, context, frames, inventory, options, FormState.Refused(problem, form.Get), problem, look: false);
        }
    }

    private static async Task<RazorComponentResult<LostModePage>> Page(
        string id, HttpContext context, DeviceFrames frames, InventoryService inventory, IOptions<LostModeOptions> options, FormState form, ApiProblem? problem, bool look)
    {
        var frame = await frames.Of(context, id, problem is { Errors: null } ? problem : null);
        var (device, known) = await inventory.Find(id);
        var row = known.GetValueOrDefault(InventoryList.Location);
        var list = look ? await inventory.Read(device.Id, row, InventoryList.Location, null, InventoryEndpoints.MostPlaces) : null;
        var view = new LostModeView(
            frame, form, row is not null, row?.AsOf, [.. (list?.Items ?? []).Select(item => Location(item.Details, item.Value)).OfType<LocationView>()], options.Value.MapUrl is { Length: > 0 } map ? map : null);
        return new RazorComponentResult<LostModePage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static LocationView? Location(JsonElement details, string? told) =>
        Number(details, "latitude") is { } latitude && Number(details, "longitude") is { } longitude
            ? new LocationView(
                latitude, longitude, Number(details, "horizontalAccuracy") is >= 0 and var metres ? metres : null, Time(details.TryGetProperty("timestamp", out var at) ? at.ToString() : null), Time(told))
            : null;

    private static DateTimeOffset? Time(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : null;

    private static double? Number(JsonElement details, string name) =>
        details.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
}
