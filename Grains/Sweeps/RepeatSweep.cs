using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Sweeps;

/// <summary>Starts the runs of repeating operations that are due. A run is an operation of its own, for those that the target finds then.</summary>
/// <remarks>The ids of a run follow from when it was due: a node that dies between the start and the note has it started once all the same. Runs that were
/// missed are one run, late.</remarks>
internal sealed partial class RepeatSweep(IRepeatStore store, IDeviceStore bodies, IGrainFactory grains, TimeProvider time, ILogger<RepeatSweep> logger) : ISweepDuty
{
    private const int MostInARun = 100;

    public TimeSpan Every => TimeSpan.FromMinutes(1);

    public async Task Run(CancellationToken cancellationToken)
    {
        foreach (var repeating in await store.ListDue(time.GetUtcNow(), MostInARun))
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                await RunOne(repeating);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogRunFailed(logger, repeating.Id, repeating.Name, e);
            }
        }
    }

    private async Task RunOne(RepeatingOperation repeating)
    {
        var (now, due) = (time.GetUtcNow(), repeating.NextAt!.Value);
        var next = WeeklyTime.Next(repeating.AtMinutes, repeating.Days, TimeZoneInfo.FindSystemTimeZoneById(repeating.TimeZone), now);
        var (operationId, problem) = await Start(repeating, due, now);
        await store.NoteRun(repeating.Id, due, now, next, operationId, problem);
    }

    private async Task<(string? OperationId, string? Problem)> Start(RepeatingOperation repeating, DateTimeOffset due, DateTimeOffset now)
    {
        if (await bodies.LoadBody(repeating.BodyHash) is not { } fragment) return (null, "The command is no longer kept.");
        IReadOnlyList<CommandRequirement> requirements;
        try
        {
            requirements = [.. CommandCatalogue.FromPlist(fragment).Requirements.Select(one => new CommandRequirement((byte)one.Kind, one.What, one.Field, one.Text))];
        }
        catch (CommandFieldException e)
        {
            // It was taken by an older version.
            return (null, $"The command is not valid any more. {e.Message}");
        }

        var id = RunId(repeating.Id, "operation", due).ToString("D");
        var accepted = await grains.GetGrain<IOperationGrain>(id).StartPaced(new OperationOrder
        {
            Target = JsonSerializer.Deserialize<OperationTarget>(repeating.Target)!,
            Command = new CommandOrder
            {
                CommandUuid = RunId(repeating.Id, "command", due).ToString("D").ToUpperInvariant(),
                RequestType = repeating.RequestType,
                Command = fragment,
                Push = repeating.Push,
                Force = repeating.Force,
                Requirements = requirements,
                ExpiresAt = repeating.ExpiresHours is { } hours ? now.AddHours(hours) : null,
            },
            RequestedBy = repeating.CreatedBy,
            Asked = repeating.Asked,
            Pace = repeating.Pace?.Write(),
            RepeatId = repeating.Id,
        });
        return accepted.Refused ? (null, accepted.Total == 0 ? "No enrolled iPad matched, or none could run the command." : "It was refused.") : (id, null);
    }

    /// <summary>A UUID of version 7, of the time when the run was due.</summary>
    internal static Guid RunId(string repeatingId, string purpose, DateTimeOffset due)
    {
        var milliseconds = due.ToUnixTimeMilliseconds();
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes($"{purpose} {repeatingId} {milliseconds}"))[..16];
        BinaryPrimitives.WriteInt32BigEndian(bytes, (int)(milliseconds >> 16));
        BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(4), (short)milliseconds);
        bytes[6] = (byte)(0x70 | (bytes[6] & 0x0F));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3F));
        return new Guid(bytes, bigEndian: true);
    }

    [LoggerMessage(2458, LogLevel.Warning, "The repeating operation {Id} ({Name}) could not be run; it is tried again in a minute")]
    private static partial void LogRunFailed(ILogger logger, string id, string name, Exception exception);
}
