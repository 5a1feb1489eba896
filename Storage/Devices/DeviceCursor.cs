using System.Globalization;

namespace FleetMdm.Storage.Devices;

/// <summary>Where a page of iPads ended. In the order of last contact an iPad moves on with each contact, so the time stands in the cursor; else its id is enough.</summary>
public static class DeviceCursor
{
    /// <summary>Parts the time from the id, and is in no id.</summary>
    private const char Mark = '~';

    public static string Of(DeviceRow row, DeviceOrder order) => order.By == DeviceSort.LastSeen
        ? string.Create(CultureInfo.InvariantCulture, $"{(row.LastSeenAt ?? FleetQueries.NeverSeen).ToUnixTimeMilliseconds()}{Mark}{row.Id}")
        : row.Id;

    /// <summary>The id in a cursor; null when it is none of that order.</summary>
    public static string? IdOf(string cursor, DeviceOrder order) => order.By == DeviceSort.LastSeen ? Read(cursor)?.Id : cursor;

    internal static (DateTimeOffset At, string Id)? Read(string cursor)
    {
        var mark = cursor.IndexOf(Mark, StringComparison.Ordinal);
        return mark > 0 && long.TryParse(cursor.AsSpan(0, mark), NumberStyles.None, CultureInfo.InvariantCulture, out var at) && at < 253_402_300_800_000
            ? (DateTimeOffset.FromUnixTimeMilliseconds(at), cursor[(mark + 1)..])
            : null;
    }
}
