using FleetMdm.EndToEnd.Faults;
using FleetMdm.Testing;

namespace FleetMdm.EndToEnd.Cluster;

/// <summary>What may happen to the database that three nodes share, while administrators send and iPads work.</summary>
public sealed class ClusterDatabaseTests
{
    private const int IPads = 12;
    private const int Between = 60;

    /// <summary>PostgreSQL's own files take 40 MB, and its log 64 and more.</summary>
    private const int SmallDiskMegabytes = 320;

    /// <summary>Twice as long as a node may speak for its iPads without having confirmed that it is part of the cluster.</summary>
    private static readonly TimeSpan BeyondTheLease = TimeSpan.FromSeconds(20);

    [Fact]
    public Task PostgreSQL_killed_and_started_again_under_three_nodes_costs_nothing() => Through("PostgreSQL killed, under three nodes", async (cluster, audit) =>
    {
        cluster.Postgres!.KillPostmaster();
        await audit.UnavailableMore(1);
        await cluster.Postgres.StartAgain();
    });

    [Fact, Trait("Length", "Long")]
    public Task PostgreSQL_away_for_longer_than_the_lease_ends_no_node() => Through("PostgreSQL hangs for 20 s, under three nodes", async (cluster, audit) =>
    {
        foreach (var link in cluster.Links) link.Hang();
        await audit.UnavailableMore(1);
        await Task.Delay(BeyondTheLease, TimeProvider.System);
        foreach (var link in cluster.Links) link.GoOn();
    });

    [Fact, Trait("Length", "Long")]
    public Task A_node_that_is_cut_off_from_PostgreSQL_alone_says_503_for_its_iPads_until_it_is_back() => Through("one of three nodes cut off from PostgreSQL for 20 s", async (cluster, audit) =>
    {
        cluster.Links[1].Hang();
        await audit.UnavailableMore(1);
        await Task.Delay(BeyondTheLease, TimeProvider.System);
        cluster.Links[1].GoOn();
    });

    [Fact, Trait("Length", "Long")]
    public Task A_database_that_is_200_ms_away_is_slow_for_three_nodes_and_nothing_else() => Through("PostgreSQL slow (200 ms each way), under three nodes", async (cluster, audit) =>
    {
        foreach (var link in cluster.Links) link.Delay = TimeSpan.FromMilliseconds(200);
        await audit.AcceptedMore(Between);
        foreach (var link in cluster.Links) link.Delay = TimeSpan.Zero;
    });

    [Fact, Trait("Length", "Long")]
    public async Task PostgreSQL_without_room_for_longer_than_the_lease_ends_no_node()
    {
        using var disk = TinyDisk.TryMount(SmallDiskMegabytes, out var refusal);
        if (disk is null) Assert.Skip(refusal);
        await Through("PostgreSQL's disk full for 20 s, under three nodes", async (cluster, audit) =>
        {
            audit.Command = _ => FaultAudit.Plist("ProfileList", padding: 100_000);
            disk.Fill();
            await audit.UnavailableMore(1);
            await Task.Delay(BeyondTheLease, TimeProvider.System);
            audit.Command = null;
            disk.Free();
            // With the log on the same disk PostgreSQL may have ended.
            if (!cluster.Postgres!.IsRunning) await cluster.Postgres.StartAgain();
        }, disk.Path);
    }

    /// <summary>All nodes go on, and every iPad is served within what is written down.</summary>
    private static async Task Through(string fault, Func<RunningCluster, FaultAudit, Task> make, string? disk = null)
    {
        await using var cluster = await RunningCluster.StartOnItsOwnPostgres(disk, "All", "All", "All");
        await cluster.Tell(async () =>
        {
            await using var audit = await cluster.Audit(IPads);
            await audit.Through(fault, times: 1, Between, () => make(cluster, audit), audit.RecoveryOfAll);
            Assert.All(cluster.Nodes, node => Assert.True(node.IsRunning));
            await cluster.AllReady();
        });
    }
}
