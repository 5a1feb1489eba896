namespace FleetMdm.Storage.Hosting;

public enum StorageProvider
{
    Sqlite,
    PostgreSQL,
}

/// <summary>Section <c>Storage</c>.</summary>
public sealed class StorageOptions
{
    public const string Section = "Storage";

    public StorageProvider Provider { get; set; } = StorageProvider.Sqlite;

    /// <summary>Where SQLite, the master key and the first administrator's token are kept. Relative to the working directory.</summary>
    public string DataDirectory { get; set; } = "data";

    /// <summary>PostgreSQL: as Npgsql takes it. SQLite: may be left out, <c>fleetmdm.db</c> in the data directory.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Apply pending migrations at start. Off: start refuses until <c>migrate</c> was run.</summary>
    public bool MigrateAtStart { get; set; } = true;
}
