using System.Text.Json;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Incidents;
using FleetMdm.Api.Inventory;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.SelfService;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.SelfService;

/// <summary>Lost mode of one's own iPad: begun with a fixed message, and ended by whoever began it here. What the school has begun, the school ends.</summary>
internal sealed class SelfServiceLostMode(
    ISelfServiceStore store, IncidentService reports, DeviceLookup devices, CommandLog log, InventoryService inventory, AuditTrail trail, IFleetQueries fleet,
    IOptions<SelfServiceOptions> options, TimeProvider time)
{
    public const string Off = "off";
    public const string Ready = "ready";
    public const string Waiting = "waiting";
    public const string On = "on";
    public const string Others = "others";
    public const string Failed = "failed";

    private const int BegunADay = 5;
    private const int LocatedADay = 30;

    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    /// <summary>How it stands, for the person who has the iPad.</summary>
    public async Task<string> StateOf(OwnDevice own)
    {
        if (!options.Value.LostMode || !CanBeLost(own.Device)) return own.Device.IsLost == true ? Others : Off;
        var begun = await Begun(own);
        if (own.Device.IsLost == true) return begun is null ? Others : On;
        if (begun is null) return Ready;
        // It was counted, and never queued: nothing was promised.
        if (await log.FindStanding(own.Device.Id, begun.Id) is not { } standing) return Ready;
        if (!standing.IsFinished) return Waiting;
        // Refused. Otherwise the school, or a new enrolment, has ended it.
        return await fleet.FindHistory(own.Device.Id, begun.Id) is { Ending: CommandEnding.Error or CommandEnding.CommandFormatError } ? Failed : Ready;
    }

    /// <summary>Begins it, and reports the iPad lost. While it is begun, the same once more changes nothing.</summary>
    /// <exception cref="ApiProblem">409: the district does not allow it, the iPad cannot, or the school has begun it; 429: too often today.</exception>
    public async Task Begin(HttpContext context, OwnDevice own)
    {
        switch (await StateOf(own))
        {
            case Off:
                throw ApiProblem.Conflict(ProblemCodes.SwitchedOff, "Not with this iPad", "You cannot find this iPad here. Report it lost: the school looks after it.");
            case Others:
                throw ApiProblem.Conflict(ProblemCodes.NotAllowed, "The school has begun it", "The school looks for this iPad already.");
            case Waiting or On:
                return;
        }

        var now = time.GetUtcNow();
        var act = new SelfServiceAct(RequestIds.NewCommandUuid(context, time), own.Holding.PersonId, SelfServiceActKind.LostModeBegun, own.Device.Id, now);
        if (!await store.Take(act, BegunADay, now - Day)) throw SelfServiceService.TooMany("You have done that often today. Talk to the school.");
        var command = JsonSerializer.SerializeToElement(new Dictionary<string, string>
        {
            ["requestType"] = "EnableLostMode",
            ["message"] = $"This iPad is lost. Please bring it to {own.Device.School ?? "its school"}.",
        });
        await CommandEndpoints.Queue(own.Device.Id, context, CommandReader.FromJson(command) with { CommandUuid = act.Id }, null, push: true, devices, log);
        try
        {
            await reports.Open(context, Scope.District, own.Device.Id, new IncidentRequest { Kind = "lost" }, SelfServiceService.Holder);
        }
        catch (ApiProblem problem) when (problem.Code is ProblemCodes.IncidentOpen or ProblemCodes.TooMany)
        {
            // The school knows.
        }
    }

    /// <summary>The iPad is found. What the iPad does not have yet is cancelled.</summary>
    /// <exception cref="ApiProblem">409: somebody else has begun it, or the iPad is just being told.</exception>
    public async Task End(HttpContext context, OwnDevice own)
    {
        if (await Begun(own) is not { } begun)
            throw ApiProblem.Conflict(ProblemCodes.NotAllowed, "It is not yours to end", "You have not begun lost mode here. Ask the school to end it.");
        if (own.Device.IsLost != true)
        {
            if (await devices.Grain(own.Device.Id).Cancel(begun.Id) == CancelOutcome.InFlight)
                throw ApiProblem.Conflict(ProblemCodes.CommandInFlight, "Not at this moment", "The iPad is just being told. Try again in a minute.");
        }
        else
        {
            var command = JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["requestType"] = "DisableLostMode" });
            await CommandEndpoints.Queue(own.Device.Id, context, CommandReader.FromJson(command), null, push: true, devices, log);
        }

        await Ended(context, own);
    }

    /// <summary>Asks the iPad where it is, and shows what it said last. Recorded first, as any look.</summary>
    /// <exception cref="ApiProblem">409: not allowed, or it is not in lost mode; 429: too often today.</exception>
    public async Task<MyLocationView> Locate(HttpContext context, OwnDevice own)
    {
        if (!options.Value.Location || own.Device.IsLost != true || await StateOf(own) != On)
            throw ApiProblem.Conflict(ProblemCodes.SwitchedOff, "Not now", "Where an iPad is can be seen only while it is in lost mode that you have begun here, and where the district allows it.");
        var now = time.GetUtcNow();
        var act = new SelfServiceAct(RequestIds.NewCommandUuid(context, time), own.Holding.PersonId, SelfServiceActKind.Located, own.Device.Id, now);
        if (!await store.Take(act, LocatedADay, now - Day)) throw SelfServiceService.TooMany("You have looked often today. Talk to the school.");
        await InventoryEndpoints.RecordLook(context, trail, own.Device.Id, AuditReason.Of(context) ?? "The person who has it looks for it.");
        var command = JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["requestType"] = "DeviceLocation" });
        await CommandEndpoints.Queue(own.Device.Id, context, CommandReader.FromJson(command) with { CommandUuid = act.Id }, now + Day, push: true, devices, log);

        var (device, known) = await inventory.Find(own.Device.Id);
        var row = known.GetValueOrDefault(InventoryList.Location);
        var list = await inventory.Read(device.Id, row, InventoryList.Location, null, 1);
        return list.Items is [var item, ..]
            ? new MyLocationView { At = row?.AsOf, Latitude = Number(item.Details, "latitude"), Longitude = Number(item.Details, "longitude"), Accuracy = Number(item.Details, "horizontalAccuracy") }
            : new MyLocationView();
    }

    /// <summary>By this person, and not ended since.</summary>
    private async Task<SelfServiceAct?> Begun(OwnDevice own) =>
        await store.Newest(own.Device.Id, SelfServiceActKind.LostModeBegun, SelfServiceActKind.LostModeEnded) is { Kind: SelfServiceActKind.LostModeBegun } act
        && act.PersonId == own.Holding.PersonId && act.At >= own.Holding.GivenAt ? act : null;

    private Task<bool> Ended(HttpContext context, OwnDevice own)
    {
        var now = time.GetUtcNow();
        // As many as were begun.
        return store.Take(new SelfServiceAct(RequestIds.NewGuid(context, "found").ToString("D"), own.Holding.PersonId, SelfServiceActKind.LostModeEnded, own.Device.Id, now), int.MaxValue, now - Day);
    }

    private static bool CanBeLost(DeviceRow row) => row is { IsSupervised: true, Kind: EnrolmentKind.Device, Status: EnrolmentStatus.Enrolled };

    private static double? Number(JsonElement details, string name) =>
        details.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
}
