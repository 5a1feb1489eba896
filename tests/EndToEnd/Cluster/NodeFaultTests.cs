using FleetMdm.EndToEnd.Faults;

namespace FleetMdm.EndToEnd.Cluster;

/// <summary>What may happen to nodes, again and again, while administrators send and iPads work; the rows of docs/reliability.md.</summary>
[Trait("Length", "Long")]
public sealed class NodeFaultTests
{
    private const int IPads = 12;
    private const int ExamIPads = 60;

    /// <summary>Commands accepted between two faults: enough that each finds every stage of their lives.</summary>
    private const int Between = 100;

    private const int Rounds = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Each_node_killed_in_turn_again_and_again_under_commands()
    {
        await using var cluster = await RunningCluster.Start("All", "All", "All");
        await cluster.Tell(async () =>
        {
            await using var audit = await cluster.Audit(IPads);
            audit.StartSending();
            var recoveries = new List<TimeSpan>();
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var node in cluster.Nodes)
                {
                    await audit.AcceptedMore(Between);
                    var killed = TimeProvider.System.GetUtcNow();
                    await node.Kill();
                    recoveries.Add(await audit.RecoveryOfAll(killed));
                    await node.Start();
                    await RunningCluster.Ready(node);
                }
            }

            await audit.Settle("SIGKILL of one of three nodes, under commands (`cycle`)", recoveries);
            await cluster.AllReady();
        });
    }

    [Fact]
    public async Task Each_node_killed_in_turn_while_one_command_goes_to_all()
    {
        await using var cluster = await RunningCluster.Start("All", "All", "All");
        await cluster.Tell(async () =>
        {
            await using var audit = await cluster.Audit(ExamIPads);
            var recoveries = new List<TimeSpan>();
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var node in cluster.Nodes)
                {
                    var operation = await audit.Operate("DeviceInformation");
                    var killed = TimeProvider.System.GetTimestamp();
                    await node.Kill();
                    await FaultAudit.Until(() => audit.Reported(operation) == ExamIPads, () => $"a report of all iPads, only of {audit.Reported(operation)}");
                    recoveries.Add(TimeProvider.System.GetElapsedTime(killed));
                    await node.Start();
                    await RunningCluster.Ready(node);
                }
            }

            await audit.Settle("SIGKILL of one of three nodes, while one operation goes to all iPads (`exam`): until all have reported", recoveries);
            await cluster.AllReady();
        });
    }

    [Fact]
    public async Task A_node_that_was_paused_finds_out_that_the_others_gave_it_up_and_ends()
    {
        await using var cluster = await RunningCluster.Start("All", "All", "All");
        await cluster.Tell(async () =>
        {
            await using var audit = await cluster.Audit(IPads);
            audit.StartSending();
            var recoveries = new List<TimeSpan>();
            foreach (var node in cluster.Nodes)
            {
                await audit.AcceptedMore(Between);
                var paused = TimeProvider.System.GetUtcNow();
                node.Freeze();
                recoveries.Add(await audit.RecoveryOfAll(paused));
                var rest = Pause - (TimeProvider.System.GetUtcNow() - paused);
                if (rest > TimeSpan.Zero) await Task.Delay(rest, TimeProvider.System);

                // It thinks that it is alive, and has all its iPads.
                node.Thaw();
                Assert.Equal(3, await node.Ended());
                Assert.Contains("fleetmdm: this node did not answer the other nodes for too long", node.Output);
                await node.Start();
                await RunningCluster.Ready(node);
            }

            await audit.Settle("SIGSTOP of one of three nodes for 30 s, then SIGCONT", recoveries);
            await cluster.AllReady();
        });
    }

    [Fact]
    public async Task Rolling_restarts_again_and_again()
    {
        await using var cluster = await RunningCluster.Start("All", "All", "All");
        await cluster.Tell(async () =>
        {
            await using var audit = await cluster.Audit(IPads);
            audit.StartSending();
            var restarts = new List<TimeSpan>();
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var node in cluster.Nodes)
                {
                    await audit.AcceptedMore(Between);
                    var stopped = TimeProvider.System.GetUtcNow();
                    Assert.Equal(0, await node.Stop());
                    restarts.Add(await audit.RecoveryOfAll(stopped));
                    await node.Start();
                    await RunningCluster.Ready(node);
                }
            }

            await audit.Settle("SIGTERM of one node after the other (rolling restart)", restarts);
            await cluster.AllReady();
        });
    }
}
