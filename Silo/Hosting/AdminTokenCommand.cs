using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using FleetMdm.Grains.Hosting;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace FleetMdm.Silo.Hosting;

/// <summary><c>admin-token FILE</c>: a new administrator's token, for those who have lost theirs. The server, or all nodes, must be stopped.</summary>
/// <remarks>The tokens are in the memory of a server that runs: it would not see what another process adds. So this is a server of its own for a moment: it
/// takes the database for itself, checks the master key, and has the grain of the tokens and nothing else. It listens nowhere and wakes no iPad.</remarks>
internal static class AdminTokenCommand
{
    public static async Task<int> Run(string[] arguments)
    {
        var (name, options) = FileArgument.Take("admin-token", arguments);
        var file = Path.GetFullPath(name);
        if (File.Exists(file)) throw new FleetStartException($"{file} exists already: name a new file.");
        if (!Directory.Exists(Path.GetDirectoryName(file))) throw new FleetStartException($"There is no folder {Path.GetDirectoryName(file)}.");
        if (FileArgument.FindMissingDatabase(options) is { } missing)
            throw new FleetStartException($"There is no database at {missing}: name the server's data directory (--Storage:DataDirectory=/var/lib/fleetmdm).");

        using var host = Build(options);
        await host.StartAsync();
        var expires = await SpareToken.Make(
            host.Services.GetRequiredService<IGrainFactory>(), host.Services.GetRequiredService<IAuditStore>(), file, TimeProvider.System);
        await host.StopAsync();
        if (expires is null) throw new StoreUnavailableException("There are as many API tokens as there may be; dead ones leave the list after 90 days.");
        Console.WriteLine($"A new administrator's token is in {file}. It expires on {expires:yyyy-MM-dd}. Start the server and sign in with it.");
        Console.WriteLine("Then create a token of your own, revoke the one that is lost, and delete this file.");
        return 0;
    }

    private static IHost Build(string[] options)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddFleetConfiguration(options);
        // What the server has stored is under this name.
        var id = (builder.Configuration.GetSection(FleetClusterOptions.Section).Get<FleetClusterOptions>() ?? new FleetClusterOptions()).ClusterId;
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddFleetStoreGuard(shared: false).AddFleetStorage(builder.Configuration);
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(ServerHost.FreePort(), gatewayPort: 0, serviceId: id, clusterId: id);
            silo.AddAdoNetGrainStorage(GrainServices.ControlStorage, (OptionsBuilder<AdoNetGrainStorageOptions> storage) =>
                storage.Configure<IStoreControl>((target, store) => (target.Invariant, target.ConnectionString) = store.Orleans));
        });
        return builder.Build();
    }
}
