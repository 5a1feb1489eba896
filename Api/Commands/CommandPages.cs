using System.Text.Encodings.Web;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Devices;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Commands;

/// <summary>What the page of one command shows.</summary>
/// <param name="Answer">As indented JSON; null: there is none to show.</param>
public sealed record CommandPageView(FleetUser User, string DeviceId, string DeviceName, CommandView Command, string? Answer);

/// <summary>The commands of an iPad as a tab of its page, and the page of one with the iPad's answer.</summary>
internal static class CommandPages
{
    /// <summary>For people: names stay as they are. The page escapes what it shows.</summary>
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 128 };

    private const int CommandsOnPage = 50;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/ipads/{id}/commands", List);
        pages.MapGet("/ipads/{id}/commands/{uuid}", Show);
    }

    private static async Task<RazorComponentResult<DeviceCommandsPage>> List(string id, HttpContext context, DeviceFrames frames, CommandLog log, string? after) =>
        new(new { Frame = await frames.Of(context, id), Commands = await log.List(id, after, CommandsOnPage), IsLaterPage = after is not null });

    private static async Task<RazorComponentResult<CommandPage>> Show(string id, string uuid, HttpContext context, DeviceLookup lookup, CommandLog log)
    {
        var device = await lookup.Row(id);
        var (command, _) = await log.Find(context, device.Id, CommandEndpoints.CommandUuid(uuid)) ?? throw CommandEndpoints.NotFound();
        var answer = command.Result is { } result ? JsonSerializer.Serialize(result, Indented) : null;
        var view = new CommandPageView(FleetUser.Of(context), device.Id, device.DeviceName ?? device.SerialNumber ?? device.Id, command, answer);
        return new RazorComponentResult<CommandPage>(new { View = view });
    }
}
