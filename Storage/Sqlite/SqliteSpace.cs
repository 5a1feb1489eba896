using FleetMdm.Storage.Hosting;
using Microsoft.Data.Sqlite;

namespace FleetMdm.Storage.Sqlite;

/// <inheritdoc cref="IStoreSpace"/>
internal sealed class SqliteSpace(StorageOptions options) : IStoreSpace, IDisposable
{
    private readonly SqliteConnections _connections = new(options.ConnectionString, options.DataDirectory);

    public async Task<StoreSpace?> Look()
    {
        var onDisk = new DriveInfo(Path.GetDirectoryName(_connections.File)!).AvailableFreeSpace;
        try
        {
            await using var reader = await _connections.OpenReader(CancellationToken.None);
            await using var command = reader.CreateCommand();
            command.CommandText = "SELECT f.freelist_count * p.page_size FROM pragma_freelist_count f, pragma_page_size p";
            return new StoreSpace(onDisk, (long)(await command.ExecuteScalarAsync())!);
        }
        catch (SqliteException)
        {
            // The writer finds out what is wrong with the file.
            return new StoreSpace(onDisk, 0);
        }
    }

    public void Dispose() => _connections.Dispose();
}

/// <summary>Of PostgreSQL, nobody knows.</summary>
internal sealed class NoSpaceKnown : IStoreSpace
{
    public Task<StoreSpace?> Look() => Task.FromResult<StoreSpace?>(null);
}
