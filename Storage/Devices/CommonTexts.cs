using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace FleetMdm.Storage.Devices;

/// <summary>One string for all rows that say the same: models, versions, topics, schools. Without it each active iPad holds copies of its own.</summary>
/// <remarks>Any thread. Bounded: what comes when it is full, or is long, is not shared.</remarks>
internal static class CommonTexts
{
    private const int MostTexts = 4_096;
    private const int LongestText = 200;

    private static readonly ConcurrentDictionary<string, string> Texts = new(StringComparer.Ordinal);
    private static int _count;

    [return: NotNullIfNotNull(nameof(text))]
    public static string? Share(string? text)
    {
        if (text is null or { Length: > LongestText }) return text;
        if (Texts.TryGetValue(text, out var shared)) return shared;
        if (Volatile.Read(ref _count) >= MostTexts) return text;
        if (Texts.TryAdd(text, text)) Interlocked.Increment(ref _count);
        return text;
    }
}
