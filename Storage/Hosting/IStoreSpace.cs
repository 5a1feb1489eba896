namespace FleetMdm.Storage.Hosting;

/// <summary>How much the store can still take.</summary>
public interface IStoreSpace
{
    /// <summary>Null: the database is on another machine, and nobody here knows.</summary>
    Task<StoreSpace?> Look();
}

/// <param name="OnDisk">Bytes that are free on the disk of the database.</param>
/// <param name="Within">Bytes that are free in its file, and are used again before it grows.</param>
public sealed record StoreSpace(long OnDisk, long Within);
