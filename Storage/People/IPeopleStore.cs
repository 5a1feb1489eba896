using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.People;

/// <summary>Pupils, teachers and staff. Whom the rights cover: who is at a school of the scope, or in a class of one.</summary>
public interface IPeopleStore
{
    /// <summary>By family name.</summary>
    /// <param name="scope">What the reader's rights cover.</param>
    /// <param name="filter">All parts that are set must hold.</param>
    /// <param name="after">The last of the page before.</param>
    /// <param name="limit">At most so many.</param>
    Task<IReadOnlyList<PersonRow>> List(Scope scope, PersonFilter filter, Person? after, int limit);

    Task<PersonRow?> Find(Scope scope, string id);

    /// <summary>Whose managed Apple Accounts these are, in whatever case. An account that nobody of the scope has finds nobody.</summary>
    Task<IReadOnlyList<Person>> ListByAccounts(Scope scope, IReadOnlyList<string> accounts);

    /// <summary>A repetition after a lost answer is <see cref="PersonOutcome.Written"/> too.</summary>
    Task<PersonOutcome> Create(Scope scope, Person person, AuditRecord? audit);

    /// <summary>Writes the whole person, with a version one higher than it stands.</summary>
    Task<PersonOutcome> Change(Scope scope, Person person, AuditRecord? audit);

    /// <summary>Nothing of the person stays here, but the records of what was done: they name the id only.</summary>
    Task<PersonOutcome> Delete(Scope scope, string id, AuditRecord? audit);

    /// <summary>Of one person, by name; those that the scope covers.</summary>
    Task<IReadOnlyList<ClassOfPerson>> ListClasses(Scope scope, string personId, int limit);
}

/// <summary>Classes, and who is in them.</summary>
public interface IClassStore
{
    /// <summary>By name.</summary>
    /// <param name="scope">What the reader's rights cover.</param>
    /// <param name="filter">All parts that are set must hold.</param>
    /// <param name="after">The last of the page before.</param>
    /// <param name="limit">At most so many.</param>
    Task<IReadOnlyList<ClassRow>> List(Scope scope, ClassFilter filter, SchoolClass? after, int limit);

    Task<ClassRow?> Find(Scope scope, string id);

    Task<PersonOutcome> Create(Scope scope, SchoolClass @class, AuditRecord? audit);

    Task<PersonOutcome> Change(Scope scope, SchoolClass @class, AuditRecord? audit);

    /// <summary>Its people stay.</summary>
    Task<PersonOutcome> Delete(Scope scope, string id, AuditRecord? audit);

    /// <summary>By family name.</summary>
    Task<IReadOnlyList<ClassMember>> ListMembers(Scope scope, string classId, Person? after, int limit);

    /// <summary>Puts a person into a class, or changes what they are there.</summary>
    Task<PersonOutcome> SetMember(Scope scope, string classId, string personId, PersonRole role, AuditRecord? audit);

    Task<PersonOutcome> RemoveMember(Scope scope, string classId, string personId, AuditRecord? audit);
}

/// <summary>Stored as a number: never renumber.</summary>
public enum PersonRole : short
{
    Pupil = 1,
    Teacher = 2,
    Staff = 3,
}

public sealed record Person
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    /// <summary>1 for the first, one more with each change.</summary>
    public required int Version { get; init; }
    /// <summary>Null: of no school, as the staff of the district.</summary>
    public string? SchoolId { get; init; }
    public required PersonRole Role { get; init; }
    /// <summary>One of the two names may be empty.</summary>
    public required string GivenName { get; init; }
    public required string FamilyName { get; init; }
    /// <summary>In the school's own system; unique.</summary>
    public string? SourceId { get; init; }
    public string? Username { get; init; }
    public string? Email { get; init; }
    /// <summary>Managed Apple Account; unique in whatever case.</summary>
    public string? ManagedAccount { get; init; }
    public string? Grade { get; init; }
    public bool Active { get; init; } = true;
    /// <summary>Since when they are not active.</summary>
    public DateTimeOffset? LeftAt { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }
}

/// <param name="Person">As it stands.</param>
/// <param name="School">The name of the school; null: of none.</param>
public sealed record PersonRow(Person Person, string? School);

public sealed record PersonFilter
{
    /// <summary>Part of the name; unless <see cref="NamesOnly"/>, of an id or an address too. In any case.</summary>
    public string? Text { get; init; }
    public bool NamesOnly { get; init; }
    public string? SchoolId { get; init; }
    public PersonRole? Role { get; init; }
    public bool? Active { get; init; }
}

public sealed record SchoolClass
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    public required int Version { get; init; }
    public required string SchoolId { get; init; }
    public required string Name { get; init; }
    public string? Code { get; init; }
    /// <summary>In the school's own system; unique.</summary>
    public string? SourceId { get; init; }
    /// <summary>The last day.</summary>
    public DateOnly? EndsOn { get; init; }
    public bool Active { get; init; } = true;
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }
}

/// <param name="Class">As it stands.</param>
/// <param name="School">The name of the school.</param>
/// <param name="Pupils">How many.</param>
/// <param name="Teachers">How many.</param>
public sealed record ClassRow(SchoolClass Class, string School, long Pupils, long Teachers);

public sealed record ClassFilter
{
    /// <summary>Part of name or code, in any case.</summary>
    public string? Text { get; init; }
    public string? SchoolId { get; init; }
    public bool? Active { get; init; }
}

/// <param name="Person">Who.</param>
/// <param name="School">The name of their school.</param>
/// <param name="Role">Pupil or teacher, in this class.</param>
public sealed record ClassMember(Person Person, string? School, PersonRole Role);

/// <param name="Class">Which.</param>
/// <param name="School">The name of its school.</param>
/// <param name="Role">Pupil or teacher.</param>
public sealed record ClassOfPerson(SchoolClass Class, string School, PersonRole Role);

public enum PersonOutcome
{
    Written,
    NotFound,
    /// <summary>Somebody else has changed it in between.</summary>
    VersionConflict,
    /// <summary>The rights cover no such school.</summary>
    NoSchool,
    /// <summary>There is no such person, for one who is put into a class.</summary>
    NoPerson,
    SourceTaken,
    AccountTaken,
}
