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
    /// <summary>By family name; a pupil with several iPads stands there for each.</summary>
    public required IReadOnlyList<TaughtPupilView> Items { get; init; }
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
    /// <summary>Null: it is in no exam now.</summary>
    public SelfService.InExamView? Exam { get; init; }
    /// <summary>Its passcode can be cleared: the server has what is needed for it.</summary>
    public required bool CanClearPasscode { get; init; }
}
