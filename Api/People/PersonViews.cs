using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.People;

namespace FleetMdm.Api.People;

/// <summary>A person, as a whole.</summary>
public sealed record PersonRequest
{
    [OneOf("pupil", "teacher", "staff")]
    public required string Role { get; init; }
    /// <summary>One of the two names is needed. At most 100 characters.</summary>
    public string? GivenName { get; init; }
    public string? FamilyName { get; init; }
    /// <summary>The id of the school; null: of no school, as the staff of the district.</summary>
    public string? SchoolId { get; init; }
    /// <summary>The id in the school's own system: sourcedId of OneRoster. No two people have the same. At most 100 characters.</summary>
    public string? SourceId { get; init; }
    public string? Username { get; init; }
    public string? Email { get; init; }
    /// <summary>The managed Apple Account. No two people have the same.</summary>
    public string? ManagedAccount { get; init; }
    /// <summary>As the school writes it, for example 7.</summary>
    public string? Grade { get; init; }
    /// <summary>false: the person has left. Absent: true.</summary>
    public bool? Active { get; init; }

    internal bool IsActive => Active ?? true;
}

/// <summary>A person.</summary>
public sealed record PersonView
{
    public required string Id { get; init; }
    /// <summary>One more with each change. The <c>ETag</c> is the same.</summary>
    public required int Version { get; init; }
    [OneOf("pupil", "teacher", "staff")]
    public required string Role { get; init; }
    public required string GivenName { get; init; }
    public required string FamilyName { get; init; }
    public string? SchoolId { get; init; }
    /// <summary>The name of the school.</summary>
    public string? School { get; init; }
    public string? Grade { get; init; }
    public required bool Active { get; init; }
    public DateTimeOffset? LeftAt { get; init; }
    /// <summary>For administrators, as are the next three; null for others.</summary>
    public string? SourceId { get; init; }
    public string? Username { get; init; }
    public string? Email { get; init; }
    public string? ManagedAccount { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }

    internal string Name => $"{GivenName} {FamilyName}".Trim();

    /// <summary>As it stands in a list.</summary>
    internal string NameInList => FamilyName.Length == 0 || GivenName.Length == 0 ? Name : $"{FamilyName}, {GivenName}";

    /// <summary>To be told from namesakes.</summary>
    internal string Words => $"{NameInList}{(Grade is null ? "" : $", {Grade}")}{(School is null ? "" : $", {School}")}";

    internal static PersonView Of(FleetUser reader, Person person, string? school)
    {
        var all = reader.May(Rights.PeopleReadContact);
        return new PersonView
        {
            Id = person.Id,
            Version = person.Version,
            Role = RoleOf(person.Role),
            GivenName = person.GivenName,
            FamilyName = person.FamilyName,
            SchoolId = person.SchoolId,
            School = school,
            Grade = person.Grade,
            Active = person.Active,
            LeftAt = person.LeftAt,
            SourceId = all ? person.SourceId : null,
            Username = all ? person.Username : null,
            Email = all ? person.Email : null,
            ManagedAccount = all ? person.ManagedAccount : null,
            UpdatedAt = person.UpdatedAt,
            UpdatedBy = person.UpdatedBy,
        };
    }

    internal static string RoleOf(PersonRole role) => role.ToString().ToLowerInvariant();
}

/// <summary>The classes of a person.</summary>
public sealed record PersonClassesView
{
    /// <summary>By name; at most 200.</summary>
    public required IReadOnlyList<PersonClassView> Items { get; init; }
}

/// <summary>A class that a person is in.</summary>
public sealed record PersonClassView
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string School { get; init; }
    [OneOf("pupil", "teacher")]
    public required string Role { get; init; }
    public required bool Active { get; init; }

    internal static PersonClassView Of(ClassOfPerson of) =>
        new() { Id = of.Class.Id, Name = of.Class.Name, School = of.School, Role = PersonView.RoleOf(of.Role), Active = of.Class.Active };
}

/// <summary>A class, as a whole, without its people.</summary>
public sealed record ClassRequest
{
    public required string Name { get; init; }
    /// <summary>The id of the school.</summary>
    public required string SchoolId { get; init; }
    public string? Code { get; init; }
    /// <summary>The id in the school's own system: sourcedId of OneRoster. No two classes have the same. At most 100 characters.</summary>
    public string? SourceId { get; init; }
    /// <summary>The last day, for example 2027-06-11.</summary>
    public DateOnly? EndsOn { get; init; }
    /// <summary>false: it has ended. Absent: true.</summary>
    public bool? Active { get; init; }
}

/// <summary>A class.</summary>
public sealed record ClassView
{
    public required string Id { get; init; }
    /// <summary>One more with each change of the class itself. The <c>ETag</c> is the same.</summary>
    public required int Version { get; init; }
    public required string Name { get; init; }
    public required string SchoolId { get; init; }
    /// <summary>The name of the school.</summary>
    public required string School { get; init; }
    public string? Code { get; init; }
    public string? SourceId { get; init; }
    public DateOnly? EndsOn { get; init; }
    public required bool Active { get; init; }
    /// <summary>How many.</summary>
    public required long Pupils { get; init; }
    /// <summary>How many.</summary>
    public required long Teachers { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }

    internal static ClassView Of(ClassRow row) => new()
    {
        Id = row.Class.Id,
        Version = row.Class.Version,
        Name = row.Class.Name,
        SchoolId = row.Class.SchoolId,
        School = row.School,
        Code = row.Class.Code,
        SourceId = row.Class.SourceId,
        EndsOn = row.Class.EndsOn,
        Active = row.Class.Active,
        Pupils = row.Pupils,
        Teachers = row.Teachers,
        UpdatedAt = row.Class.UpdatedAt,
        UpdatedBy = row.Class.UpdatedBy,
    };
}

/// <summary>What a person is in a class.</summary>
public sealed record MemberRequest
{
    [OneOf("pupil", "teacher")]
    public required string Role { get; init; }
}

/// <summary>A person in a class.</summary>
public sealed record MemberView
{
    /// <summary>Pupil or teacher, in this class.</summary>
    [OneOf("pupil", "teacher")]
    public required string Role { get; init; }
    public required PersonView Person { get; init; }

    internal static MemberView Of(FleetUser reader, ClassMember member) =>
        new() { Role = PersonView.RoleOf(member.Role), Person = PersonView.Of(reader, member.Person, member.School) };
}
