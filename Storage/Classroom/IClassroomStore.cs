using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.People;

namespace FleetMdm.Storage.Classroom;

/// <summary>Apple's Classroom: which schools use it, and what each iPad should know of its classes.</summary>
/// <remarks>
/// An iPad has a row here when its holder teaches, or is a pupil in, a class of a school that uses Classroom. How it stands on the iPad is a standing of the one assignment
/// <see cref="AssignmentId"/>, written in the same transaction: from there on it goes the way of every assignment.
/// </remarks>
public interface IClassroomStore
{
    /// <summary>There is one, made when the first school is switched on.</summary>
    const string AssignmentId = "c1a55000-0000-4000-8000-000000000001";

    /// <summary>Which an iPad can tell apart: the number is 16 bits wide, and 0 is none.</summary>
    const int MostBeacons = 65_535;

    // ---- for people ----

    /// <summary>By name, without archived ones that do not use it.</summary>
    Task<IReadOnlyList<ClassroomSchool>> ListSchools(Scope scope, ClassroomSchool? after, int limit);

    Task<ClassroomSchool?> FindSchool(Scope scope, string schoolId);

    /// <summary>Switches a school on or off.</summary>
    /// <returns>Null: there is no such school; false: it was so already, and nothing is recorded.</returns>
    Task<bool?> Switch(Scope scope, string schoolId, bool on, DateTimeOffset at, string by, AuditRecord? audit);

    /// <summary>Enrolled iPads of these schools, by state. An iPad of two schools counts in both.</summary>
    Task<IReadOnlyList<ClassroomCount>> Count(Scope scope, IReadOnlyList<string> schoolIds);

    /// <summary>Active classes in which no teacher has an enrolled iPad, by school.</summary>
    Task<IReadOnlyDictionary<string, long>> CountWithoutTeacher(IReadOnlyList<string> schoolIds, DateOnly today);

    /// <summary>The same by name.</summary>
    Task<IReadOnlyList<SchoolClass>> ListWithoutTeacher(Scope scope, string schoolId, DateOnly today, SchoolClass? after, int limit);

    /// <summary>Enrolled iPads of a school, by id.</summary>
    /// <param name="state">Only these; null: all.</param>
    Task<IReadOnlyList<ClassroomDeviceRow>> ListDevices(Scope scope, string schoolId, AssignmentState? state, string? after, int limit);

    // ---- for the grains ----

    /// <summary>What this iPad should have; null: nothing.</summary>
    Task<ClassroomDevice?> Find(string deviceId);

    /// <summary>Whether any school uses it, or an iPad still has a row of it.</summary>
    Task<bool> IsUsed();

    /// <summary>iPads whose profile may tell of this class, person, iPad or school now, or did.</summary>
    Task<IReadOnlyList<string>> ListTouched(ClassroomThing thing, string id);

    /// <summary>All iPads that have a holder or a row, by id.</summary>
    Task<IReadOnlyList<string>> ListAll(string? after, int limit);

    /// <summary>Gives a number to each class of a school that uses Classroom and has none, and takes those of classes that are over. A class without a number finds none free.</summary>
    Task NumberClasses(DateOnly today);

    /// <summary>Who has these iPads, and their classes, with the people that the holder's iPad may know. iPads without are left out.</summary>
    Task<IReadOnlyList<ClassroomFacts>> ReadFacts(IReadOnlyList<string> deviceIds, DateOnly today);

    /// <summary>Writes what these iPads should have; those without get nothing, and lose what they have. Equal content changes nothing.</summary>
    /// <returns>For how many iPads there is something to do.</returns>
    Task<long> Write(IReadOnlyList<string> deviceIds, IReadOnlyList<ClassroomWish> wishes, DateTimeOffset now);

    /// <summary>A profile was made: until when its certificate is good, and what it says. If that is not what was worked out last, the next look finds a change, whatever it works out.</summary>
    Task Issued(string deviceId, int revision, byte[] content, DateTimeOffset endsAt);

    /// <summary>Has those renewed whose certificate ends before this time.</summary>
    /// <returns>How many of at most <paramref name="limit"/>.</returns>
    Task<long> RenewCertificates(DateTimeOffset before, DateTimeOffset now, int limit);
}

public enum ClassroomThing
{
    Class,
    Person,
    Device,
}

/// <param name="SortName">Its place in the list, with the id.</param>
/// <param name="On">It uses Classroom.</param>
public sealed record ClassroomSchool(string Id, string Name, string SortName, bool On, DateTimeOffset? SwitchedAt, string? SwitchedBy);

/// <param name="Role">Of the holder.</param>
/// <param name="State">On the iPad; null: the iPad's rows say nothing yet.</param>
public sealed record ClassroomCount(string SchoolId, PersonRole Role, AssignmentState? State, long Count);

/// <summary>For lists.</summary>
public sealed record ClassroomDeviceRow(string DeviceId, string? DeviceName, string? SerialNumber, ClassroomDevice Device, AssignmentStanding? Standing);

/// <summary>What an iPad should have.</summary>
/// <param name="Role">Of the holder: a teacher of any class is a teacher.</param>
/// <param name="Classes">How many it tells of.</param>
/// <param name="People">How many it names.</param>
/// <param name="Problem">Why there can be no profile; null: there can.</param>
/// <param name="CertificateEndsAt">Of the one that was sent last; null: none was sent.</param>
public sealed record ClassroomDevice(string PersonId, PersonRole Role, int Revision, int Classes, int People, string? Problem, DateTimeOffset? CertificateEndsAt);

/// <summary>What is known for one iPad.</summary>
public sealed record ClassroomFacts(string DeviceId, ClassroomPersonRow Holder, IReadOnlyList<ClassroomGroupRow> Groups);

public sealed record ClassroomPersonRow(string Id, string GivenName, string FamilyName);

/// <param name="Beacon">Null: no number is free.</param>
/// <param name="Teachers">By id.</param>
/// <param name="Pupils">By id; only where the holder teaches, otherwise the holder alone.</param>
public sealed record ClassroomGroupRow(string ClassId, string Name, int? Beacon, PersonRole Role, IReadOnlyList<ClassroomPersonRow> Teachers, IReadOnlyList<ClassroomPersonRow> Pupils);

/// <summary>What an iPad should have, as it was worked out.</summary>
/// <param name="Content">SHA-256.</param>
public sealed record ClassroomWish(string DeviceId, string PersonId, PersonRole Role, byte[] Content, int People, string? Problem, IReadOnlyList<string> ClassIds);
