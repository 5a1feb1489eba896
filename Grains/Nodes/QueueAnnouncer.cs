using FleetMdm.Grains.Interfaces;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Nodes;

/// <summary>
/// Tells every live node that queue rows were appended behind the backs of its grains. Ends when each of them has confirmed, or
/// is no longer alive by the membership table: its grains then wake elsewhere, and read what is there.
/// </summary>
public sealed partial class QueueAnnouncer(IGrainFactory grains, TimeProvider clock, ILogger<QueueAnnouncer> logger)
{
    /// <summary>Between two looks at the membership while a node does not answer.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    public async Task Announce(CancellationToken cancellationToken)
    {
        var confirmed = new HashSet<SiloAddress>();
        while (true)
        {
            // Read from the membership table itself: a node that joined a moment ago is in it before it serves its first iPad.
            var hosts = await grains.GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true, cancellationToken);
            var open = hosts.Keys.Where(silo => !confirmed.Contains(silo)).ToList();
            if (open.Count == 0) return;

            await Task.WhenAll(open.Select(async silo =>
            {
                try
                {
                    await grains.GetGrain<INodeGrain>(silo.ToParsableString()).QueueChanged();
                    lock (confirmed) confirmed.Add(silo);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    LogNotConfirmed(silo, e);
                }
            }));

            // All confirmed: look once more, for nodes that joined meanwhile. Some did not: wait before asking them again.
            if (open.TrueForAll(confirmed.Contains)) continue;
            await Task.Delay(RetryAfter, clock, cancellationToken);
        }
    }

    [LoggerMessage(2101, LogLevel.Warning, "Node {Silo} has not confirmed that queue rows were appended; asking again unless it is gone")]
    private partial void LogNotConfirmed(SiloAddress silo, Exception exception);
}
