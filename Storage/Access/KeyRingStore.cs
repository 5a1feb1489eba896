using System.Data.Common;

namespace FleetMdm.Storage.Access;

/// <summary>Data protection's keys on either database, over short connections of its own: its callers are synchronous and rare.</summary>
internal sealed class KeyRingStore(Func<DbConnection> open) : IKeyRingStore
{
    public IReadOnlyList<string> LoadKeys() => Run(connection =>
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT xml FROM key_ring ORDER BY name";
        using var reader = command.ExecuteReader();
        var keys = new List<string>();
        while (reader.Read())
            keys.Add(reader.GetString(0));
        return keys;
    });

    public void StoreKey(string name, string xml) => Run(connection =>
    {
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT INTO key_ring (name, xml) VALUES (@name, @xml) ON CONFLICT (name) DO UPDATE SET xml = excluded.xml";
        foreach (var (parameter, value) in new[] { ("@name", name), ("@xml", xml) })
        {
            var bound = command.CreateParameter();
            (bound.ParameterName, bound.Value) = (parameter, value);
            command.Parameters.Add(bound);
        }

        return command.ExecuteNonQuery();
    });

    private T Run<T>(Func<DbConnection, T> work)
    {
        try
        {
            using var connection = open();
            return work(connection);
        }
        catch (DbException exception)
        {
            throw new StoreUnavailableException($"The key ring is not available: {exception.Message}", exception);
        }
    }
}
