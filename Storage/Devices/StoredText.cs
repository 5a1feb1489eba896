using System.Text;

namespace FleetMdm.Storage.Devices;

/// <summary>Text that both databases can store.</summary>
internal static class StoredText
{
    /// <summary>
    /// Refuses NUL (PostgreSQL cannot store it) and half surrogates (no UTF-8 for them) before they join a batch: a hostile
    /// iPad could otherwise make the lanes halve batches all day.
    /// </summary>
    /// <exception cref="StoreRejectedException">The text cannot be stored.</exception>
    public static void Check(string what, string? text)
    {
        if (text is null)
            return;
        var rest = text.AsSpan();
        while (rest.Length > 0)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var consumed) != System.Buffers.OperationStatus.Done || rune.Value == 0)
                throw new StoreRejectedException($"{what} has a character that cannot be stored (NUL or half of a surrogate pair).");
            rest = rest[consumed..];
        }
    }

    /// <summary>Times are kept to the millisecond, on every database.</summary>
    public static DateTime ToMilliseconds(DateTimeOffset time) =>
        DateTimeOffset.FromUnixTimeMilliseconds(time.ToUnixTimeMilliseconds()).UtcDateTime;
}
