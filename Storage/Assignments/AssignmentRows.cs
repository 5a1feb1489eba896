using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Storage.Assignments;

/// <summary>The commands that bring and take what is assigned, told by how their CommandUUID begins.</summary>
public static class AssignmentCommands
{
    public const string Bringing = "F1EE7001-";
    public const string Taking = "F1EE7002-";

    /// <summary>How many digits of the id of its assignment a CommandUUID ends with.</summary>
    internal const int EndsWith = 12;

    /// <summary>In SQL: when the iPad of the row x has something to do for it. A command that ended, or was lost, while nobody took note of it (its node died in between) is looked after at once.</summary>
    internal static string DueAt(string atOnce, string never) => $"""
        CASE WHEN x.state IN (2, 7) AND (x.command_uuid LIKE '{Bringing}%' OR x.command_uuid LIKE '{Taking}%')
            AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.command_uuid = x.command_uuid AND q.enrolment_id = x.device_id)
          THEN {atOnce} ELSE coalesce(x.due_at, {never}) END
        """;
}

/// <summary>What is assigned. Stored as a number: never renumber.</summary>
public enum AssignmentKind : short
{
    /// <summary>A profile of the library, always in its newest version.</summary>
    Profile = 1,
    App = 2,
    /// <summary>One item of the command Settings.</summary>
    Setting = 3,
    /// <summary>A configuration or a management declaration, with its assets.</summary>
    Declaration = 4,
    /// <summary>A declaration that an iPad has a version of iPadOS at a time.</summary>
    SoftwareUpdate = 5,
    /// <summary>What Apple's Classroom needs, of each iPad's own classes. There is one at most, which nobody writes: <see cref="Classroom.IClassroomStore"/> does.</summary>
    Classroom = 6,
    /// <summary>How Shared iPads work: the item SharedDeviceConfiguration of the command Settings.</summary>
    SharedIPad = 7,
}

/// <summary>To whom an assignment goes. Stored as a number: never renumber.</summary>
public enum AssignmentChannel : short
{
    Device = 1,
    /// <summary>To each user of the Shared iPads that it is for. How it stands is kept for each user, by the user's own enrolment.</summary>
    User = 2,
}

public static class AssignmentKinds
{
    /// <summary>An iPad fetches it by itself: no command brings it.</summary>
    public static bool IsDeclared(this AssignmentKind kind) => kind is AssignmentKind.Declaration or AssignmentKind.SoftwareUpdate;
}

/// <summary>Stored as a number: never renumber.</summary>
public enum AssignmentPhase : short
{
    /// <summary>It has not begun.</summary>
    Coming = 0,
    InForce = 1,
    /// <summary>It is over, or was deleted.</summary>
    Over = 2,
}

/// <summary>What iPads should have.</summary>
public sealed record Assignment
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    /// <summary>1 for the first, one more with each change.</summary>
    public required int Version { get; init; }
    /// <summary>Unique, in whatever case.</summary>
    public required string Name { get; init; }
    public required AssignmentKind Kind { get; init; }
    public AssignmentChannel Channel { get; init; } = AssignmentChannel.Device;
    /// <summary>Two assignments of the same item want the same thing on an iPad: <c>profile:</c>, <c>app:</c>, <c>setting:</c>, <c>declaration:</c>, <c>update:</c> or <c>classroom:</c> and what it is.</summary>
    public required string Item { get; init; }
    /// <summary>The id of the profile, or of the app of this server; null: an app of the App Store, or a setting.</summary>
    public string? Reference { get; init; }
    /// <summary>The bundle identifier that RemoveApplication names; null: it cannot be removed, or is a profile.</summary>
    public string? Removal { get; init; }
    /// <summary>The licence of Apps and Books that an iPad needs first; null: none.</summary>
    public AssignedLicence? Licence { get; init; }
    /// <summary>The Command dictionary, or the declaration; null: a profile. It is stored sealed.</summary>
    public byte[]? Command { get; init; }
    /// <summary>As it was asked for, in JSON; null: a profile. It is stored sealed.</summary>
    public byte[]? Asked { get; init; }
    /// <summary>Of the command: one more when it changes.</summary>
    public int Revision { get; init; } = 1;
    /// <summary>In the words of the filter; null: all enrolled iPads.</summary>
    public string? Target { get; init; }
    /// <summary>Of these: not those that this finds; null: all of them.</summary>
    public string? Except { get; init; }
    /// <summary>Only iPads of this school; null: of the whole district.</summary>
    public string? SchoolId { get; init; }
    /// <summary>It stays on an iPad that it is not for any more.</summary>
    public bool Keep { get; init; }
    public DateTimeOffset? StartsAt { get; init; }
    public DateTimeOffset? EndsAt { get; init; }
    public AssignmentPhase Phase { get; init; }
    /// <summary>Null: it comes to all its iPads at once. Whoever writes one in no wave begins it anew; otherwise how far it is stays as it is.</summary>
    public AssignmentRollOut? RollOut { get; init; }
    public DateTimeOffset? DeletedAt { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }
}

/// <param name="School">The name of its school; null: it has none.</param>
/// <param name="ProfileVersion">The newest version of its profile; null: it is none, or the profile is gone.</param>
/// <param name="ProfileName">Likewise its name.</param>
public sealed record AssignmentRow(Assignment Assignment, string? School, int? ProfileVersion, string? ProfileName)
{
    /// <summary>What an iPad should have: grows when it changes.</summary>
    public int Wanted => Assignment.Kind == AssignmentKind.Profile ? ProfileVersion ?? 0 : Assignment.Revision;
}

/// <summary>How an assignment stands on an iPad. Stored as a number: never renumber.</summary>
public enum AssignmentState : short
{
    /// <summary>The iPad has to come, or something else has to be done first.</summary>
    Waiting = 1,
    /// <summary>The command is in the iPad's queue.</summary>
    Sent = 2,
    Installed = 3,
    /// <summary>The iPad refused it; it is tried again.</summary>
    Failed = 4,
    /// <summary>This iPad cannot have it.</summary>
    NotApplicable = 5,
    /// <summary>It is to go; the iPad has to come.</summary>
    Leaving = 6,
    /// <summary>The command that removes it is in the iPad's queue.</summary>
    Removing = 7,
    /// <summary>The iPad refused to remove it; it is tried again.</summary>
    RemovalFailed = 8,
}

/// <summary>An assignment on an iPad, as it is stored.</summary>
public sealed record AssignmentStanding
{
    public required string AssignmentId { get; init; }
    public required AssignmentState State { get; init; }
    /// <summary>What was sent last; 0: nothing.</summary>
    public int Revision { get; init; }
    /// <summary>What the iPad has; null: nothing.</summary>
    public int? Installed { get; init; }
    /// <summary>Of the last command for it.</summary>
    public string? CommandUuid { get; init; }
    /// <summary>Failures in a row.</summary>
    public short Attempts { get; init; }
    /// <summary>When the iPad's grain has something to do for it; null: nothing.</summary>
    public DateTimeOffset? DueAt { get; init; }
    public required DateTimeOffset ChangedAt { get; init; }
    public string? Reason { get; init; }
}

/// <summary>An assignment on an iPad, with what became of its last command.</summary>
/// <param name="Ending">Null: it did not end, or nobody knows of it.</param>
/// <param name="EndedAt">When.</param>
/// <param name="Summary">What the iPad said.</param>
public sealed record AssignmentStandingRow(AssignmentStanding Standing, Devices.CommandEnding? Ending, DateTimeOffset? EndedAt, string? Summary);

/// <summary>How an assignment is to stand on an iPad.</summary>
/// <param name="Before">As it was read; null: there was none.</param>
/// <param name="After">As it is to be; null: the iPad has nothing to do with it any more.</param>
public sealed record AssignmentChange(AssignmentStanding? Before, AssignmentStanding? After);

/// <summary>For lists.</summary>
/// <param name="EnrolmentId">Whose standing it is: the iPad's, or that of one of its users.</param>
/// <param name="UserName">Of that user; null: it is the iPad's.</param>
public sealed record AssignmentDeviceRow(
    AssignmentStanding Standing, string EnrolmentId, string DeviceId, string? UserName, string? DeviceName, string? SerialNumber, string? School, DateTimeOffset? LastSeenAt);

/// <summary>What one user of a Shared iPad should have.</summary>
/// <param name="UserId">Of the user's channel.</param>
public sealed record AssignmentUserRow(string UserId, AssignmentStanding Standing, string Name, string? ProfileName);

/// <summary>A command for an assignment that has ended on an iPad: the history of commands, as it is.</summary>
/// <param name="Sequence">Its place in the history.</param>
/// <param name="Takes">It took something away.</param>
/// <param name="SentAt">When it was put into the iPad's queue.</param>
/// <param name="Assignment">For which; null: it is forgotten, or was sent by a version of the server that did not say so.</param>
public sealed record AssignmentHistoryRow(
    long Sequence, string CommandUuid, string RequestType, bool Takes, DateTimeOffset SentAt, DateTimeOffset EndedAt, Devices.CommandEnding Ending, string? Summary, AssignmentRow? Assignment);

/// <param name="AssignmentId">Which.</param>
/// <param name="State">Which.</param>
/// <param name="Count">How many enrolled iPads.</param>
public sealed record AssignmentCount(string AssignmentId, AssignmentState State, long Count);

/// <summary>What an assignment would do, now.</summary>
/// <param name="Total">Enrolled iPads that it would be for; of one for users: the users.</param>
/// <param name="Fits">Of these, those that can have it.</param>
/// <param name="Reasons">Why others cannot.</param>
/// <param name="Arriving">How many it is not for now.</param>
/// <param name="Leaving">How many it is for now, and would not be any more.</param>
/// <param name="Examples">Some of the total.</param>
/// <param name="LeavingExamples">Some of those.</param>
public sealed record AssignmentPlan(
    long Total, long Fits, IReadOnlyList<OperationReason> Reasons, long Arriving, long Leaving, IReadOnlyList<LeftOutRow> Examples, IReadOnlyList<LeftOutRow> LeavingExamples)
{
    /// <summary>iPads of the total that lack the licence; 0: it needs none.</summary>
    public long WithoutLicence { get; init; }

    /// <summary>Other iPads that wait for the same licence.</summary>
    public long OthersWaiting { get; init; }

    /// <summary>Of one for users: the enrolled iPads whose users it would be for; 0: it is for iPads.</summary>
    public long IPads { get; init; }

    /// <summary>Of these: those that are not shared, or have not said so. Nobody on them can have it.</summary>
    public long NotShared { get; init; }
}

public enum AssignmentOutcome
{
    Written,
    NotFound,
    /// <summary>Somebody else has changed it in between.</summary>
    VersionConflict,
    NameTaken,
    TooMany,
    UnknownSchool,
    /// <summary>The profile or the app is not there any more.</summary>
    UnknownReference,
}
