using FleetMdm.Storage.Access;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.GroupCommit;
using FleetMdm.Storage.PostgreSql;
using FleetMdm.Storage.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Storage.Hosting;

/// <summary>What depends on the database. Disposed with the container: first the lanes run empty, then the connections close.</summary>
internal sealed record StoreParts(StoreLanes Lanes, Database Database, IActivityStore Activity, IKeyRingStore KeyRing, StoreControl Control, TableSizes? Sizes = null)
    : IAsyncDisposable, IDisposable
{
    private const int FewestWriters = 2;
    private const int MostWriters = 4;

    /// <summary>Two batches of loads in flight keep up with any number of waking grains.</summary>
    private const int Readers = 2;

    public static StoreParts OnPostgres(IServiceProvider provider, StorageOptions options)
    {
        var loggers = provider.GetRequiredService<ILoggerFactory>();
        var time = provider.GetRequiredService<TimeProvider>();
        var seal = provider.GetRequiredService<AuditSeal>();
        var connections = new PostgresConnections(options.ConnectionString!, loggers);
        // Writers wait for the disk of the server most of the time; more of them make smaller batches.
        var writers = Math.Clamp(Environment.ProcessorCount / 2, FewestWriters, MostWriters);
        var lanes = new StoreLanes(
            Enumerable.Range(0, writers).Select(_ => new PostgresWriter(connections, seal, time)),
            Enumerable.Range(0, Readers).Select(_ => new PostgresReader(connections)),
            provider.GetRequiredService<StorageMetrics>(), loggers.CreateLogger<StoreLanes>());
        var database = new PostgresDatabase(connections, seal);
        return new StoreParts(lanes, database, database,
            new KeyRingStore(() => connections.Pool.OpenConnection()),
            new PostgresControl(database, connections, time, loggers.CreateLogger<PostgresControl>()),
            new TableSizes(connections, loggers.CreateLogger<TableSizes>()));
    }

    public static StoreParts OnSqlite(IServiceProvider provider, StorageOptions options)
    {
        var loggers = provider.GetRequiredService<ILoggerFactory>();
        var time = provider.GetRequiredService<TimeProvider>();
        var seal = provider.GetRequiredService<AuditSeal>();
        var connections = new SqliteConnections(options.ConnectionString, options.DataDirectory);
        var lanes = new StoreLanes(
            [new SqliteWriter(connections, seal, time)],
            Enumerable.Range(0, Readers).Select(_ => new SqliteReader(connections)),
            provider.GetRequiredService<StorageMetrics>(), loggers.CreateLogger<StoreLanes>());
        var database = new SqliteDatabase(connections, lanes, seal);
        return new StoreParts(lanes, database, database,
            new KeyRingStore(() => connections.OpenShort()),
            new SqliteControl(database, connections, time, loggers.CreateLogger<SqliteControl>()));
    }

    public async ValueTask DisposeAsync()
    {
        await Lanes.DisposeAsync();
        if (Sizes is not null)
            await Sizes.DisposeAsync();
        await Database.DisposeAsync();
    }

    // A container that is disposed without await: the lanes must run empty all the same.
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();
}
