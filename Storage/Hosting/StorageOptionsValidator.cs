using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;
using Npgsql;

namespace FleetMdm.Storage.Hosting;

/// <summary>One sentence for each wrong option, at start.</summary>
internal sealed class StorageOptionsValidator : IValidateOptions<StorageOptions>
{
    public ValidateOptionsResult Validate(string? name, StorageOptions options)
    {
        var failures = new List<string>();
        if (!Enum.IsDefined(options.Provider))
            failures.Add("Storage:Provider must be Sqlite or PostgreSQL.");
        if (string.IsNullOrWhiteSpace(options.DataDirectory))
            failures.Add("Storage:DataDirectory must name a directory.");
        else if (File.Exists(options.DataDirectory))
            failures.Add($"Storage:DataDirectory must name a directory, but {options.DataDirectory} is a file.");
        if (options.Provider == StorageProvider.PostgreSQL)
            CheckPostgres(options.ConnectionString, failures);
        else if (options.ConnectionString is { } text)
            CheckSqlite(text, failures);
        return failures.Count > 0 ? ValidateOptionsResult.Fail(failures) : ValidateOptionsResult.Success;
    }

    private static void CheckPostgres(string? text, List<string> failures)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            failures.Add("Storage:ConnectionString must be set for PostgreSQL, as in Host=db;Database=fleetmdm;Username=fleetmdm;Password=….");
            return;
        }

        try
        {
            if (string.IsNullOrEmpty(new NpgsqlConnectionStringBuilder(text).Host))
                failures.Add("Storage:ConnectionString must name the Host of PostgreSQL.");
        }
        catch (ArgumentException exception)
        {
            // The message names the keyword, never a value.
            failures.Add(Words("Npgsql", "Host=db;Database=fleetmdm;Username=fleetmdm;Password=…", exception));
        }
    }

    private static void CheckSqlite(string text, List<string> failures)
    {
        try
        {
            if (new SqliteConnectionStringBuilder(text) is { Mode: SqliteOpenMode.Memory } or { DataSource: ":memory:" })
                failures.Add("Storage:ConnectionString must name a file: a database in memory would forget what iPads were promised.");
        }
        catch (ArgumentException exception)
        {
            failures.Add(Words("Microsoft.Data.Sqlite", "Data Source=data/fleetmdm.db", exception));
        }
    }

    private static string Words(string library, string example, ArgumentException exception)
    {
        // "Couldn't set x (Parameter 'x')" of one library, "Connection string keyword 'x' is not supported." of the other.
        var keyword = exception.ParamName ?? exception.Message.Split('\'') switch { [_, var quoted, _, ..] => quoted, _ => null };
        return keyword is not null
            ? $"Storage:ConnectionString has the keyword \"{keyword}\", which {library} does not know or whose value it does not take. An example: {example}."
            : $"Storage:ConnectionString must be Keyword=value pairs with semicolons between them, as in {example}.";
    }
}
