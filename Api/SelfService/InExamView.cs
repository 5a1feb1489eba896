using FleetMdm.Api.Exams;

namespace FleetMdm.Api.SelfService;

/// <summary>An exam that holds an iPad now.</summary>
public sealed record InExamView
{
    public required string Name { get; init; }
    public required DateTimeOffset EndsAt { get; init; }
    /// <summary>It is the lock of a teacher's lesson.</summary>
    public required bool Lesson { get; init; }

    /// <summary>By the school's clock.</summary>
    internal string Until { get; init; } = "";

    internal string Words => Lesson ? $"Locked for the lesson {Name} until {Until}" : $"In the exam {Name} until {Until}";

    /// <summary>Locked, or about to be; null: no exam holds it.</summary>
    internal static InExamView? Of(IReadOnlyList<ExamTile> tiles, string deviceId, DateTimeOffset now) =>
        tiles.FirstOrDefault(one => one.DeviceId == deviceId && (one.State is "sent" or "locked") && one.EndsAt > now) is not { } tile ? null : new InExamView
        {
            Name = tile.Name,
            EndsAt = tile.EndsAt,
            Lesson = tile.IsLesson,
            Until = ExamWords.Clock(tile.EndsAt, tile.TimeZone is { } name && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : TimeZoneInfo.Utc, now),
        };
}
