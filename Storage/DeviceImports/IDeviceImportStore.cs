using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.DeviceImports;

/// <summary>Lists of iPads of other servers: staged, compared with what stands, and applied as a whole in one transaction.</summary>
/// <remarks>Nothing is ever removed. An iPad that somebody has keeps its person, unless the file was staged to hand iPads over.</remarks>
public interface IDeviceImportStore
{
    /// <summary>Rows that were never applied go after this.</summary>
    static readonly TimeSpan KeptFor = TimeSpan.FromDays(1);

    /// <summary>So long what was handed out can be taken back.</summary>
    static readonly TimeSpan CanBeUndoneFor = TimeSpan.FromDays(30);

    /// <summary>All people who can be told by a user name or an address.</summary>
    Task<IReadOnlyList<PersonLogin>> ListLogins(Scope scope);

    /// <summary>Stages a file. Nothing that stands is changed. Drops what is older than <see cref="KeptFor"/>.</summary>
    Task Stage(DeviceImportFile file);

    Task<DeviceImport?> Find(string id);

    /// <summary>The newest that were applied.</summary>
    Task<IReadOnlyList<DeviceImport>> ListApplied(int limit);

    /// <summary>What applying it now would do.</summary>
    Task<DeviceImportCounts> Compare(string id);

    /// <summary>The iPads behind the counts, by serial number.</summary>
    Task<IReadOnlyList<DeviceImportChange>> ListChanges(string id, DeviceImportChangeKind kind, string? after, int limit);

    /// <summary>Does it, all or nothing; the staged rows go with it. Applied already: says again what was done.</summary>
    /// <param name="handedOver">How many iPads may change hands: when they are more or fewer by now, nothing is done.</param>
    Task<DeviceImportApplied> Apply(string id, long handedOver, DateTimeOffset at, string by, AuditRecord? audit);

    /// <summary>Takes back what was handed out: who had the iPad before has it again, if they have not left. What has changed hands since stays. Undone already: says again
    /// what was done.</summary>
    Task<DeviceImportUndoOutcome> Undo(string id, DateTimeOffset at, string by, AuditRecord? audit);

    /// <summary>False: there is none, or it was applied.</summary>
    Task<bool> Discard(string id);
}

/// <summary>How a person is told in other systems; in lower case.</summary>
public sealed record PersonLogin(string PersonId, bool Active, string? Username, string? Email, string? Account);

/// <param name="SerialNumber">In upper case.</param>
/// <param name="Name">Null: not said.</param>
/// <param name="School">By its name.</param>
/// <param name="AssetTag">Null: not said.</param>
/// <param name="PersonId">Whose it is; null: not said.</param>
/// <param name="HoldingId">Of the holding, if it is handed out.</param>
public sealed record ImportedDevice(string SerialNumber, string? Name, string? School, string? AssetTag, string? PersonId, string HoldingId);

public sealed record DeviceImportFile
{
    public required string Id { get; init; }
    /// <summary>Which of the three are given. The others stay as they stand.</summary>
    public required bool WithName { get; init; }
    public required bool WithSchool { get; init; }
    public required bool WithAssetTag { get; init; }
    /// <summary>JSON, for whoever reads it again.</summary>
    public required string Notes { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    /// <summary>An iPad that another person has comes back from that one, and is handed out.</summary>
    public bool HandOver { get; init; }
    /// <summary>No serial number twice.</summary>
    public required IReadOnlyList<ImportedDevice> Rows { get; init; }
}

public sealed record DeviceImport(
    string Id, string Notes, DateTimeOffset CreatedAt, string CreatedBy, DateTimeOffset? AppliedAt, string? AppliedBy, DeviceImportCounts? Result)
{
    public required bool HandOver { get; init; }
    /// <summary>It is known what it handed out. Of files that a version before applied, it is not.</summary>
    public bool IsKept { get; init; }
    public DateTimeOffset? UndoneAt { get; init; }
    public string? UndoneBy { get; init; }
    public DeviceImportUndone? Undone { get; init; }
}

public enum DeviceImportOutcome
{
    Written,
    NotFound,
    /// <summary>Not as many iPads change hands as was said: nothing was done.</summary>
    NotAsExpected,
}

public sealed record DeviceImportApplied(DeviceImportOutcome Outcome, DeviceImportCounts? Counts = null);

public enum DeviceImportUndoOutcome
{
    Written,
    NotFound,
    NotApplied,
    TooLate,
    /// <summary>What it handed out was not written down: it handed out nothing, or a version before applied it.</summary>
    NotKept,
}

/// <param name="TakenBack">iPads that whoever got them by the file has no more.</param>
/// <param name="GivenBack">Of these: who had them before has them again.</param>
/// <param name="NotWaiting">iPads that were not enrolled yet, and do not wait for the person of the file any more.</param>
/// <param name="Left">That have changed hands since, and stay as they are.</param>
public sealed record DeviceImportUndone(long TakenBack, long GivenBack, long NotWaiting, long Left);

/// <param name="Added">iPads that were not known.</param>
/// <param name="Changed">Whose name, school or asset tag differs.</param>
/// <param name="Unchanged">That stay as they are.</param>
/// <param name="HandedOut">That get their person now.</param>
/// <param name="Waiting">That get their person when they enrol.</param>
/// <param name="Kept">That another person has. They keep that one.</param>
/// <param name="HandedOver">That another person has. They come back from that one, and get their person.</param>
public sealed record DeviceImportCounts(long Added, long Changed, long Unchanged, long HandedOut, long Waiting, long Kept, long HandedOver = 0);

public enum DeviceImportChangeKind
{
    Added,
    Changed,
    HandedOut,
    Waiting,
    Kept,
    HandedOver,
}

/// <param name="SerialNumber">Of the iPad.</param>
/// <param name="DeviceId">Null: it is not enrolled.</param>
/// <param name="GivenName">Of the person whom the file names.</param>
/// <param name="FamilyName">Likewise.</param>
/// <param name="PersonId">Likewise.</param>
/// <param name="HolderId">Who has it now; null: nobody, or it is not enrolled.</param>
/// <param name="HolderGivenName">Likewise; null besides: they are forgotten.</param>
/// <param name="HolderFamilyName">Likewise.</param>
public sealed record DeviceImportChange(
    string SerialNumber, string? DeviceId, string? PersonId, string? GivenName, string? FamilyName, string? HolderId = null, string? HolderGivenName = null, string? HolderFamilyName = null);
