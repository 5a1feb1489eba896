using System.Globalization;

namespace FleetMdm.Storage.Hosting;

/// <summary>A numbered script of the schema, embedded in this assembly as <c>NNN_what_it_does.sql</c>.</summary>
internal sealed record Migration(int Number, string Name, string Script)
{
    /// <summary>The scripts of one database, in order.</summary>
    /// <param name="folder">As in <c>PostgreSql</c>.</param>
    public static IReadOnlyList<Migration> Of(string folder)
    {
        var assembly = typeof(Migration).Assembly;
        var prefix = $"FleetMdm.Storage.{folder}.Migrations.";
        return [.. assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
            .Select(name => Read(name, name[prefix.Length..^".sql".Length]))
            .OrderBy(migration => migration.Number)];

        Migration Read(string resource, string name)
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            return new Migration(int.Parse(name.AsSpan(0, 3), CultureInfo.InvariantCulture), name, reader.ReadToEnd());
        }
    }

    /// <summary>Those that a database of the given version lacks.</summary>
    /// <exception cref="StorageConfigurationException">The database is newer than this program.</exception>
    public static IReadOnlyList<Migration> Pending(IReadOnlyList<Migration> all, int version)
    {
        if (version > all[^1].Number)
        {
            throw new StorageConfigurationException(
                $"The database has schema version {version}, this program knows only {all[^1].Number}: a newer FleetMdm has migrated " +
                "it. Run that version, or restore the backup from before the migration.");
        }

        return [.. all.Where(migration => migration.Number > version)];
    }
}
