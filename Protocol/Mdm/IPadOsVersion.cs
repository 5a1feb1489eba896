using System.Globalization;
using System.Text.RegularExpressions;

namespace FleetMdm.Protocol.Mdm;

/// <summary>Versions of iPadOS as Apple writes them: one to three numbers with dots between them, without blanks, signs and leading zeros.</summary>
public static partial class IPadOsVersion
{
    /// <summary>For whoever wrote something else.</summary>
    public const string Words = "Enter a version of iPadOS, as in 18.2 or 18.2.1.";

    public static bool Is(string? text) => text is not null && Form().IsMatch(text);

    /// <summary>As people compare versions: 18.10 comes after 18.9, and 18.2.0 is 18.2. Null: one of them is no version.</summary>
    public static int? Compare(string? one, string? other)
    {
        if (!Is(one) || !Is(other)) return null;
        var (left, right) = (one!.Split('.'), other!.Split('.'));
        for (var i = 0; i < Math.Max(left.Length, right.Length); i++)
        {
            var difference = Part(left, i).CompareTo(Part(right, i));
            if (difference != 0) return difference;
        }

        return 0;

        static int Part(string[] parts, int at) => at < parts.Length ? int.Parse(parts[at], CultureInfo.InvariantCulture) : 0;
    }

    /// <summary>Of a text that was stored when leading zeros were taken.</summary>
    public static string Stored(string text) => string.Join('.', text.Trim().Split('.').Select(part => part.TrimStart('0') is { Length: > 0 } number ? number : "0"));

    [GeneratedRegex(@"^(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){0,2}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Form();
}
