using FleetMdm.Grains.Automated;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage.Automated;
using FleetMdm.Storage.Devices;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Devices;

// An iPad that enrols out of the box waits in Setup Assistant (AwaitingConfiguration). It is let go by DeviceConfigured:
//
//   1. held    since its first TokenUpdate, with a time at which it is let go whatever is missing
//   2. ask     what it is, once: what is assigned to it may depend on that
//   3. wait    as long as something waits or is on its way
//   4. let go  written first, then queued. A command that is lost in between is sent again, since the iPad still waits
//   5. gone    when the iPad has answered, whatever it says: an error means that it went before

internal sealed partial class DeviceGrain
{
    private static readonly byte[] GoOn = Plain(HoldCommands.RequestType);

    private bool _askedWhileHeld;

    private bool IsAwaiting => !IsUserChannel && _row is { Status: EnrolmentStatus.Enrolled, AwaitingConfiguration: true };

    /// <summary>Step 1.</summary>
    private async Task<AutomatedHold> Held()
    {
        var enrolled = _row!.EnrolledAt ?? Now();
        return await holds.Hold(DeviceId, _row.SerialNumber, enrolled, enrolled + TimeSpan.FromMinutes(automated.Value.HoldMinutes));
    }

    /// <summary>The iPad is here, and has nothing else to do.</summary>
    private async ValueTask<DeviceReply?> LetGo()
    {
        if (!IsAwaiting) return null;
        // 2
        if (!_askedWhileHeld && !(_row!.DetailsAt >= _row.EnrolledAt) && _queue.Commands.All(command => command.Row.RequestType != DeviceInformation))
        {
            _askedWhileHeld = true;
            await AppendOwn(RefreshQuestions.NewUuid(), RefreshPart.WhatItIs.RequestType, RefreshPart.WhatItIs.Fragment);
            return await Next();
        }

        return await LetGoIfReady() ? await Next() : null;
    }

    /// <returns>Whether a command was queued.</returns>
    private async Task<bool> LetGoIfReady()
    {
        var (hold, now) = (await Held(), Now());
        var own = _queue.Commands.Any(command => HoldCommands.Is(command.Row.CommandUuid));
        var (rows, number) = await assignments.Standings(Id);
        var plan = rows.Count == 0 ? null : await plans.Current(number);
        var decision = HoldPart.Decide(
            hold, own, _queue.Commands.Count(command => !HoldCommands.Is(command.Row.CommandUuid)),
            [.. rows.Select(row => (row.Standing.State, plan?.GetValueOrDefault(row.Standing.AssignmentId)?.Name ?? "an assignment"))], PlanIsDue(now), now);
        if (decision.Step != HoldStep.LetGo) return false;

        var uuid = HoldCommands.NewUuid();
        // 4. What it went without the first time stays written.
        var missing = hold.State is HoldState.GoingIncomplete or HoldState.LetGoIncomplete ? hold.Missing : decision.Missing;
        await holds.Write(hold with { State = missing is null ? HoldState.Going : HoldState.GoingIncomplete, CommandUuid = uuid, Missing = missing });
        await AppendOwn(uuid, HoldCommands.RequestType, GoOn);
        if (missing is null) LogLetGo(Id);
        else LogLetGoIncomplete(Id, missing);
        return true;
    }

    public async ValueTask ReleaseHeld()
    {
        await Fresh();
        if (!IsAwaiting)
        {
            switch (await holds.Find(DeviceId))
            {
                // It answered, and the node died before it was written.
                case { State: HoldState.Going or HoldState.GoingIncomplete } when _row is { Status: EnrolmentStatus.Enrolled }:
                    await WentOn();
                    break;
                case { State: HoldState.Held or HoldState.Going or HoldState.GoingIncomplete } left:
                    await holds.Write(left with { State = HoldState.Left, EndedAt = Now() });
                    break;
            }

            return;
        }

        if (await LetGoIfReady()) RequestPush(evenIfOutstanding: true);
    }

    /// <summary>Step 5.</summary>
    private async Task WentOn()
    {
        if (await holds.Find(DeviceId) is not { } hold || hold.State is HoldState.LetGo or HoldState.LetGoIncomplete) return;
        await holds.Write(hold with { State = hold.State == HoldState.GoingIncomplete ? HoldState.LetGoIncomplete : HoldState.LetGo, EndedAt = Now() });
    }

    /// <summary>The Command dictionary of one that has no keys.</summary>
    private static byte[] Plain(string requestType) => PlistWriter.ToFragment(new PlistDictionary { ["RequestType"] = requestType });

    private async Task AppendOwn(string uuid, string requestType, byte[] body)
    {
        await Durably(store.Append(new QueueAppend { EnrolmentId = Id, CommandUuid = uuid, RequestType = requestType, Body = body, AcceptedAt = Now() }));
        await Read();
    }

    [LoggerMessage(2580, LogLevel.Information, "{Id} has what is assigned to it, and is let go from Setup Assistant")]
    private partial void LogLetGo(string id);

    [LoggerMessage(2581, LogLevel.Warning, "{Id} is let go from Setup Assistant without {Missing}")]
    private partial void LogLetGoIncomplete(string id, string missing);
}
