using System.Diagnostics.CodeAnalysis;

namespace FleetMdm.Storage;

/// <summary>Texts as they are sorted and looked for: the same on both databases, which fold letters differently.</summary>
internal static class Keys
{
    [return: NotNullIfNotNull(nameof(text))]
    public static string? Sort(string? text) => text?.ToLowerInvariant();

    /// <summary>A pattern that finds this text anywhere. The statement says <c>ESCAPE '!'</c>.</summary>
    public static string Part(string text) => $"%{Literally(text)}%";

    private static string Literally(string text) => Sort(text)
        .Replace("!", "!!", StringComparison.Ordinal).Replace("%", "!%", StringComparison.Ordinal).Replace("_", "!_", StringComparison.Ordinal);
}
