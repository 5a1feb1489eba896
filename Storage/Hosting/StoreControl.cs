using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Hosting;

/// <summary>What the two databases do alike for <see cref="IStoreControl"/>.</summary>
internal abstract class StoreControl(Database database)
{
    /// <summary>Migrations that the database lacks.</summary>
    public abstract Task<IReadOnlyList<string>> Pending(CancellationToken cancellationToken);

    public Task Check(CancellationToken cancellationToken) => database.Ping(cancellationToken);

    public async Task<byte[]> GetOrAddFact(string name, byte[] value, CancellationToken cancellationToken)
    {
        StoredText.Check("The name of the fact", name);
        return (await database.Write(async s =>
        {
            await s.Sql("INSERT INTO facts (name, value) VALUES (@name, @value) ON CONFLICT (name) DO NOTHING")
                .Text("@name", name).Bytes("@value", value).Execute();
            return await s.Sql("SELECT value FROM facts WHERE name = @name").Text("@name", name).First(row => row.Bytes(0));
        }, cancellationToken))!;
    }
}
