using System.Collections.Concurrent;
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

    /// <summary>Longer than the others take to find that a node is dead, of which they tell themselves.</summary>
    private static readonly TimeSpan WarnAfter = TimeSpan.FromSeconds(30);

    public async Task Announce(CancellationToken cancellationToken)
    {
        var confirmed = new HashSet<SiloAddress>();
        var begun = clock.GetTimestamp();
        var warned = false;
        while (true)
        {
            // Read from the membership table itself: a node that joined a moment ago is in it before it serves its first iPad.
            var hosts = await grains.GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true, cancellationToken);
            var open = hosts.Keys.Where(silo => !confirmed.Contains(silo)).ToList();
            if (open.Count == 0) return;

            var silent = new ConcurrentBag<(SiloAddress Silo, Exception Why)>();
            await Task.WhenAll(open.Select(async silo =>
            {
                try
                {
                    await grains.GetGrain<INodeGrain>(silo.ToParsableString()).QueueChanged();
                    lock (confirmed) confirmed.Add(silo);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    silent.Add((silo, e));
                }
            }));

            // All confirmed: look once more, for nodes that joined meanwhile. Some did not: wait before asking them again.
            if (open.TrueForAll(confirmed.Contains)) continue;
            if (!warned && clock.GetElapsedTime(begun) >= WarnAfter)
            {
                warned = true;
                foreach (var (silo, why) in silent) LogNotConfirmed(silo, why.Message);
            }

            await Task.Delay(RetryAfter, clock, cancellationToken);
        }
    }

    [LoggerMessage(2101, LogLevel.Warning, "Node {Silo} has not confirmed for half a minute that queue rows were appended, and is asked again as long as it counts as alive: {Reason}")]
    private partial void LogNotConfirmed(SiloAddress silo, string reason);
}
