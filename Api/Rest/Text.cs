using System.Globalization;
using System.Text;

namespace FleetMdm.Api.Rest;

/// <summary>Checks of texts, times and numbers that administrators send. Each names the field it is about.</summary>
internal static class Text
{
    /// <summary>Names, schools and the like: what a line of a list can show.</summary>
    public const int NameLength = 200;

    public static string? Optional(string field, string? value, int longest = NameLength) =>
        value is null ? null : Required(field, value, longest);

    public static string Required(string field, string? value, int longest = NameLength)
    {
        if (string.IsNullOrWhiteSpace(value)) throw ApiProblem.Field(field, "It must not be empty.");
        if (value.Length > longest) throw ApiProblem.Field(field, $"It may have at most {longest} characters, but has {value.Length}.");
        if (!IsPlain(value)) throw ApiProblem.Field(field, "It holds control characters, or text that is not valid Unicode.");
        return value;
    }

    /// <summary>Begins with a capital letter.</summary>
    public static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    public static int Number(string field, int value, int least, int most) =>
        value >= least && value <= most ? value : throw ApiProblem.Field(field, $"It must be {least} to {most}, but is {value}.");

    /// <summary>Of a query parameter: digits only.</summary>
    public static int Number(string field, string? value, int least, int most, int otherwise)
    {
        if (value is null) return otherwise;
        return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? Number(field, number, least, most)
            : throw ApiProblem.Field(field, $"It must be a whole number from {least} to {most}.");
    }

    /// <summary>Of a query parameter: RFC 3339 with an offset, as in <c>2026-09-01T08:00:00Z</c>.</summary>
    public static DateTimeOffset? Time(string field, string? value)
    {
        if (value is null) return null;
        // A plus sign of a zone arrives as a blank when it was not escaped.
        var written = value.Replace(' ', '+');
        if (written.Length is < 10 or > 40 || written[4] != '-' || written[7] != '-'
            || !DateTimeOffset.TryParse(written, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
            throw ApiProblem.Field(field, "It must be a time as in 2026-09-01T08:00:00Z.");
        return TimeWithOffset.HasOffset(written) ? time : throw ApiProblem.Field(field, TimeWithOffset.Words);
    }

    public static bool? Flag(string field, string? value) => value switch
    {
        null => null,
        "true" => true,
        "false" => false,
        _ => throw ApiProblem.Field(field, "It must be true or false."),
    };

    /// <summary>One of the names of an enumeration, in whatever case.</summary>
    public static T? Name<T>(string field, string? value) where T : struct, Enum
    {
        if (value is null) return null;
        return value.Length < 50 && char.IsAsciiLetter(value.FirstOrDefault()) && Enum.TryParse<T>(value, ignoreCase: true, out var parsed) && Enum.IsDefined(parsed)
            ? parsed
            : throw ApiProblem.Field(field, $"It must be one of {string.Join(", ", Enum.GetNames<T>())}.");
    }

    public const string NotAnEnrolmentId =
        "It must be the id of an iPad: 1 to 64 of A-Z a-z 0-9 . _ - and not dots alone; for a user of a Shared iPad a colon and the user's name behind it.";

    /// <summary>An enrolment id from a path or a list, in its one spelling. Null when nothing can have that id.</summary>
    public static string? EnrolmentId(string? value) => Protocol.Mdm.EnrolmentId.Parse(value);

    /// <summary>A UUID as the server writes it, whatever its case.</summary>
    public static Guid? Uuid(string? value) => Guid.TryParseExact(value, "D", out var id) ? id : null;

    /// <summary>Text from outside for a message: shortened, control characters replaced.</summary>
    public static string Printable(string value, int longest)
    {
        var text = new StringBuilder(Math.Min(value.Length, longest));
        foreach (var rune in value.EnumerateRunes())
        {
            if (text.Length >= longest) return text.Append('…').ToString();
            text.Append(Rune.IsControl(rune) ? "\uFFFD" : rune.ToString());
        }

        return text.ToString();
    }

    private static bool IsPlain(string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            var c = value[i];
            if (char.IsControl(c)) return false;
            if (!char.IsSurrogate(c)) continue;
            if (!char.IsHighSurrogate(c) || i + 1 == value.Length || !char.IsLowSurrogate(value[i + 1])) return false;
            i++;
        }

        return true;
    }
}
