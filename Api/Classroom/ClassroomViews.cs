using FleetMdm.Api.Assignments;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Classroom;
using FleetMdm.Storage.People;

namespace FleetMdm.Api.Classroom;

/// <summary>Whether a school uses Apple's Classroom.</summary>
public sealed record ClassroomRequest
{
    /// <summary>false: the profile is removed from iPads that have no class of another school.</summary>
    public required bool On { get; init; }
}

/// <summary>Apple's Classroom at a school.</summary>
public sealed record ClassroomSchoolView
{
    public required string SchoolId { get; init; }
    public required string School { get; init; }
    public required bool On { get; init; }
    /// <summary>Null: it is off.</summary>
    public DateTimeOffset? SwitchedAt { get; init; }
    public string? SwitchedBy { get; init; }
    /// <summary>Enrolled iPads of people who teach a class.</summary>
    public required ClassroomCountsView TeacherIPads { get; init; }
    /// <summary>Enrolled iPads of pupils who are in a class.</summary>
    public required ClassroomCountsView PupilIPads { get; init; }
    /// <summary>Active classes in which no teacher has an enrolled iPad: Classroom shows them nowhere.</summary>
    public required long ClassesWithoutTeacherIPad { get; init; }
}

/// <summary>How the profile stands, in numbers of iPads. An iPad with classes of two schools counts in both.</summary>
public sealed record ClassroomCountsView
{
    /// <summary>The profile of now, or an earlier one that is being replaced.</summary>
    public required long Installed { get; init; }
    /// <summary>The iPad has to come, or works on it.</summary>
    public required long Waiting { get; init; }
    /// <summary>The iPad refused it; it is tried again.</summary>
    public required long Failed { get; init; }
    /// <summary>The iPad cannot have it.</summary>
    public required long Cannot { get; init; }

    internal static ClassroomCountsView Of(IEnumerable<ClassroomCount> counts)
    {
        long installed = 0, waiting = 0, failed = 0, cannot = 0;
        foreach (var one in counts)
        {
            switch (one.State)
            {
                case AssignmentState.Installed: installed += one.Count; break;
                case AssignmentState.Failed: failed += one.Count; break;
                case AssignmentState.NotApplicable: cannot += one.Count; break;
                default: waiting += one.Count; break;
            }
        }

        return new ClassroomCountsView { Installed = installed, Waiting = waiting, Failed = failed, Cannot = cannot };
    }
}

/// <summary>A class that nobody can teach with Classroom.</summary>
public sealed record ClassroomClassView
{
    public required string Id { get; init; }
    public required string Name { get; init; }

    internal static ClassroomClassView Of(SchoolClass one) => new() { Id = one.Id, Name = one.Name };
}

/// <summary>Apple's Classroom on an iPad.</summary>
public sealed record ClassroomDeviceView
{
    public required string DeviceId { get; init; }
    public string? DeviceName { get; init; }
    public string? SerialNumber { get; init; }
    /// <summary>teacher or pupil; null: it should have no profile.</summary>
    [OneOf("teacher", "pupil")]
    public string? Role { get; init; }
    /// <summary>Of how many classes the profile tells.</summary>
    public int Classes { get; init; }
    /// <summary>How many people it names.</summary>
    public int People { get; init; }
    /// <summary>waiting, sent, installed, failed, notApplicable, leaving, removing, removalFailed, or none.</summary>
    public required string State { get; init; }
    public DateTimeOffset? Since { get; init; }
    /// <summary>A sentence: how it is, and why not yet.</summary>
    public required string Words { get; init; }
    public DateTimeOffset? TriedAgainAt { get; init; }
    /// <summary>Of the identity in the profile that was sent last. It is renewed by itself.</summary>
    public DateTimeOffset? CertificateEndsAt { get; init; }

    internal const string None = "none";

    internal static ClassroomDeviceView Of(ClassroomDeviceRow row) => Of(row.DeviceId, row.DeviceName, row.SerialNumber, row.Device, row.Standing, null);

    internal static ClassroomDeviceView Of(string id, string? name, string? serial, ClassroomDevice? wanted, AssignmentStanding? standing, string? words) => new()
    {
        DeviceId = id,
        DeviceName = name,
        SerialNumber = serial,
        Role = wanted is null ? null : wanted.Role == PersonRole.Teacher ? "teacher" : "pupil",
        Classes = wanted?.Classes ?? 0,
        People = wanted?.People ?? 0,
        State = standing is not null ? AssignmentWords.State(standing.State) : wanted is null ? None : AssignmentWords.State(wanted.Problem is null ? AssignmentState.Waiting : AssignmentState.NotApplicable),
        Since = standing?.ChangedAt,
        Words = standing is not null ? AssignmentWords.Sentence(standing) : wanted is not null ? wanted.Problem ?? "It is sent when the iPad comes." : words ?? "",
        TriedAgainAt = standing is null ? null : AssignmentWords.TriedAgainAt(standing),
        CertificateEndsAt = wanted?.CertificateEndsAt,
    };

    internal static string Shown(string state) => state == None ? "Not for this iPad" : AssignmentWords.Shown(state);
}
