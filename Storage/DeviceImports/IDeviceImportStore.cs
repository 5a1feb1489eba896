using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.DeviceImports;

/// <summary>Lists of iPads of other servers: staged, compared with what stands, and applied as a whole in one transaction.</summary>
/// <remarks>Nothing is ever removed. An iPad that somebody has keeps its person.</remarks>
public interface IDeviceImportStore
{
    /// <summary>Rows that were never applied go after this.</summary>
    static readonly TimeSpan KeptFor = TimeSpan.FromDays(1);

    /// <summary>All people who can be told by a user name or an address.</summary>
    Task<IReadOnlyList<PersonLogin>> ListLogins(Scope scope);

    /// <summary>Stages a file. Nothing that stands is changed. Drops what is older than <see cref="KeptFor"/>.</summary>
    Task Stage(DeviceImportFile file);

    Task<DeviceImport?> Find(string id);

    /// <summary>What applying it now would do.</summary>
    Task<DeviceImportCounts> Compare(string id);

    /// <summary>The iPads behind the counts, by serial number.</summary>
    Task<IReadOnlyList<DeviceImportChange>> ListChanges(string id, DeviceImportChangeKind kind, string? after, int limit);

    /// <summary>Does it, all or nothing; the staged rows go with it. Applied already: says again what was done. Null: there is none.</summary>
    Task<DeviceImportCounts?> Apply(string id, DateTimeOffset at, string by, AuditRecord? audit);

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
    /// <summary>No serial number twice.</summary>
    public required IReadOnlyList<ImportedDevice> Rows { get; init; }
}

public sealed record DeviceImport(
    string Id, string Notes, DateTimeOffset CreatedAt, string CreatedBy, DateTimeOffset? AppliedAt, string? AppliedBy, DeviceImportCounts? Result);

/// <param name="Added">iPads that were not known.</param>
/// <param name="Changed">Whose name, school or asset tag differs.</param>
/// <param name="Unchanged">That stay as they are.</param>
/// <param name="HandedOut">That get their person now.</param>
/// <param name="Waiting">That get their person when they enrol.</param>
/// <param name="Kept">That another person has. They keep that one.</param>
public sealed record DeviceImportCounts(long Added, long Changed, long Unchanged, long HandedOut, long Waiting, long Kept);

public enum DeviceImportChangeKind
{
    Added,
    Changed,
    HandedOut,
    Waiting,
    Kept,
}

/// <param name="SerialNumber">Of the iPad.</param>
/// <param name="DeviceId">Null: it is not enrolled.</param>
/// <param name="GivenName">Of the person whom the file names.</param>
/// <param name="FamilyName">Likewise.</param>
/// <param name="PersonId">Likewise.</param>
public sealed record DeviceImportChange(string SerialNumber, string? DeviceId, string? PersonId, string? GivenName, string? FamilyName);
