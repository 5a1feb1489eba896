using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Operations;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Sweeps;

/// <summary>Wakes operations whose announcements or pushes were not finished: the node that worked on them may have died. Wakes those with a pace whose next
/// action is due. An operation that is at work is not disturbed by it.</summary>
internal sealed partial class OperationSweep(IOperationStore operations, IOperationPaceStore paces, IGrainFactory grains, TimeProvider time, ILogger<OperationSweep> logger)
    : INodeLostDuty
{
    /// <summary>Younger ones are surely still at work.</summary>
    private static readonly TimeSpan LeaveAlone = TimeSpan.FromMinutes(1);
    private const int MostInARun = 200;
    private const int AtATime = 8;

    public TimeSpan Every => TimeSpan.FromMinutes(1);

    public Task Run(CancellationToken cancellationToken) => Resume(time.GetUtcNow() - LeaveAlone, cancellationToken);

    public Task NodeLost(CancellationToken cancellationToken) => Resume(time.GetUtcNow(), cancellationToken);

    private async Task Resume(DateTimeOffset acceptedBefore, CancellationToken cancellationToken)
    {
        var unfinished = await operations.ListUnfinished(acceptedBefore);
        var due = await paces.ListDue(time.GetUtcNow(), MostInARun);
        await Parallel.ForEachAsync(
            unfinished.Take(MostInARun).Union(due),
            new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = cancellationToken },
            async (id, _) =>
            {
                try
                {
                    await grains.GetGrain<IOperationGrain>(id).Resume();
                }
                catch (Exception e)
                {
                    LogResumeFailed(logger, id, e);
                }
            });
    }

    [LoggerMessage(2452, LogLevel.Warning, "Operation {OperationId} could not be resumed; it is tried again in a minute")]
    private static partial void LogResumeFailed(ILogger logger, string operationId, Exception exception);
}
