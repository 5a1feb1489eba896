namespace FleetMdm.EndToEnd.Cluster;

/// <summary>Three nodes behind a balancer, while administrators send commands and iPads work on them.</summary>
public sealed class ClusterTests
{
    private const int IPads = 12;

    /// <summary>Commands accepted between two events: enough that each finds every stage of their lives.</summary>
    private const int Between = 60;

    [Fact]
    public async Task A_node_that_is_killed_and_nodes_that_are_restarted_one_after_the_other_cost_nothing_that_was_promised()
    {
        await using var cluster = await RunningCluster.Start("All", "All", "All");
        await cluster.Tell(async () =>
        {
            await using var audit = await cluster.Audit(IPads);
            audit.StartSending();
            await audit.AcceptedMore(Between);

            // A node dies, and is started again.
            var killed = TimeProvider.System.GetUtcNow();
            await cluster.Nodes[1].Kill();
            var recovery = await audit.RecoveryOfAll(killed);
            await cluster.Nodes[1].Start();
            await RunningCluster.Ready(cluster.Nodes[1]);
            await audit.Settle("SIGKILL of one of three nodes", [recovery]);

            // An upgrade: one node after the other is told to stop, and started again.
            audit.StartSending();
            await audit.AcceptedMore(Between);
            foreach (var node in cluster.Nodes)
            {
                Assert.Equal(0, await node.Stop());
                await node.Start();
                await RunningCluster.Ready(node);
            }

            await audit.AcceptedMore(Between);
            await audit.Settle("rolling restart of three nodes", []);
            await cluster.AllReady();
        });
    }

    [Fact]
    public async Task Roles_apart_a_silo_and_an_API_do_what_a_node_of_both_does()
    {
        await using var cluster = await RunningCluster.Start("Silo", "Api");
        await cluster.Tell(async () =>
        {
            await using var audit = await cluster.Audit(ipads: 4);
            audit.StartSending();
            await audit.AcceptedMore(20);
            await audit.StopSending();
            await audit.Operate("SecurityInfo");
            await audit.Settle("roles silo and api apart", []);

            // The balancer says whom it connects: nobody seems to come from its own address.
            var records = (await cluster.Admin.GetAsync("/api/v1/audit?verb=operation.start"))["items"]!.AsArray();
            Assert.NotEmpty(records);
            Assert.All(records, record => Assert.Equal("127.0.0.1", (string?)record!["address"]));

            // Told to stop, the API says so to the balancer first; both end in order.
            Assert.Equal(0, await cluster.Nodes[1].Stop());
            Assert.Equal(0, await cluster.Nodes[0].Stop());
        });
    }
}
