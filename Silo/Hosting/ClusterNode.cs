using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Nodes;

namespace FleetMdm.Silo.Hosting;

/// <summary>
/// A node's place in the cluster: keeps the lease by which its grains speak for their iPads, and has them read their queues anew
/// whenever nodes came or went. A node that died is told to the sweep, which looks for what it took with it.
/// </summary>
/// <remarks>
/// Threads: two loops, from before the node becomes active until after its grains are gone. What a failure loses: the lease, until
/// the membership can be read again; then everything is answered 503.
/// </remarks>
internal sealed partial class ClusterNode(
    IClusterMembershipService membership, ILocalSiloDetails self, NodeLease lease, QueueEpoch epoch, IGrainFactory grains,
    TimeProvider clock, ILogger<ClusterNode> logger)
    : ILifecycleParticipant<ISiloLifecycle>
{
    /// <summary>Below the silence after which the others give a node up (<see cref="ClusterHosting.SilenceUntilDead"/>): a node
    /// that was paused for longer finds its lease lapsed, before anything else.</summary>
    public static readonly TimeSpan LeaseFor = TimeSpan.FromSeconds(10);

    /// <summary>Several tries fit into a lease: one slow answer of the database costs nothing.</summary>
    private static readonly TimeSpan ConfirmEvery = TimeSpan.FromSeconds(2);

    private const int TellAttempts = 5;

    private readonly CancellationTokenSource _stop = new();
    private Task _loops = Task.CompletedTask;

    public void Participate(ISiloLifecycle lifecycle) =>
        lifecycle.Subscribe(nameof(ClusterNode), ServiceLifecycleStage.GrainDirectoryShutdown, Start, Stop);

    private Task Start(CancellationToken cancellationToken)
    {
        lease.Begin(LeaseFor);
        _loops = Task.WhenAll(Task.Run(Confirm, cancellationToken), Task.Run(Watch, cancellationToken));
        return Task.CompletedTask;
    }

    private async Task Stop(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _loops;
    }

    private async Task Confirm()
    {
        using var timer = new PeriodicTimer(ConfirmEvery, clock);
        try
        {
            do
            {
                try
                {
                    var asked = clock.GetTimestamp();
                    // Reads the table; a node that finds itself dead in it ends here (NodeEnd).
                    await membership.Refresh(default, _stop.Token);
                    if (membership.CurrentSnapshot.GetSiloStatus(self.SiloAddress) is not (SiloStatus.Dead or SiloStatus.None)) lease.Renew(asked);
                }
                catch (Exception e) when (!_stop.IsCancellationRequested)
                {
                    LogNotConfirmed(e);
                }
            }
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    /// <summary>
    /// While iPads move from a node to another, one of them may for a moment be known on both, and what one does is not in the memory
    /// of the other. So nobody believes its memory from the moment the move begins until whoever hears of it last has found out.
    /// </summary>
    private async Task Watch()
    {
        try
        {
            HashSet<SiloAddress> known = [self.SiloAddress];
            HashSet<SiloAddress>? dead = null;
            HashSet<SiloAddress> leaving = [];
            await foreach (var snapshot in membership.MembershipUpdates.WithCancellation(_stop.Token))
            {
                var active = With(SiloStatus.Active, snapshot);
                if (!active.SetEquals(known))
                {
                    epoch.BeginMove();
                    _ = EndMove();
                }

                var nowDead = With(SiloStatus.Dead, snapshot);
                leaving.UnionWith(With(SiloStatus.ShuttingDown, snapshot));
                leaving.UnionWith(With(SiloStatus.Stopping, snapshot));
                if (dead is not null && !nowDead.IsSubsetOf(dead))
                {
                    foreach (var node in nowDead.Except(dead))
                    {
                        if (leaving.Remove(node)) LogLeft(node.Endpoint);
                        else LogGone(node.Endpoint);
                    }

                    _ = TellSweep();
                }

                (known, dead) = (active, nowDead);
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private static HashSet<SiloAddress> With(SiloStatus status, ClusterMembershipSnapshot snapshot) =>
        [.. snapshot.Members.Values.Where(member => member.Status == status).Select(member => member.SiloAddress)];

    private async Task EndMove()
    {
        try
        {
            await Task.Delay(LeaseFor, clock, _stop.Token);
            epoch.EndMove();
        }
        catch (OperationCanceledException)
        {
            // The node stops: what it believes matters no more.
        }
    }

    /// <summary>The sweep's own grain may have been on the dead node: then it wakes elsewhere, when the directory has caught up.</summary>
    private async Task TellSweep()
    {
        for (var attempt = 1; !_stop.IsCancellationRequested; attempt++)
        {
            try
            {
                await grains.GetGrain<ISweepGrain>(0).NodeLost();
                return;
            }
            catch (Exception e) when (attempt < TellAttempts)
            {
                LogSweepNotTold(e);
                await Task.Delay(ConfirmEvery, clock, CancellationToken.None);
            }
            catch (Exception e)
            {
                // It ticks once a minute anyway, and finds what was lost more slowly.
                LogSweepNotTold(e);
                return;
            }
        }
    }

    [LoggerMessage(4023, LogLevel.Information, "The node {Node} has left the cluster in order")]
    private partial void LogLeft(System.Net.IPEndPoint node);

    [LoggerMessage(4024, LogLevel.Warning, "The node {Node} is gone: it ended, or it no longer answers. The others take over its iPads")]
    private partial void LogGone(System.Net.IPEndPoint node);

    [LoggerMessage(4022, LogLevel.Warning, "The sweep could not be told that a node is gone")]
    private partial void LogSweepNotTold(Exception exception);

    [LoggerMessage(4020, LogLevel.Warning, "The membership of the cluster could not be read; trying again")]
    private partial void LogNotConfirmed(Exception exception);
}
