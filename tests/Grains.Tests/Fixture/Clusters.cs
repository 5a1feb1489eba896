using FleetMdm.Testing;

namespace FleetMdm.Grains.Tests.Fixture;

/// <summary>One silo on SQLite, as one box runs.</summary>
public class SqliteCluster : GrainCluster
{
    protected override short Silos => 1;

    protected override Task<IReadOnlyDictionary<string, string?>> OpenStore(string folder) =>
        Task.FromResult<IReadOnlyDictionary<string, string?>>(new Dictionary<string, string?> { ["Storage:Provider"] = "Sqlite" });

    protected override Task CloseStore() => Task.CompletedTask;
}

/// <summary>Two silos on one PostgreSQL, as a district runs: an operation is announced to both.</summary>
public class PostgresCluster : GrainCluster
{
    private PostgresDatabase? _database;

    protected override short Silos => 2;

    protected override async Task<IReadOnlyDictionary<string, string?>> OpenStore(string folder)
    {
        _database = await PostgresDatabase.Create();
        return new Dictionary<string, string?> { ["Storage:Provider"] = "PostgreSQL", ["Storage:ConnectionString"] = _database.ConnectionString };
    }

    protected override async Task CloseStore()
    {
        if (_database is not null) await _database.DisposeAsync();
    }
}

[CollectionDefinition(nameof(OnSqlite))]
public sealed class OnSqlite : ICollectionFixture<SqliteCluster>;

[CollectionDefinition(nameof(OnPostgreSql))]
public sealed class OnPostgreSql : ICollectionFixture<PostgresCluster>;
