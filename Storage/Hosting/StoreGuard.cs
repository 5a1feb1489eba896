using FleetMdm.Storage.Sqlite;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace FleetMdm.Storage.Hosting;

/// <summary>Keeps a second server, and a restore, away from the database file of SQLite from before the start until the process ends.</summary>
internal sealed class StoreGuard(IOptions<StorageOptions> options) : IHostedLifecycleService, IDisposable
{
    private StoreLock? _lock;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Provider == StorageProvider.Sqlite)
            _lock = StoreLock.Take(SqliteConnections.FileOf(options.Value));
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _lock?.Dispose();
}
