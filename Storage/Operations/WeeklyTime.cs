namespace FleetMdm.Storage.Operations;

/// <summary>Times by the clock on a wall. Pure.</summary>
public static class WeeklyTime
{
    /// <summary>A week, and a day for what is over today.</summary>
    public const int DaysAhead = 8;

    /// <summary>The next moment, later than another one, at which the clock on the wall says this; once a day. A time that is left out in spring comes when the clock has
    /// been put forward; of an hour that comes twice in autumn, the first counts.</summary>
    /// <param name="minutes">After midnight.</param>
    public static DateTimeOffset Next(int minutes, IReadOnlyCollection<DayOfWeek> days, TimeZoneInfo zone, DateTimeOffset after)
    {
        var today = TimeZoneInfo.ConvertTime(after, zone).Date;
        return Enumerable.Range(0, DaysAhead).Select(ahead => today.AddDays(ahead)).Where(day => days.Contains(day.DayOfWeek))
            .Select(day => Moments(day.AddMinutes(minutes), zone).Min()).First(moment => moment > after);
    }

    /// <summary>When the clock on the wall says this: once, or twice where it was put back.</summary>
    public static IEnumerable<DateTimeOffset> Moments(DateTime wall, TimeZoneInfo zone)
    {
        while (zone.IsInvalidTime(wall)) wall = wall.AddMinutes(1);
        return zone.IsAmbiguousTime(wall)
            ? zone.GetAmbiguousTimeOffsets(wall).Select(offset => new DateTimeOffset(wall, offset).ToUniversalTime())
            : [new DateTimeOffset(wall, zone.GetUtcOffset(wall)).ToUniversalTime()];
    }
}
