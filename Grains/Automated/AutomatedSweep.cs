using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage.Automated;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Automated;

/// <summary>Wakes the grains of servers that have something to do, whichever node had them before.</summary>
internal sealed class AutomatedSweep(IAutomatedSyncStore store, IGrainFactory grains, TimeProvider time) : INodeLostDuty
{
    private const int MostInARun = 100;

    public TimeSpan Every => TimeSpan.FromSeconds(50);

    public async Task Run(CancellationToken cancellationToken)
    {
        foreach (var id in await store.ListDue(time.GetUtcNow(), MostInARun)) await grains.GetGrain<IAutomatedServerGrain>(id).Wake();
    }
}

/// <summary>Lets iPads go that were held in Setup Assistant for long enough.</summary>
internal sealed partial class HoldSweep(IAutomatedHoldStore holds, IGrainFactory grains, TimeProvider time, ILogger<HoldSweep> logger) : ISweepDuty
{
    private const int MostInARun = 1_000;
    private const int AtATime = 8;

    public TimeSpan Every => TimeSpan.FromSeconds(50);

    public async Task Run(CancellationToken cancellationToken) => await Parallel.ForEachAsync(
        await holds.ListDue(time.GetUtcNow(), MostInARun),
        new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = cancellationToken },
        async (id, _) =>
        {
            try
            {
                await grains.GetGrain<IDeviceGrain>(id).ReleaseHeld();
            }
            catch (Exception e)
            {
                LogNotReleased(id, e);
            }
        });

    [LoggerMessage(2579, LogLevel.Warning, "{Id} could not be let go from Setup Assistant; it is tried again in a minute")]
    private partial void LogNotReleased(string id, Exception exception);
}
