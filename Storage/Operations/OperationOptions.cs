using System.Globalization;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Operations;

/// <summary>Section <c>Operations</c>.</summary>
public sealed class OperationOptions
{
    public const string Section = "Operations";

    /// <summary>The time zone of iPads without a school, and of schools that name none. A name of the IANA database.</summary>
    public string TimeZone { get; set; } = "UTC";

    /// <summary>When a school day begins, Monday to Friday, for iPads without a school and for schools that name no hours. As in 08:00.</summary>
    public string SchoolDayFrom { get; set; } = "08:00";

    /// <summary>When it ends.</summary>
    public string SchoolDayTo { get; set; } = "16:00";

    public TimeZoneInfo Zone() => TimeZoneInfo.FindSystemTimeZoneById(TimeZone);

    public IReadOnlyList<SchoolHours> Hours() =>
        [.. Enumerable.Range((int)DayOfWeek.Monday, 5).Select(day => new SchoolHours((DayOfWeek)day, Minutes(SchoolDayFrom)!.Value, Minutes(SchoolDayTo)!.Value))];

    internal string? FindFault()
    {
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(TimeZone, out _))
            return $"Operations:TimeZone must be a name of the IANA time zone database, as in Europe/Stockholm, but is {TimeZone}.";
        if (Minutes(SchoolDayFrom) is not { } from) return $"Operations:SchoolDayFrom must be a time as in 08:00, but is {SchoolDayFrom}.";
        if (Minutes(SchoolDayTo) is not { } to) return $"Operations:SchoolDayTo must be a time as in 16:00, but is {SchoolDayTo}.";
        return from < to ? null : $"Operations:SchoolDayTo must be later than Operations:SchoolDayFrom, but is {SchoolDayTo}.";
    }

    private static int? Minutes(string text) =>
        TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? (time.Hour * 60) + time.Minute : null;
}
