using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Schools;

/// <summary>The schools of the district.</summary>
/// <remarks>iPads, invitations and placeholders name their school by its name. A text that is no school's name stands: see <see cref="ListUnknown"/>.</remarks>
public interface ISchoolStore
{
    /// <summary>More than any district has.</summary>
    const int MostSchools = 10_000;

    /// <summary>By name.</summary>
    /// <param name="scope">What the reader's rights cover.</param>
    /// <param name="text">Part of name or code, in any case; null: all.</param>
    /// <param name="archived">Only those that are archived, or that are not; null: all.</param>
    /// <param name="after">The last of the page before.</param>
    /// <param name="limit">At most so many.</param>
    Task<IReadOnlyList<SchoolStanding>> List(Scope scope, string? text, bool? archived, School? after, int limit);

    Task<SchoolStanding?> Find(Scope scope, string id);

    /// <summary>The one that is called so; null: none.</summary>
    Task<School?> FindByName(Scope scope, string name);

    /// <summary>In whatever case.</summary>
    Task<School?> FindByCode(Scope scope, string code);

    /// <summary>A repetition after a lost answer is <see cref="SchoolOutcome.Written"/> too.</summary>
    Task<SchoolOutcome> Create(School school, AuditRecord? audit);

    /// <summary>Writes the whole school, with a version one higher than it stands. A new name goes to its iPads, invitations and placeholders in the same
    /// transaction.</summary>
    Task<SchoolOutcome> Change(Scope scope, School school, AuditRecord? audit);

    /// <summary><see cref="SchoolOutcome.InUse"/>: iPads, people, classes, groups or placeholders are there.</summary>
    Task<SchoolOutcome> Delete(Scope scope, string id, AuditRecord? audit);

    /// <summary>Names of schools that stand on iPads, open invitations and placeholders, and that no school has. Only for the whole district: they are nobody's.</summary>
    Task<IReadOnlyList<UnknownSchool>> ListUnknown(Scope scope, int limit);
}

/// <summary>A school.</summary>
public sealed record School
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    /// <summary>1 for the first, one more with each change.</summary>
    public required int Version { get; init; }
    /// <summary>Unique, as it is written.</summary>
    public required string Name { get; init; }
    /// <summary>A short one; unique in whatever case.</summary>
    public string? Code { get; init; }
    /// <summary>Its id in the system that the people come from.</summary>
    public string? SourceId { get; init; }
    /// <summary>As in the IANA database: <c>Europe/Stockholm</c>.</summary>
    public string? TimeZone { get; init; }
    /// <summary>At most one for each day of the week.</summary>
    public IReadOnlyList<SchoolHours> Hours { get; init; } = [];
    /// <summary>To how many of its iPads an operation may send at once: what its network takes; null: no limit of its own.</summary>
    public int? AtOnce { get; init; }
    public bool Archived { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }
    /// <summary>Where it stands in the list, as the database has it: the database that was upgraded may have folded letters itself.</summary>
    internal string? SortName { get; init; }
}

/// <summary>When a school is open on one day of the week, in its own time zone.</summary>
/// <param name="Day">Of the week.</param>
/// <param name="From">Minutes after midnight.</param>
/// <param name="To">Minutes after midnight; later than <paramref name="From"/>.</param>
public sealed record SchoolHours(DayOfWeek Day, int From, int To);

/// <param name="School">As it stands.</param>
/// <param name="IPads">Enrolled ones.</param>
/// <param name="People">Active ones.</param>
/// <param name="Waiting">Placeholders with its name.</param>
public sealed record SchoolStanding(School School, long IPads, long People, long Waiting);

/// <param name="Name">What stands there.</param>
/// <param name="IPads">On how many enrolled iPads.</param>
/// <param name="Invitations">On how many invitations that are not revoked.</param>
/// <param name="Placeholders">On how many placeholders.</param>
public sealed record UnknownSchool(string Name, long IPads, long Invitations, long Placeholders);

public enum SchoolOutcome
{
    Written,
    NotFound,
    /// <summary>Somebody else has changed it in between.</summary>
    VersionConflict,
    NameTaken,
    CodeTaken,
    SourceTaken,
    InUse,
    TooMany,
}
