using System.Net;
using FleetMdm.Api.Hosting;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace FleetMdm.Silo.Hosting;

/// <summary>A silo as one of several: they find each other through a table in PostgreSQL, and watch over each other.</summary>
internal static class ClusterHosting
{
    /// <summary>A probe is answered in milliseconds; on a machine whose cores are all busy it may take a second.</summary>
    private static readonly TimeSpan UsualProbe = TimeSpan.FromSeconds(3);

    /// <summary>What a probe is given on a node or a network in distress. It also bounds, with <see cref="MissedProbes"/>, how long
    /// after its last message of any kind a node counts as alive whatever its probes say.</summary>
    private static readonly TimeSpan LongestProbe = TimeSpan.FromSeconds(4);

    /// <summary>One or two are lost by a long garbage collection. The last is asked through a third node, where there is one.</summary>
    private const int MissedProbes = 3;

    /// <summary>For so long a node may be silent, paused or cut off; after it the others take over its iPads. Longer would have iPads
    /// wait for a node that is dead, shorter would lose one that is only busy.</summary>
    public static readonly TimeSpan SilenceUntilDead = LongestProbe * MissedProbes;

    /// <summary>An entry that was not touched for three times as long is that of a cluster that died as a whole: a node that starts
    /// does not wait for its answer, but has it declared dead.</summary>
    private static readonly TimeSpan SignOfLifeEvery = TimeSpan.FromSeconds(5);

    public static void AddCluster(this ISiloBuilder silo, FleetClusterOptions cluster)
    {
        silo.UseAdoNetClustering((OptionsBuilder<AdoNetClusteringSiloOptions> options) => options.Configure<IStoreControl>(
            (clustering, store) => (clustering.Invariant, clustering.ConnectionString) = store.Orleans));
        silo.Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = (cluster.ClusterId, cluster.ClusterId));
        if (cluster.AdvertisedAddress is { } address)
            silo.ConfigureEndpoints(IPAddress.Parse(address), cluster.SiloPort, cluster.GatewayPort, listenOnAnyHostAddress: false);
        else
            silo.ConfigureEndpoints(cluster.SiloPort, cluster.GatewayPort);

        // The default directory is eventually consistent: while nodes come and go, it may know an iPad on two of them. This one locks what moves.
#pragma warning disable ORLEANSEXP003 // Opt-in by name; DeviceGrain does not rely on it alone.
        silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003

        // It would also keep the iPads of a dead node locked for half a minute, lest that node still work for them. Here such a node reads within two
        // seconds that it is dead, or its lease lapses (ClusterNode); and until then what it writes meets the version guard.
        silo.Configure<GrainDirectoryOptions>(options => options.RangeLeaseDuration = TimeSpan.Zero);

        silo.Configure<ClusterMembershipOptions>(options =>
        {
            options.ProbeTimeout = UsualProbe;
            options.MaxProbeTimeout = LongestProbe;
            options.NumMissedProbesLimit = MissedProbes;
            options.IAmAliveTablePublishTimeout = SignOfLifeEvery;

            // As Orleans has them, and why. Two votes: one node that is cut off cannot have the others killed (of two nodes, one suffices). Who sees
            // a node die tells the rest at once; ClusterNode reads the table every two seconds besides, so its own period stays a minute. Entries of dead
            // nodes are kept for an hour at least, so that a paused one finds its own, and beyond that the newest 25.
        });
        silo.Services.Replace(ServiceDescriptor.Singleton<IFatalErrorHandler, NodeEnd>());
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, ClusterNode>();
    }
}
