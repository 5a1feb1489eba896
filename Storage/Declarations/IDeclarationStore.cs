using FleetMdm.Storage.Assignments;

namespace FleetMdm.Storage.Declarations;

/// <summary>Which declarations iPads should have, which they were told of, and what they said. Written by an iPad's own grain only.</summary>
/// <remarks>A set is kept once, however many iPads have it, and for as long as one has it: what was announced to an iPad is what it gets.</remarks>
public interface IDeclarationStore
{
    /// <summary>Null: nothing was ever declared to it, and it has reported nothing.</summary>
    Task<DeclarationDevice?> Find(string deviceId);

    /// <summary>What stands for a token; null: nobody has it.</summary>
    Task<byte[]?> LoadSet(string token);

    /// <summary>Writes how an iPad stands, with the set that it should have, and how its assignments stand: all of it, or nothing when somebody has changed one of them in between.</summary>
    /// <returns>False: nothing was written; read anew.</returns>
    Task<bool> Write(DeclarationChange change);

    /// <summary>Forgets sets that no iPad has or should have, and that were not used since.</summary>
    Task<int> ForgetSets(DateTimeOffset unusedSince);
}

/// <summary>How an iPad stands with its declarations.</summary>
public sealed record DeclarationDevice
{
    public required string DeviceId { get; init; }
    /// <summary>1 for the first write, then one more with each.</summary>
    public required long Version { get; init; }
    /// <summary>The enrolment that this is of.</summary>
    public required DateTimeOffset EnrolledAt { get; init; }
    /// <summary>The DeclarationsToken of what it should have.</summary>
    public required string Wanted { get; init; }
    /// <summary>Since when.</summary>
    public required DateTimeOffset WantedAt { get; init; }
    /// <summary>Of the set whose list it has fetched; null: of none.</summary>
    public string? Fetched { get; init; }
    public DateTimeOffset? FetchedAt { get; init; }
    /// <summary>Of the set for which it was last sent a command; null: none was sent.</summary>
    public string? Asked { get; init; }
    public DateTimeOffset? AskedAt { get; init; }
    public string? CommandUuid { get; init; }
    /// <summary>Of the last report that changed something, in hexadecimal; null: none came.</summary>
    public string? ReportHash { get; init; }
    public DateTimeOffset? ReportedAt { get; init; }
    /// <summary>JSON: all that it has said; null: nothing.</summary>
    public string? Status { get; init; }
}

/// <param name="Before">As it was read; null: there was none.</param>
/// <param name="After">As it is to be.</param>
/// <param name="Set">What <see cref="DeclarationDevice.Wanted"/> stands for; null: it is stored, or the empty one.</param>
/// <param name="Standings">Of the assignments that declare something.</param>
public sealed record DeclarationChange(DeclarationDevice? Before, DeclarationDevice After, byte[]? Set, IReadOnlyList<AssignmentChange> Standings);
