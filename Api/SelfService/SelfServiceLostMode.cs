using System.Text.Json;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Exams;
using FleetMdm.Api.Incidents;
using FleetMdm.Api.Inventory;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Incidents;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.SelfService;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.SelfService;

/// <summary>Lost mode of one's own iPad: begun with a fixed message, and ended by whoever began it here. What the school has begun, the school ends.</summary>
internal sealed class SelfServiceLostMode(
    ISelfServiceStore store, IIncidentStore incidents, IncidentService reports, DeviceLookup devices, CommandLog log, InventoryService inventory, AuditTrail trail, IFleetQueries fleet,
    ExamLocks exams,
    IOptions<SelfServiceOptions> options, TimeProvider time)
{
    public const string Off = "off";
    public const string Ready = "ready";
    public const string Waiting = "waiting";
    public const string On = "on";
    public const string Ending = "ending";
    public const string Others = "others";
    public const string Failed = "failed";

    private const int BegunADay = 5;
    private const int LocatedADay = 30;

    /// <summary>In lost mode an iPad does little: more than these it has not answered since it began.</summary>
    private const int HistoryLooked = 200;

    /// <summary>Somebody of the school may change the incident at the same time.</summary>
    private const int CloseAttempts = 3;

    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    /// <summary>How it stands, for the person who has the iPad.</summary>
    public async Task<string> StateOf(OwnDevice own)
    {
        if (!options.Value.LostMode || !CanBeLost(own.Device)) return own.Device.IsLost == true ? Others : Off;
        var (phase, begun, enabling) = await Stand(own);
        if (phase == Phase.Ending) return Ending;
        if (phase != Phase.Begun) return own.Device.IsLost == true ? Others : Ready;
        if (own.Device.IsLost == true) return On;
        // It was counted, and never queued: nothing was promised.
        if (enabling is null) return Ready;
        if (!enabling.IsFinished) return Waiting;
        // Refused. Otherwise the school, or a new enrolment, has ended it.
        return await fleet.FindHistory(own.Device.Id, begun!.Id) is { Ending: CommandEnding.Error or CommandEnding.CommandFormatError } ? Failed : Ready;
    }

    /// <summary>Begins it, and reports the iPad lost. While it is begun, the same once more changes nothing.</summary>
    /// <exception cref="ApiProblem">409: the district does not allow it, the iPad cannot, an exam holds it, or the school has begun it; 429: too often today.</exception>
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
        if (InExamView.Of(await exams.Of([own.Device.Id]), own.Device.Id, now) is { } exam)
            throw ApiProblem.Conflict(ProblemCodes.NotAllowed, "It is in an exam", $"{exam.Words}. It is locked into that until then. If it is lost, report it: the school looks after it.");
        var act = new SelfServiceAct(RequestIds.NewCommandUuid(context, time), own.Holding.PersonId, SelfServiceActKind.LostModeBegun, own.Device.Id, now);
        if (!await store.Take(act, BegunADay, now - Day)) throw SelfServiceService.TooMany("You have done that often today. Talk to the school.");
        // This very request, once more, after it was ended: it begins nothing anew.
        if (await log.FindStanding(own.Device.Id, act.Id) is not null) return;
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

    /// <summary>The iPad is found. What the iPad does not have yet is cancelled; what it has, or is just being told, is ended after that. The incident is closed. Once it is ended, the same
    /// once more changes nothing.</summary>
    /// <exception cref="ApiProblem">409: somebody else has begun it, or nobody.</exception>
    public async Task End(HttpContext context, OwnDevice own)
    {
        var (phase, begun, _) = await Stand(own);
        if (phase == Phase.Ending || (phase == Phase.Over && own.Device.IsLost != true)) return;
        if (phase != Phase.Begun)
            throw ApiProblem.Conflict(ProblemCodes.NotAllowed, "It is not yours to end", "You have not begun lost mode here. Ask the school to end it.");
        if (own.Device.IsLost != true)
        {
            var cancelled = await devices.Grain(own.Device.Id).Cancel(begun!.Id) == CancelOutcome.Cancelled;
            if (!cancelled && await log.FindStanding(own.Device.Id, begun.Id) is null)
                throw ApiProblem.Conflict(ProblemCodes.NotAllowed, "It has not begun", "Lost mode has not begun. Load the page again in a minute.");
            if (cancelled || await NeverBegins(own, begun))
            {
                // The cancelled command has its own record.
                if (!cancelled) await trail.Record(context, AuditVerbs.CommandCancel, AuditTargets.Device, own.Device.Id, begun.Id, "EnableLostMode, finished already");
                await Found(context, own, RequestIds.NewGuid(context, "found").ToString("D"));
                return;
            }
        }

        // It has the command, or is being told: this one comes after it.
        var uuid = RequestIds.NewCommandUuid(context, time);
        await CommandEndpoints.Queue(own.Device.Id, context, CommandReader.Plain("DisableLostMode") with { CommandUuid = uuid }, null, push: true, devices, log);
        await Found(context, own, uuid);
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
        await CommandEndpoints.Queue(own.Device.Id, context, CommandReader.Plain("DeviceLocation") with { CommandUuid = act.Id }, now + Day, push: true, devices, log);

        return await Told(own);
    }

    /// <summary>What it said last, for whoever has asked it since it is lost. Recorded when there is something to show; it counts for nothing.</summary>
    /// <returns>Null: not now, or nobody has asked.</returns>
    public async Task<MyLocationView?> LastTold(HttpContext context, OwnDevice own)
    {
        if (!options.Value.Location || own.Device.IsLost != true || await Stand(own) is not { Phase: Phase.Begun, Begun: { } begun } || await Newest(own, SelfServiceActKind.Located) is not { } asked
            || asked.At < begun.At)
            return null;
        var told = await Told(own);
        if (told.Latitude is not null) await InventoryEndpoints.RecordLook(context, trail, own.Device.Id, "The person who has it looks for it.");
        return told;
    }

    private async Task<MyLocationView> Told(OwnDevice own)
    {
        var (device, known) = await inventory.Find(own.Device.Id);
        var row = known.GetValueOrDefault(InventoryList.Location);
        var list = await inventory.Read(device.Id, row, InventoryList.Location, null, 1);
        return list.Items is [var item, ..]
            ? new MyLocationView { At = row?.AsOf, Latitude = Number(item.Details, "latitude"), Longitude = Number(item.Details, "longitude"), Accuracy = Number(item.Details, "horizontalAccuracy") }
            : new MyLocationView();
    }

    private enum Phase
    {
        /// <summary>Not by this person.</summary>
        None,
        Begun,
        /// <summary>DisableLostMode waits for the iPad.</summary>
        Ending,
        Over,
    }

    /// <param name="Phase">Of what this person has begun last.</param>
    /// <param name="Begun">Its id is that of EnableLostMode.</param>
    /// <param name="Enabling">Null: it was never queued.</param>
    private sealed record LostModeStanding(Phase Phase, SelfServiceAct? Begun, CommandLog.Standing? Enabling);

    /// <summary>It stays begun until the iPad is out of lost mode, or EnableLostMode is surely cancelled.</summary>
    private async Task<LostModeStanding> Stand(OwnDevice own)
    {
        var id = own.Device.Id;
        if (await Newest(own, SelfServiceActKind.LostModeBegun) is not { } begun) return new(Phase.None, null, null);
        var enabling = await log.FindStanding(id, begun.Id);
        if (await Newest(own, SelfServiceActKind.LostModeEnded) is { } ended && ended.At >= begun.At)
        {
            // One without a command was a cancellation.
            if (await log.FindStanding(id, ended.Id) is not { } disabling) return new(Phase.Over, begun, enabling);
            if (!disabling.IsFinished) return new(Phase.Ending, begun, enabling);
            if (enabling is not { IsFinished: false } && own.Device.IsLost != true) return new(Phase.Over, begun, enabling);
        }

        // Whoever ended it: what is in lost mode again after that, somebody else has begun.
        if (own.Device.IsLost == true && enabling is { IsFinished: true } && await fleet.FindHistory(id, begun.Id) is { } enabled
            && (await fleet.ListHistory(id, null, HistoryLooked)).Any(row => row is { RequestType: "DisableLostMode", Ending: CommandEnding.Acknowledged } && row.FinishedAt >= enabled.FinishedAt))
            return new(Phase.Over, begun, enabling);
        return new(Phase.Begun, begun, enabling);
    }

    /// <summary>By this person, since the iPad is theirs.</summary>
    private async Task<SelfServiceAct?> Newest(OwnDevice own, SelfServiceActKind kind) =>
        await store.Newest(own.Device.Id, kind) is { } act && act.PersonId == own.Holding.PersonId && act.At >= own.Holding.GivenAt ? act : null;

    /// <summary>EnableLostMode is finished, and the iPad did not take it.</summary>
    private async Task<bool> NeverBegins(OwnDevice own, SelfServiceAct begun) =>
        await fleet.FindHistory(own.Device.Id, begun.Id) is { Ending: not CommandEnding.Acknowledged };

    /// <param name="id">Of DisableLostMode; that of no command: there was nothing to disable.</param>
    private async Task Found(HttpContext context, OwnDevice own, string id)
    {
        var now = time.GetUtcNow();
        // As many as were begun.
        await store.Take(new SelfServiceAct(id, own.Holding.PersonId, SelfServiceActKind.LostModeEnded, own.Device.Id, now), int.MaxValue, now - Day);
        await CloseIncident(context, own);
    }

    /// <summary>That which the person has opened. One of the school stays open.</summary>
    private async Task CloseIncident(HttpContext context, OwnDevice own)
    {
        for (var i = 0; i < CloseAttempts; i++)
        {
            var open = await incidents.List(Scope.District, new IncidentFilter { DeviceId = own.Device.Id, Open = true, Kind = IncidentKind.Lost }, null, 1);
            if (open is not [{ Incident: { } standing }] || standing.OpenedBy != SelfServiceService.Holder || standing.OpenedAt < own.Holding.GivenAt) return;
            var now = time.GetUtcNow();
            var closed = standing with { Version = standing.Version + 1, ClosedAt = now, ClosedBy = SelfServiceService.Holder };
            var note = new DeviceNote
            {
                Id = RequestIds.NewGuid(context, "found-note").ToString("D"),
                DeviceId = standing.DeviceId,
                IncidentId = standing.Id,
                What = NoteKind.Closed,
                Kind = standing.Kind,
                At = now,
                By = SelfServiceService.Holder,
            };
            if (await incidents.Change(Scope.District, closed, note, trail.Entry(context, AuditVerbs.IncidentChange, AuditTargets.Device, own.Device.Id, standing.Id, "lost, closed"))
                != IncidentOutcome.VersionConflict)
                return;
        }
    }

    private static bool CanBeLost(DeviceRow row) => row is { IsSupervised: true, Kind: EnrolmentKind.Device, Status: EnrolmentStatus.Enrolled };

    private static double? Number(JsonElement details, string name) =>
        details.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
}
