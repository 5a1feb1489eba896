using System.Text.RegularExpressions;

namespace FleetMdm.Api.Rest;

/// <summary>Time zones as they come from outside.</summary>
internal static partial class TimeZones
{
    private const int LongestName = 64;

    /// <summary>Only names of the IANA database: no path, and none of Windows'.</summary>
    /// <exception cref="ApiProblem">400.</exception>
    public static TimeZoneInfo Read(string field, string name) =>
        name.Length <= LongestName && ZoneName().IsMatch(name) && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var found)
            ? found
            : throw ApiProblem.Field(field, "It must be a name of the IANA time zone database, as in Europe/Stockholm or America/Chicago.");

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9+-]*(?:[/_][A-Za-z0-9+-]+)*\z")]
    private static partial Regex ZoneName();
}
