using System.Globalization;
using System.Text;

namespace FleetMdm.Protocol.Mdm;

/// <summary>
/// The one spelling of an enrolment's id: the device's (<c>UDID</c> or <c>EnrollmentID</c>), or <c>DEVICE:USER</c> for a user channel. Who
/// spells an id otherwise means the same enrolment.
/// </summary>
/// <remarks>
/// A device's id is 1 to <see cref="LongestDeviceId"/> of <c>A-Z a-z 0-9 . _ -</c>, and not dots alone; one that begins or ends with a dot enrols no more. Its letters are upper case, except in
/// the 40 hexadecimal digits of older iPads, which Apple writes in lower case. A user is anything printable; what has a meaning in an address or
/// in the id itself (<c>% / \ ? # :</c> and white space) is percent-encoded.
/// </remarks>
public static class EnrolmentId
{
    public const int LongestDeviceId = 64;

    /// <summary>Encoded.</summary>
    public const int LongestUser = 200;

    private const int OldUdidLength = 40;

    private const char Separator = ':';

    /// <summary>Null: nothing can have that id.</summary>
    public static string? Device(string? text)
    {
        if (text is not { Length: > 0 and <= LongestDeviceId }) return null;
        var (hexadecimal, dots) = (true, true);
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-')) return null;
            hexadecimal &= char.IsAsciiHexDigit(c);
            dots &= c == '.';
        }

        if (dots) return null;
        // The usual case changes nothing, and allocates nothing.
        return hexadecimal && text.Length == OldUdidLength ? text.ToLowerInvariant() : text.ToUpperInvariant();
    }

    /// <summary>A user's part of the id, from the name as the iPad sends it. Null: it is too long, or not printable.</summary>
    public static string? User(string name)
    {
        if (name.Length is 0 or > LongestUser) return null;
        StringBuilder? encoded = null;
        Span<byte> utf8 = stackalloc byte[4];
        var at = 0;
        foreach (var rune in name.EnumerateRunes())
        {
            // A half of a surrogate pair is read as U+FFFD.
            if (Rune.IsControl(rune) || rune == Rune.ReplacementChar) return null;
            if (IsReserved(rune))
            {
                encoded ??= new StringBuilder(name, 0, at, LongestUser);
                var length = rune.EncodeToUtf8(utf8);
                foreach (var part in utf8[..length]) encoded.Append('%').Append(part.ToString("X2", CultureInfo.InvariantCulture));
            }
            else
            {
                encoded?.Append(rune.ToString());
            }

            at += rune.Utf16SequenceLength;
        }

        if (encoded is null) return name;
        return encoded.Length <= LongestUser ? encoded.ToString() : null;
    }

    /// <summary>An id as people and programs write it, in its one spelling. Null: nothing can have that id.</summary>
    public static string? Parse(string? text)
    {
        if (text is null) return null;
        var separator = text.IndexOf(Separator);
        if (separator < 0) return Device(text);
        if (Device(text[..separator]) is not { } device) return null;
        var user = text[(separator + 1)..];
        return IsEncoded(user) ? Join(device, user) : null;
    }

    public static string Join(string device, string user) => $"{device}{Separator}{user}";

    /// <summary>As <see cref="User"/> writes it.</summary>
    private static bool IsEncoded(string user)
    {
        if (user.Length is 0 or > LongestUser) return false;
        for (var i = 0; i < user.Length; i++)
        {
            if (user[i] != '%') continue;
            if (i + 2 >= user.Length || !char.IsAsciiHexDigit(user[i + 1]) || !char.IsAsciiHexDigit(user[i + 2])) return false;
            i += 2;
        }

        foreach (var rune in user.EnumerateRunes())
        {
            if (rune.Value != '%' && (Rune.IsControl(rune) || rune == Rune.ReplacementChar || IsReserved(rune))) return false;
        }

        return true;
    }

    private static bool IsReserved(Rune rune) => rune.Value is '%' or '/' or '\\' or '?' or '#' or Separator || Rune.IsWhiteSpace(rune);
}
