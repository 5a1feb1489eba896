namespace FleetMdm.Storage.Audit;

/// <summary>The chain of the audit records: each has a number, and a hash over the record and all before it. What is changed, removed or put in afterwards shows.</summary>
/// <remarks>Records are written by many at once and wait in <c>audit_unsealed</c>; one sealer puts them into the chain. A record that is committed late comes late, and is never
/// missed.</remarks>
public interface IAuditChain
{
    /// <summary>Puts at most <paramref name="limit"/> records that wait into the chain.</summary>
    /// <param name="known">The end of the chain as the caller left it; null: it has just begun. A chain that ends before it was cut off.</param>
    Task<AuditSealed> Seal(AuditHead? known, int limit);

    /// <summary>Where the chain ends; number 0: it is empty.</summary>
    Task<AuditHead> Head();

    /// <summary>The hash of a number; null: it is not in the chain.</summary>
    Task<byte[]?> FindHash(long number);

    /// <summary>The last record that retention removed; number 0: none.</summary>
    Task<AuditHead> Start();

    /// <summary>In the order of the chain.</summary>
    Task<IReadOnlyList<ChainedRecord>> Read(long after, int limit);

    /// <summary>Checks at most <paramref name="most"/> records.</summary>
    /// <param name="after">The <see cref="AuditCheck.Next"/> of the check before; null: from the start.</param>
    /// <exception cref="FormatException"><paramref name="after"/> is none, or is beyond the end; the message says which.</exception>
    Task<AuditCheck> Verify(string? after, int most, CancellationToken cancellationToken = default);

    /// <summary>Drops at most <paramref name="limit"/> records from the old end that are older, and writes a record of it; returns how many.</summary>
    Task<int> Drop(DateTimeOffset before, int limit);
}

/// <summary>The end of the chain.</summary>
public sealed record AuditHead(long Number, byte[] Hash)
{
    /// <summary>To be kept outside: whoever has it can find out later that the chain still holds what it held.</summary>
    public string Witness => $"{Number}:{Convert.ToHexStringLower(Hash)}";
}

/// <param name="Count">How many records were put into the chain.</param>
/// <param name="Broken">What somebody else did to the chain, in words; a record of it was written. Null: nothing.</param>
public sealed record AuditSealed(int Count, AuditHead Head, string? Broken);

/// <param name="Hash">Of the chain up to this record.</param>
public sealed record ChainedRecord(long Number, byte[] Hash, AuditRecord Record);

/// <summary>Why the chain is not whole.</summary>
public enum AuditBreakKind
{
    /// <summary>A record is not as it was.</summary>
    Changed,
    /// <summary>A record is gone.</summary>
    Missing,
    /// <summary>A record was put in that the server did not write.</summary>
    Inserted,
    /// <summary>The newest part of the chain is gone.</summary>
    CutOff,
    /// <summary>The chain's own rows are not as they were.</summary>
    Chain,
    /// <summary>The server noticed before that the chain had been changed.</summary>
    Noticed,
}

/// <param name="Number">Where in the chain; null: not in it.</param>
/// <param name="Words">What and where, in words.</param>
public sealed record AuditBreak(AuditBreakKind Kind, long? Number, Guid? RecordId, DateTimeOffset? At, string Words);

/// <summary>What a check has found.</summary>
public sealed record AuditCheck
{
    /// <summary>How many records were checked.</summary>
    public required long Checked { get; init; }
    /// <summary>The first thing that is wrong; null: nothing is.</summary>
    public AuditBreak? Break { get; init; }
    /// <summary>Where to go on; null: all was checked.</summary>
    public string? Next { get; init; }
    /// <summary>There are records, and none of them was checked: nothing can be said.</summary>
    public bool Nothing { get; init; }
    /// <summary>How many records wait for their seal. They are not checked.</summary>
    public long Waiting { get; init; }
    /// <summary>Records of a version that signed none, among those that were checked.</summary>
    public long Unsigned { get; init; }
    public DateTimeOffset? NewestUnsigned { get; init; }
    /// <summary>How many records retention has removed from the old end.</summary>
    public required long Removed { get; init; }
    public required AuditHead Head { get; init; }
}
