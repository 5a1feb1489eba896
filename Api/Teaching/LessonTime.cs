using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Api.Teaching;

/// <summary>Whether it is time for lessons, by the clock on the school's wall. Pure.</summary>
/// <param name="IsOpen">A teacher may act.</param>
/// <param name="Ends">When the school closes today; null: nobody said, or it is closed.</param>
public readonly record struct LessonTime(bool IsOpen, DateTimeOffset? Ends)
{
    /// <param name="hours">Of the school; none: nobody said, and it is open.</param>
    /// <param name="timeZone">Of the school; null, or one that is not known: UTC.</param>
    /// <param name="now">The time.</param>
    public static LessonTime At(IReadOnlyList<SchoolHours> hours, string? timeZone, DateTimeOffset now)
    {
        if (hours.Count == 0) return new LessonTime(true, null);
        var zone = timeZone is not null && TimeZoneInfo.TryFindSystemTimeZoneById(timeZone, out var found) ? found : TimeZoneInfo.Utc;
        var wall = TimeZoneInfo.ConvertTime(now, zone);
        var minutes = wall.TimeOfDay.TotalMinutes;
        return hours.FirstOrDefault(one => one.Day == wall.DayOfWeek) is { } open && minutes >= open.From && minutes < open.To
            ? new LessonTime(true, WeeklyTime.Moments(wall.Date.AddMinutes(open.To), zone).First(moment => moment > now))
            : new LessonTime(false, null);
    }
}
