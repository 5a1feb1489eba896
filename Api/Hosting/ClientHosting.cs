using FleetMdm.Api.Hosting.Nodes;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Dashboard;

namespace FleetMdm.Api.Hosting;

/// <summary>The role <c>api</c>: a client of the silos, which it finds through PostgreSQL.</summary>
public static class ClientHosting
{
    public static void AddFleetClient(this WebApplicationBuilder builder) => builder.UseOrleansClient(client =>
    {
        var cluster = builder.Configuration.GetSection(FleetClusterOptions.Section).Get<FleetClusterOptions>() ?? new FleetClusterOptions();
        client.UseAdoNetClustering((OptionsBuilder<AdoNetClusteringClientOptions> options) => options.Configure<IStoreControl>(
            (clustering, store) => (clustering.Invariant, clustering.ConnectionString) = store.Orleans));
        client.Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = (cluster.ClusterId, cluster.ClusterId));
        client.UseNodeTls(cluster.ClusterId);
        client.Services.AddExceptionsBetweenNodes();
        client.AddDashboard();
    });
}
