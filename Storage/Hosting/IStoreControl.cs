namespace FleetMdm.Storage.Hosting;

/// <summary>The store as a whole: its schema, its health, its age.</summary>
public interface IStoreControl
{
    /// <summary>Brings the schema up to date; safe when several nodes start at once. Returns what was applied.</summary>
    Task<IReadOnlyList<string>> Migrate(CancellationToken cancellationToken);

    /// <summary>Ends when a trivial write or read succeeds; throws <see cref="StoreUnavailableException"/> otherwise.</summary>
    Task Check(CancellationToken cancellationToken);

    /// <summary>Makes what the coming months of the history need (PostgreSQL: a partition each); nothing when it is there. To be called
    /// again and again while a server runs, whatever is kept for how long.</summary>
    Task PrepareHistory(CancellationToken cancellationToken);

    /// <summary>Drops history finished before the given time (whole partitions, or batches of at most a few thousand rows), and
    /// bodies that nothing refers to any more. Returns how many rows went; call again until 0.</summary>
    Task<long> DropHistory(DateTimeOffset finishedBefore, CancellationToken cancellationToken);

    /// <summary>Stores a value under a name unless one is stored; returns what is stored. For facts that all nodes must agree
    /// on, as the check value of the master key.</summary>
    Task<byte[]> GetOrAddFact(string name, byte[] value, CancellationToken cancellationToken);

    /// <summary>The ADO.NET invariant and connection string for Orleans' own tables, which Migrate creates too.</summary>
    (string Invariant, string ConnectionString) Orleans { get; }
}
