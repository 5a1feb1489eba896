using System.Globalization;
using System.Text;

namespace FleetMdm.Api.Rest;

/// <summary>Writes rows of CSV (RFC 4180). Texts that a spreadsheet would take for a formula begin with an apostrophe.</summary>
public static class Csv
{
    public const string ContentType = "text/csv; charset=utf-8";

    private const string FormulaSigns = "=+-@\t\r";

    public static void Row(StringBuilder text, params ReadOnlySpan<string?> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (i > 0) text.Append(',');
            Append(text, values[i]);
        }

        text.Append("\r\n");
    }

    public static string? Time(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    public static string? Number(double? number) => number?.ToString("R", CultureInfo.InvariantCulture);

    private static void Append(StringBuilder text, string? value)
    {
        if (string.IsNullOrEmpty(value)) return;
        var guarded = FormulaSigns.Contains(value[0]);
        var quoted = value.AsSpan().ContainsAny("\",\r\n");
        if (quoted) text.Append('"');
        if (guarded) text.Append('\'');
        text.Append(quoted ? value.Replace("\"", "\"\"", StringComparison.Ordinal) : value);
        if (quoted) text.Append('"');
    }
}
