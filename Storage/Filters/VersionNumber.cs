using System.Globalization;

namespace FleetMdm.Storage.Filters;

/// <summary>A version as one number, so that databases compare 17.10 and 17.5 as people do.</summary>
public static class VersionNumber
{
    private const int MostParts = 4;

    /// <summary>Each of the parts has three digits at most.</summary>
    private const long PerPart = 1_000;

    /// <summary>Null: it is no version of one to four numbers. Leading zeros do not matter: a rule that stands goes to no iPad, and must not stop when it is read more strictly.</summary>
    public static long? Of(string? version) => Range(version)?.From;

    /// <summary>All versions that begin with these parts: 17.5 stands for 17.5, 17.5.1 and so on.</summary>
    /// <returns>From the first, to before the last.</returns>
    public static (long From, long To)? Range(string? version)
    {
        if (version is null) return null;
        var parts = version.Split('.');
        if (parts.Length > MostParts) return null;
        var (number, unit) = (0L, PerPart * PerPart * PerPart);
        foreach (var part in parts)
        {
            if (part.Length is 0 or > 3 || !int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var value)) return null;
            number += value * unit;
            unit /= PerPart;
        }

        return (number, number + (unit == 0 ? 1 : unit * PerPart));
    }
}
