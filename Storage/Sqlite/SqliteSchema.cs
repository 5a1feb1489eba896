using FleetMdm.Storage.Hosting;
using Microsoft.Data.Sqlite;

namespace FleetMdm.Storage.Sqlite;

/// <summary>The schema of a database file, over a connection to it.</summary>
internal static class SqliteSchema
{
    public static readonly IReadOnlyList<Migration> Migrations = Migration.Of("Sqlite");

    /// <summary>Applies what is missing, in one transaction.</summary>
    /// <returns>The names of what was applied.</returns>
    /// <exception cref="StorageConfigurationException">The database is newer than this program.</exception>
    public static List<string> Migrate(SqliteConnection connection, DateTimeOffset now)
    {
        var applied = new List<string>();
        // A second process waits at BEGIN IMMEDIATE and then finds nothing to do.
        using var transaction = connection.BeginTransaction(deferred: false);
        connection.Run("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)");
        foreach (var migration in Migration.Pending(Migrations, Version(connection)))
        {
            connection.Run(migration.Script);
            connection.Run("INSERT INTO schema_version (version, name, applied_at) VALUES (@version, @name, @at)",
                ("@version", migration.Number), ("@name", migration.Name), ("@at", now.ToUnixTimeMilliseconds()));
            applied.Add(migration.Name);
        }

        transaction.Commit();
        return applied;
    }

    /// <summary>0: nothing was migrated yet.</summary>
    public static int Version(SqliteConnection connection) =>
        connection.Scalar<long>("SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'") == 0
            ? 0
            : (int)connection.Scalar<long>("SELECT coalesce(max(version), 0) FROM schema_version");

    /// <returns>How many rows it changed.</returns>
    public static int Run(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using var command = Command(connection, sql, parameters);
        return command.ExecuteNonQuery();
    }

    public static T Scalar<T>(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using var command = Command(connection, sql, parameters);
        return command.ExecuteScalar() is T value ? value : default!;
    }

    private static SqliteCommand Command(
        SqliteConnection connection, string sql, ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value);
        return command;
    }
}
