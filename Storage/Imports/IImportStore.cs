using FleetMdm.Storage.Audit;
using FleetMdm.Storage.People;

namespace FleetMdm.Storage.Imports;

/// <summary>Files of people and classes: staged, compared with what stands, and applied as a whole in one transaction.</summary>
/// <remarks>Only what has an id of the school's own system is compared: who was added by hand is never touched. Nobody is deleted: whom a complete file does not
/// name any more has left.</remarks>
public interface IImportStore
{
    /// <summary>Rows that were never applied go after this.</summary>
    static readonly TimeSpan KeptFor = TimeSpan.FromDays(1);

    /// <summary>Stages a file. Nothing that stands is changed. Drops what is older than <see cref="KeptFor"/>.</summary>
    Task Stage(ImportFile file);

    Task<Import?> Find(string id);

    /// <summary>What applying it now would do.</summary>
    Task<ImportCounts> Compare(string id);

    /// <summary>Staged people whose managed Apple Account another person has, who is not in the file by that id.</summary>
    Task<IReadOnlyList<ImportClash>> FindClashes(string id, int limit);

    /// <summary>The names behind the counts, by id of the school's own system.</summary>
    Task<IReadOnlyList<ImportChange>> ListChanges(string id, ImportChangeKind kind, string? after, int limit);

    /// <summary>Does it, all or nothing; the staged rows go with it. Applied already: says again what was done.</summary>
    /// <param name="id">Of the import.</param>
    /// <param name="removals">How many people leave, as the one who applies it was told; null: they were not told.</param>
    /// <param name="at">Now.</param>
    /// <param name="by">Who.</param>
    /// <param name="audit">Written with it when something changed.</param>
    Task<ImportApplied> Apply(string id, long? removals, DateTimeOffset at, string by, AuditRecord? audit);

    /// <summary>False: there is none, or it was applied.</summary>
    Task<bool> Discard(string id);
}

/// <summary>What a file says.</summary>
public sealed record ImportFile
{
    public required string Id { get; init; }
    public required string Format { get; init; }
    public required bool Complete { get; init; }
    /// <summary>Of <see cref="PersonImportColumns"/>.</summary>
    public required IReadOnlyList<string> Columns { get; init; }
    /// <summary>JSON.</summary>
    public required string Notes { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required IReadOnlyList<ImportedSchool> Schools { get; init; }
    public required IReadOnlyList<ImportedPerson> People { get; init; }
    public required IReadOnlyList<ImportedClass> Classes { get; init; }
    public required IReadOnlyList<ImportedMember> Members { get; init; }
}

/// <summary>Columns of people that a file may or may not have.</summary>
public static class PersonImportColumns
{
    public const string School = "school_id";
    public const string Role = "role";
    public const string Username = "username";
    public const string Email = "email";
    public const string ManagedAccount = "managed_account";
    public const string Grade = "grade";

    public static readonly IReadOnlyList<string> All = [School, Role, Username, Email, ManagedAccount, Grade];
}

/// <param name="Id">Of the school that stands, or that is made.</param>
/// <param name="IsNew">It is made when the file is applied.</param>
public sealed record ImportedSchool(string Id, string? SourceId, string Name, string? Code, bool IsNew);

/// <param name="SourceId">No two have the same.</param>
/// <param name="Active">false: the person has left.</param>
/// <param name="Line">Of the file.</param>
public sealed record ImportedPerson(
    string SourceId, string? SchoolId, PersonRole Role, string GivenName, string FamilyName, string? Username, string? Email, string? ManagedAccount,
    string? Grade, bool Active, int Line);

public sealed record ImportedClass(string SourceId, string SchoolId, string Name, string? Code, DateOnly? EndsOn, bool Active);

/// <param name="Active">false: out of the class.</param>
public sealed record ImportedMember(string ClassSourceId, string PersonSourceId, PersonRole Role, bool Active);

public sealed record Import
{
    public required string Id { get; init; }
    public required string Format { get; init; }
    public required bool Complete { get; init; }
    public required string Notes { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public DateTimeOffset? AppliedAt { get; init; }
    public string? AppliedBy { get; init; }
    /// <summary>Of one that was applied.</summary>
    public ImportCounts? Result { get; init; }
}

/// <summary>How many are new, differ, and go. People who go have left; classes have ended.</summary>
/// <param name="PeopleBefore">Active ones of the file's schools that have an id of the school's own system.</param>
public sealed record ImportCounts(
    long SchoolsAdded, long PeopleAdded, long PeopleChanged, long PeopleRemoved, long PeopleUnchanged, long PeopleBefore,
    long ClassesAdded, long ClassesChanged, long ClassesRemoved, long MembersAdded, long MembersChanged, long MembersRemoved)
{
    /// <summary>It would take away more than a tenth: that is asked again.</summary>
    public bool RemovesMany => PeopleRemoved * 10 > PeopleBefore;

    public bool IsNothing => SchoolsAdded + PeopleAdded + PeopleChanged + PeopleRemoved + ClassesAdded + ClassesChanged + ClassesRemoved
        + MembersAdded + MembersChanged + MembersRemoved == 0;
}

/// <param name="Line">Of the file.</param>
public sealed record ImportClash(string SourceId, int Line);

public enum ImportChangeKind
{
    Added,
    Changed,
    Removed,
}

public sealed record ImportChange(string SourceId, string GivenName, string FamilyName, string? School);

public enum ImportOutcome
{
    Applied,
    NotFound,
    /// <summary>More than a tenth would go, and not as many as was said.</summary>
    RemovesMany,
}

public sealed record ImportApplied(ImportOutcome Outcome, ImportCounts? Counts);
