using System.Net;
using System.Net.Sockets;
using FleetMdm.Api;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Hosting.Nodes;
using FleetMdm.Grains.Hosting;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Dashboard;

namespace FleetMdm.Silo.Hosting;

/// <summary>Puts the process together: configuration, store, silo, API. The server and the demo start the same host.</summary>
public static class ServerHost
{
    /// <param name="arguments">Options as on the command line.</param>
    /// <param name="configure">For what a host of its own needs; null for the server.</param>
    /// <exception cref="FleetStartException">An option is wrong.</exception>
    public static WebApplication Build(IReadOnlyList<string> arguments, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddFleetConfiguration(arguments);
        builder.AddFleetLogging();
        builder.Services.AddSingleton(TimeProvider.System);
        var cluster = builder.Configuration.GetSection(FleetClusterOptions.Section).Get<FleetClusterOptions>() ?? new FleetClusterOptions();
        CheckStore(cluster, builder.Configuration);
        builder.Services.AddFleetStoreGuard(shared: cluster.Enabled).AddFleetStorage(builder.Configuration);
        builder.Services.AddSystemd();

        if (cluster.Role == NodeRole.Api)
        {
            builder.AddFleetClient();
        }
        else
        {
            builder.UseOrleans(silo => ConfigureSilo(silo, builder.Configuration, cluster));
        }

        builder.AddFleetApi();
        configure?.Invoke(builder);

        var app = builder.Build();
        if (cluster.Role == NodeRole.Silo) app.MapFleetHealth();
        else app.MapFleetApi();
        return app;
    }

    /// <summary>SQLite has no tables by which nodes could find each other.</summary>
    private static void CheckStore(FleetClusterOptions cluster, IConfiguration configuration)
    {
        if (cluster.Enabled && (configuration.GetSection(StorageOptions.Section).Get<StorageOptions>() ?? new StorageOptions()).Provider == StorageProvider.Sqlite)
        {
            throw new FleetStartException(
                "Cluster:Enabled needs PostgreSQL: set Storage:Provider=PostgreSQL and Storage:ConnectionString, or leave Cluster:Enabled out for a server on one machine.");
        }
    }

    private static void ConfigureSilo(ISiloBuilder silo, IConfiguration configuration, FleetClusterOptions cluster)
    {
        silo.UseNodeTls(cluster.ClusterId);
        if (cluster.Enabled)
        {
            silo.AddCluster(cluster);
        }
        else
        {
            // One process: nobody speaks to the silo's port, so any free one on loopback will do.
            silo.UseLocalhostClustering(FreePort(), gatewayPort: 0, serviceId: cluster.ClusterId, clusterId: cluster.ClusterId);
        }

        silo.AddAdoNetGrainStorage(GrainServices.ControlStorage, (OptionsBuilder<AdoNetGrainStorageOptions> options) => options.Configure<IStoreControl>((storage, store) =>
            (storage.Invariant, storage.ConnectionString) = store.Orleans));
        silo.AddDashboard(options => options.HideTrace = true);
        WithoutItsCounters(silo.Services);
        silo.AddFleetGrains(configuration);
    }

    /// <summary>The dashboard's host has all of Orleans' counters read once a second, two of which go through every active iPad each time (a fifth of a
    /// core at 500,000). All that its pages lose by it is a table of them, and <c>/metrics</c> has those.</summary>
    /// <remarks>It would be started twice over: as a hosted service, and as a participant in the life of the silo, for which an idle one stands in.</remarks>
    private static void WithoutItsCounters(IServiceCollection services)
    {
        var host = services.Single(service => service.ServiceType.FullName == "Orleans.Dashboard.DashboardHost");
        services.Remove(services.Single(service =>
            service.ServiceType == typeof(IHostedService) && service.ImplementationFactory?.Method.ReturnType == host.ServiceType));
        services.Replace(ServiceDescriptor.Singleton(host.ServiceType, _ => new IdleParticipant()));
    }

    private sealed class IdleParticipant : ILifecycleParticipant<ISiloLifecycle>
    {
        public void Participate(ISiloLifecycle lifecycle)
        {
        }
    }

    internal static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
