using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Teaching;

/// <summary>The classes that one teaches, by name.</summary>
public sealed record TaughtClassesView
{
    public required IReadOnlyList<TaughtClassView> Items { get; init; }
}

/// <summary>A class that one teaches.</summary>
public sealed record TaughtClassView
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    /// <summary>The name of its school.</summary>
    public required string School { get; init; }
    public required long Pupils { get; init; }
    /// <summary>Enrolled iPads that the pupils have.</summary>
    public required long IPads { get; init; }
    /// <summary>Whether a teacher may act now: within the school's hours, or at any time where it has none.</summary>
    public required bool Lesson { get; init; }
    /// <summary>When the school closes today; null: nobody said, or it is closed.</summary>
    public DateTimeOffset? LessonEnds { get; init; }
}

/// <summary>A class that one teaches, with its pupils and their iPads.</summary>
public sealed record TaughtClassDetailView
{
    public required TaughtClassView Class { get; init; }
    /// <summary>The lock of the class, as long as it runs and a quarter of an hour longer; null: none.</summary>
    public TaughtLockView? Lock { get; init; }
    /// <summary>By family name; a pupil with several iPads stands there for each.</summary>
    public required IReadOnlyList<TaughtPupilView> Items { get; init; }
    /// <summary>iPads in the lock of the class that no pupil of it has now. They can be released.</summary>
    public required IReadOnlyList<TaughtStrayView> Others { get; init; }
}

/// <summary>A class is locked into an app.</summary>
public sealed record TaughtLockView
{
    public required string AppName { get; init; }
    /// <summary>The bundle identifier.</summary>
    public required string BundleId { get; init; }
    /// <summary>false: it is over.</summary>
    public required bool Running { get; init; }
    public required DateTimeOffset EndsAt { get; init; }
    /// <summary>iPads that said that they are locked.</summary>
    public required int Locked { get; init; }
    /// <summary>iPads that are to be locked, and are not yet.</summary>
    public required int Waiting { get; init; }
    /// <summary>iPads that have not said yet that they are released.</summary>
    public required int NotReleased { get; init; }

    /// <summary>By the school's clock.</summary>
    internal string Until { get; init; } = "";
}

/// <summary>How an iPad is in the lock of its class.</summary>
public sealed record TaughtStandingView
{
    [OneOf("locked", "waits", "releasing", "released")]
    public required string State { get; init; }
    /// <summary>Why it is so, in a sentence.</summary>
    public required string Why { get; init; }
}

/// <summary>An iPad in the lock of the class that no pupil of it has now.</summary>
public sealed record TaughtStrayView
{
    public required string Id { get; init; }
    public string? Name { get; init; }
    public required TaughtStandingView Standing { get; init; }
}

/// <summary>The apps that a class can be locked into.</summary>
public sealed record TaughtAppsView
{
    /// <summary>Those on the most iPads of the class first, 60 at most.</summary>
    public required IReadOnlyList<TaughtAppView> Items { get; init; }
}

/// <summary>An app that iPads of the class told.</summary>
public sealed record TaughtAppView
{
    public required string BundleId { get; init; }
    public required string Name { get; init; }
    /// <summary>On so many iPads of the class.</summary>
    public required long IPads { get; init; }
}

/// <summary>Into which app, and for how long.</summary>
public sealed record LessonLockRequest
{
    /// <summary>One of the apps of the class.</summary>
    public required string BundleId { get; init; }
    /// <summary>5 to 120; 45 when absent. It ends when the school closes, if that is earlier.</summary>
    public int? Minutes { get; init; }
}

/// <summary>What was done.</summary>
public sealed record LessonDoneView
{
    /// <summary>For how many iPads.</summary>
    public required long IPads { get; init; }
    /// <summary>What was not done, and why, in sentences.</summary>
    public required IReadOnlyList<string> LeftOut { get; init; }
}

/// <summary>A pupil of one's class.</summary>
public sealed record TaughtPupilView
{
    public required string Name { get; init; }
    /// <summary>What they have; null: no iPad that is enrolled.</summary>
    public TaughtDeviceView? Device { get; init; }
}

/// <summary>The iPad of a pupil.</summary>
public sealed record TaughtDeviceView
{
    public required string Id { get; init; }
    public string? Name { get; init; }
    /// <summary>It was in touch within the last quarter of an hour.</summary>
    public required bool Here { get; init; }
    public DateTimeOffset? LastSeenAt { get; init; }
    /// <summary>0 to 1, as it last said.</summary>
    public double? BatteryLevel { get; init; }
    public required bool IsLost { get; init; }
    /// <summary>Null: it is in no exam, and in no lock of another class.</summary>
    public SelfService.InExamView? Exam { get; init; }
    /// <summary>In the lock of this class; null: it is not in it.</summary>
    public TaughtStandingView? Standing { get; init; }
    /// <summary>Why it cannot be locked; null: it can.</summary>
    public string? WhyNot { get; init; }
    /// <summary>Its passcode can be cleared: the server has what is needed for it.</summary>
    public required bool CanClearPasscode { get; init; }
}
