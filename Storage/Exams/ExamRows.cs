using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Storage.Exams;

/// <summary>What an exam locks iPads into. Stored as a number: never renumber.</summary>
public enum ExamKind : short
{
    OneApp = 1,
    /// <summary>These apps can be used, and no others.</summary>
    SeveralApps = 2,
    /// <summary>The settings of a profile of the library, as it was when the exam was saved.</summary>
    Profile = 3,
}

/// <summary>Stored as a number: never renumber.</summary>
public enum ExamPhase : short
{
    Coming = 0,
    Running = 1,
    /// <summary>Its end has come, or somebody has ended it. iPads may still have to be released.</summary>
    Over = 2,
}

/// <summary>A plan that locks iPads from its beginning to its end.</summary>
public sealed record Exam
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    /// <summary>1 for the first, one more with each change by somebody.</summary>
    public required int Version { get; init; }
    public required string Name { get; init; }
    /// <summary>Only iPads of this school; null: of the whole district.</summary>
    public string? SchoolId { get; init; }
    /// <summary>In the words of the filter; null: only those of classes, and those that were named.</summary>
    public string? Target { get; init; }
    /// <summary>The iPads that pupils of these classes have.</summary>
    public IReadOnlyList<string> ClassIds { get; init; } = [];
    /// <summary>Of these: not those that this finds; null: all of them.</summary>
    public string? Except { get; init; }
    public required ExamKind Kind { get; init; }
    /// <summary>The profile of the library that it was made from.</summary>
    public string? Reference { get; init; }
    /// <summary>As it was asked for, in JSON. It is stored sealed.</summary>
    public required byte[] Asked { get; init; }
    /// <summary>The profile that locks, without its end. It is stored sealed.</summary>
    public required byte[] Profile { get; init; }
    /// <summary>What it asks of an iPad.</summary>
    public IReadOnlyList<ExamNeed> Needs { get; init; } = [];
    public required DateTimeOffset StartsAt { get; init; }
    public required DateTimeOffset EndsAt { get; init; }
    public ExamPhase Phase { get; init; }
    /// <summary>Of the lock: one more when the end is moved.</summary>
    public int Revision { get; init; } = 1;
    /// <summary>Why it could not begin; null: it could, or has not yet.</summary>
    public string? Problem { get; init; }
    /// <summary>Who ended it before its time.</summary>
    public string? EndedBy { get; init; }
    /// <summary>It is the lock of a lesson; null: an exam.</summary>
    public ExamLesson? Lesson { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }
}

/// <summary>A teacher's lesson. Its lock gives way to every exam.</summary>
/// <param name="ClassId">Whose lesson: a class has one lock at a time.</param>
/// <param name="App">The bundle identifier.</param>
/// <param name="AppName">As iPads tell it.</param>
public sealed record ExamLesson(string ClassId, string App, string AppName);

/// <param name="Words">What is told of an iPad that does not meet it.</param>
public sealed record ExamNeed(DeviceRequirement Requirement, string Words);

/// <param name="School">The name of its school; null: it has none.</param>
/// <param name="TimeZone">Of its school; null: the district's.</param>
public sealed record ExamRow(Exam Exam, string? School, string? TimeZone);

/// <summary>How an exam stands on an iPad. Stored as a number: never renumber. Below 10 there is something to do, or to wait for.</summary>
public enum ExamState : short
{
    /// <summary>It is to be locked when it comes.</summary>
    Planned = 1,
    /// <summary>The lock is in its queue.</summary>
    Sent = 2,
    Locked = 3,
    /// <summary>It cannot be locked.</summary>
    NotPossible = 4,
    /// <summary>It refused the lock; it is tried again.</summary>
    Failed = 5,
    /// <summary>It is to be released, and has not said yet that it is.</summary>
    Releasing = 6,
    /// <summary>It said that the lock is gone.</summary>
    Released = 11,
    /// <summary>When it came, the lock was gone: its time had run out on the iPad itself.</summary>
    ReleasedByItself = 12,
    /// <summary>No lock was ever sent to it.</summary>
    NeverLocked = 13,
    /// <summary>It was erased, or left management: the lock went with it.</summary>
    Gone = 14,
}

/// <summary>An exam on an iPad, as it is stored.</summary>
public sealed record ExamStanding
{
    public required string ExamId { get; init; }
    /// <summary>One more with each write: what was changed in between is not written over.</summary>
    public required int Stamp { get; init; }
    public required ExamState State { get; init; }
    /// <summary>Somebody named it; it was not found by the target.</summary>
    public bool Added { get; init; }
    /// <summary>When somebody released this one before the end.</summary>
    public DateTimeOffset? FreedAt { get; init; }
    /// <summary>The lock that was sent last; 0: none ever was.</summary>
    public int Revision { get; init; }
    /// <summary>The lock that the iPad said it has.</summary>
    public int? Installed { get; init; }
    /// <summary>Of the last command for it.</summary>
    public string? CommandUuid { get; init; }
    /// <summary>Failures in a row.</summary>
    public short Attempts { get; init; }
    /// <summary>When the iPad's grain has something to do for it; null: nothing.</summary>
    public DateTimeOffset? DueAt { get; init; }
    /// <summary>When it is to be woken; null: never.</summary>
    public DateTimeOffset? PushAt { get; init; }
    /// <summary>How often it was woken in vain.</summary>
    public short Pushes { get; init; }
    /// <summary>When <see cref="State"/> changed.</summary>
    public required DateTimeOffset ChangedAt { get; init; }
    public DateTimeOffset? LockedAt { get; init; }
    public DateTimeOffset? ReleasedAt { get; init; }
    public string? Reason { get; init; }

    /// <summary>Nothing is left to do.</summary>
    public bool IsDone => State >= ExamState.Released;
}

/// <summary>An exam on an iPad, for its grain: with what it must know of the exam, and what became of the last command.</summary>
/// <param name="Ending">Null: it did not end, or nobody knows of it.</param>
/// <param name="EndedAt">When.</param>
/// <param name="Summary">What the iPad said.</param>
public sealed record ExamStandingRow(
    ExamStanding Standing, string Name, ExamPhase Phase, DateTimeOffset StartsAt, DateTimeOffset EndsAt, int Wanted, CommandEnding? Ending, DateTimeOffset? EndedAt, string? Summary)
{
    /// <summary>It is the lock of a lesson, and gives way to every exam.</summary>
    public bool IsLesson { get; init; }
}

/// <summary>How an exam is to stand on an iPad.</summary>
/// <param name="Before">As it was read.</param>
/// <param name="After">As it is to be; its stamp is written one higher than it was read.</param>
public sealed record ExamChange(ExamStanding Before, ExamStanding After);

/// <summary>For lists: an iPad of an exam, and what is known of why it is as it is.</summary>
public sealed record ExamDeviceRow(ExamStanding Standing, string DeviceId)
{
    public string? DeviceName { get; init; }
    public string? SerialNumber { get; init; }
    public string? School { get; init; }
    public string? Holder { get; init; }
    /// <summary>Null: the iPad is not known any more.</summary>
    public EnrolmentStatus? Status { get; init; }
    public double? BatteryLevel { get; init; }
    public DateTimeOffset? LastSeenAt { get; init; }
    public DateTimeOffset? PushedAt { get; init; }
    public string? PushResult { get; init; }
    public bool PushTokenDead { get; init; }
    /// <summary>Its command is in the queue.</summary>
    public bool Waits { get; init; }
    public int NotNowCount { get; init; }
    public DateTimeOffset? NotNowAt { get; init; }
    public int UnansweredCount { get; init; }

    /// <summary>An iPad that was erased or left counts as gone, before anybody has written it down.</summary>
    public ExamState Shown => !Standing.IsDone && Status is not (EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled) ? ExamState.Gone : Standing.State;
}

/// <param name="ExamId">Which.</param>
/// <param name="State">As it is shown.</param>
/// <param name="Count">How many iPads.</param>
public sealed record ExamCount(string ExamId, ExamState State, long Count);

/// <summary>An exam that an iPad is in, as lists show it: without what it sends.</summary>
/// <param name="TimeZone">Of its school; null: the district's.</param>
public sealed record ExamOfDevice(
    string DeviceId, string ExamId, string Name, string? SchoolId, ExamPhase Phase, DateTimeOffset StartsAt, DateTimeOffset EndsAt, bool IsLesson, string? TimeZone, ExamStanding Standing);

/// <summary>What became of the lock of a lesson.</summary>
/// <param name="Count">iPads that were put in; 0: all of them were locked already.</param>
/// <param name="Standing">The lock of the class that stands; null: none.</param>
/// <param name="Held">iPads that are in an exam, which comes first.</param>
public sealed record LessonLocked(ExamOutcome Outcome, long Count, Exam? Standing, IReadOnlyList<string> Held);

/// <summary>Which iPads an exam is for.</summary>
/// <param name="Filter">In the words of the filter; null: only those of classes, and those that are named.</param>
/// <param name="ClassIds">The iPads that pupils of these classes have.</param>
/// <param name="Except">Not those that this finds; null: all of them.</param>
/// <param name="SchoolId">Only iPads of this school.</param>
/// <param name="DeviceIds">Named one by one.</param>
public sealed record ExamTarget(string? Filter, IReadOnlyList<string> ClassIds, string? Except, string? SchoolId, IReadOnlyList<string> DeviceIds, DateTimeOffset Now);

/// <summary>What an exam would do, if it began now.</summary>
/// <param name="Total">Enrolled iPads that it would be for.</param>
/// <param name="Fits">Of these, those that can be locked.</param>
/// <param name="Reasons">Why others cannot.</param>
/// <param name="Overlaps">Exams at the same time that some of these are in as well.</param>
/// <param name="NotCompared">Exams at the same time beyond those that were compared.</param>
/// <param name="LockedByAssignment">iPads that are locked into an app by something that is assigned to them.</param>
/// <param name="WithoutApp">iPads whose list of apps lacks the app.</param>
/// <param name="Examples">Some of the total.</param>
public sealed record ExamPlan(
    long Total, long Fits, IReadOnlyList<OperationReason> Reasons, IReadOnlyList<ExamOverlap> Overlaps, long NotCompared, long LockedByAssignment, long WithoutApp, IReadOnlyList<LeftOutRow> Examples);

/// <param name="Devices">How many iPads are in both.</param>
public sealed record ExamOverlap(string ExamId, string Name, DateTimeOffset StartsAt, DateTimeOffset EndsAt, long Devices);

public enum ExamOutcome
{
    Written,
    NotFound,
    /// <summary>Somebody else has changed it in between.</summary>
    VersionConflict,
    TooMany,
    TooManyDevices,
    UnknownSchool,
    /// <summary>It would begin at once, for no iPad.</summary>
    Nobody,
    /// <summary>It runs, or is over: it cannot be changed like that any more.</summary>
    HasBegun,
    /// <summary>It does not run: there is no end to move, and nobody to add.</summary>
    NotRunning,
    /// <summary>iPads of it are not released yet.</summary>
    NotReleased,
    /// <summary>The class is locked into another app.</summary>
    OtherApp,
}

/// <param name="Begun">Exams that began.</param>
/// <param name="Ended">Exams that ended.</param>
public sealed record ExamTurn(int Begun, int Ended);
