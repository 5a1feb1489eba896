using System.Globalization;

namespace FleetMdm.Api.Console;

/// <summary>Numbers as people read them.</summary>
internal static class Words
{
    public static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>As in <c>1 iPad</c> and <c>1,204 iPads</c>.</summary>
    public static string Count(long count, string one, string many) => $"{Number(count)} {(count == 1 ? one : many)}";
}
