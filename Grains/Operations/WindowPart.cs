using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Grains.Operations;

/// <summary>A piece of a week, by the clock on the wall.</summary>
/// <param name="From">Minutes after midnight.</param>
/// <param name="To">Minutes after midnight, at most 1,440.</param>
internal readonly record struct WeeklyRange(DayOfWeek Day, int From, int To);

/// <summary>When iPads of a school may begin. Pure.</summary>
/// <remarks>A moment is inside when the clock on the school's wall says so. So an hour that comes twice in autumn counts twice, and one that is left out in spring
/// not at all: what would open within it opens when the clock has been put forward.</remarks>
internal static class WindowPart
{
    private const int Midnight = 24 * 60;

    /// <param name="hours">Of the school; it has at least one day.</param>
    public static IReadOnlyList<WeeklyRange> Ranges(OperationWindow window, IReadOnlyList<SchoolHours> hours)
    {
        List<WeeklyRange> ranges = [];
        void Add(DayOfWeek day, int from, int to)
        {
            if (from < to) ranges.Add(new WeeklyRange(day, from, to));
        }

        switch (window.Kind)
        {
            case OperationWindowKind.AfterSchoolHours:
                foreach (var day in hours) Add(day.Day, day.To, Midnight);
                break;
            case OperationWindowKind.OutsideLessons:
                foreach (var day in Enum.GetValues<DayOfWeek>())
                {
                    if (hours.FirstOrDefault(one => one.Day == day) is { } open)
                    {
                        Add(day, 0, open.From);
                        Add(day, open.To, Midnight);
                    }
                    else
                    {
                        Add(day, 0, Midnight);
                    }
                }

                break;
            case OperationWindowKind.Daily:
            default:
                foreach (var day in window.Days)
                {
                    if (window.From < window.To)
                    {
                        Add(day, window.From, window.To);
                        continue;
                    }

                    Add(day, window.From, Midnight);
                    Add((DayOfWeek)(((int)day + 1) % 7), 0, window.To);
                }

                break;
        }

        return ranges;
    }

    public static bool IsOpen(IReadOnlyList<WeeklyRange> ranges, TimeZoneInfo zone, DateTimeOffset now)
    {
        var wall = TimeZoneInfo.ConvertTime(now, zone);
        var minutes = wall.TimeOfDay.TotalMinutes;
        return ranges.Any(range => range.Day == wall.DayOfWeek && minutes >= range.From && minutes < range.To);
    }

    /// <summary>The next moment, later than now, at which a range begins; null: never.</summary>
    public static DateTimeOffset? NextOpening(IReadOnlyList<WeeklyRange> ranges, TimeZoneInfo zone, DateTimeOffset now)
    {
        var today = TimeZoneInfo.ConvertTime(now, zone).Date;
        var openings =
            from ahead in Enumerable.Range(0, WeeklyTime.DaysAhead)
            let day = today.AddDays(ahead)
            from range in ranges
            where range.Day == day.DayOfWeek
            from moment in WeeklyTime.Moments(day.AddMinutes(range.From), zone)
            where moment > now && IsOpen(ranges, zone, moment)
            select (DateTimeOffset?)moment;
        return openings.Min();
    }
}
