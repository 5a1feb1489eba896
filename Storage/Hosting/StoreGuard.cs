using FleetMdm.Storage.PostgreSql;
using FleetMdm.Storage.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Storage.Hosting;

/// <summary>Keeps a second server away from the database, unless both are of one cluster, from before the start until the process ends; and a restore away
/// from the file of SQLite.</summary>
/// <param name="shared">The server is one of a cluster.</param>
internal sealed class StoreGuard(bool shared, IOptions<StorageOptions> options, IServiceProvider services) : IHostedLifecycleService, IDisposable
{
    private IDisposable? _held;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Provider == StorageProvider.Sqlite)
        {
            _held = StoreLock.Take(SqliteConnections.FileOf(options.Value));
            return;
        }

        var presence = ((PostgresControl)services.GetRequiredService<StoreParts>().Control).Presence(
            shared, services.GetRequiredService<IHostApplicationLifetime>(), services.GetRequiredService<ILogger<PostgresPresence>>());
        _held = presence;
        await presence.Begin(cancellationToken);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _held?.Dispose();
}
