using System.Globalization;
using System.Text;
using System.Text.Json;

namespace FleetMdm.Protocol.AppsAndBooks;

/// <summary>The text is no content token, or has ended; the message says it to a person.</summary>
public sealed class ContentTokenException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// What lets this server ask Apple for the apps of one location: the file that a content manager downloads in Apple School Manager
/// (<see href="https://developer.apple.com/documentation/devicemanagement/managing-apps-and-books-through-web-services">Apple, Apps and Books</see>).
/// </summary>
/// <param name="Text">As it goes to Apple: Base64. A secret.</param>
/// <param name="Organization">Whose it is, as it says itself.</param>
/// <param name="ExpiresAt">Likewise.</param>
public sealed record ContentToken(string Text, string? Organization, DateTimeOffset ExpiresAt)
{
    /// <summary>A file has 300 bytes.</summary>
    public const int MaxFileBytes = 16 * 1024;

    private static readonly string[] Times = ["yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.fffzzz", "yyyy-MM-dd HH:mm:ss zzz"];

    /// <exception cref="ContentTokenException">It cannot be used.</exception>
    public static ContentToken Read(string file, DateTimeOffset now)
    {
        var text = new string([.. file.Where(one => !char.IsWhiteSpace(one) && one != '\uFEFF')]);
        if (text.Length is 0 or > MaxFileBytes) throw NotAToken();
        var bytes = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, bytes, out var length)) throw NotAToken();
        try
        {
            using var json = JsonDocument.Parse(bytes.AsMemory(0, length));
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("token", out var token) || token.ValueKind != JsonValueKind.String || token.GetString() is not { Length: > 0 }
                || !root.TryGetProperty("expDate", out var date) || date.ValueKind != JsonValueKind.String || ReadTime(date.GetString()!) is not { } ends) throw NotAToken();
            if (ends <= now) throw new ContentTokenException($"The content token ended on {ends:yyyy-MM-dd}. Download a new one in Apple School Manager, and check this server's clock.");
            var organization = root.TryGetProperty("orgName", out var name) && name.ValueKind == JsonValueKind.String ? Printable(name.GetString()!) : null;
            return new ContentToken(text, organization, ends);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second: half of a surrogate pair in a text.
            throw NotAToken(e);
        }
    }

    /// <summary>As it is kept, sealed.</summary>
    public static byte[] ToBytes(string text) => Encoding.ASCII.GetBytes(text);

    public static string FromBytes(ReadOnlySpan<byte> kept) => Encoding.ASCII.GetString(kept);

    /// <summary>Apple writes offsets with and without a colon. Null: it is no time.</summary>
    public static DateTimeOffset? ReadTime(string text)
    {
        var written = text.Length > 5 && text[^5] is '+' or '-' && text[^3] != ':' ? $"{text[..^2]}:{text[^2..]}" : text;
        return DateTimeOffset.TryParseExact(written, Times, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) && at.Year is > 2000 and < 2200 ? at.ToUniversalTime() : null;
    }

    /// <summary>Without its secret.</summary>
    public override string ToString() => $"ContentToken {{ Organization = {Organization}, ExpiresAt = {ExpiresAt:O} }}";

    private static string Printable(string text)
    {
        var clean = new string([.. text.Where(one => !char.IsControl(one) && !char.IsSurrogate(one))]);
        return clean.Length <= 200 ? clean : clean[..200];
    }

    private static ContentTokenException NotAToken(Exception? inner = null) => new(
        "This is no content token. In Apple School Manager choose your name, Preferences, Payments and Billing, and download the content token of the location. Send the file as it is.", inner);
}
