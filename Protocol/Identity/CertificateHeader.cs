using System.Security.Cryptography;

namespace FleetMdm.Protocol.Identity;

/// <summary>
/// The client certificate that a trusted proxy took from the TLS connection and passes on in a header: as RFC 9440
/// <c>Client-Cert</c> (<c>:Base64 of the DER:</c>) or as nginx's <c>$ssl_client_escaped_cert</c> (URL-escaped PEM).
/// The two cannot be mistaken for each other, so the value itself says which it is.
/// </summary>
public static class CertificateHeader
{
    /// <summary>In characters; escaped PEM is about 1.6 times as long as the DER.</summary>
    public const int MaxHeaderLength = 32 * 1024;

    private const string Label = "CERTIFICATE";

    /// <summary>The certificate's DER, not yet checked.</summary>
    /// <param name="headerValue">As it came.</param>
    /// <param name="room">Where the DER is written when it fits there; else it gets an array of its own.</param>
    /// <exception cref="IdentityException">Missing, BadBase64.</exception>
    public static ReadOnlySpan<byte> Parse(string? headerValue, Span<byte> room)
    {
        var value = headerValue.AsSpan().Trim();
        if (value.IsEmpty)
            throw new IdentityException(IdentityRefusal.Missing, "The proxy's header has no client certificate.");
        if (value.Length > MaxHeaderLength)
            throw Bad($"longer than {MaxHeaderLength} characters");
        return value[0] == ':' ? ParseStructured(value, room) : ParsePem(Uri.UnescapeDataString(value));
    }

    private static ReadOnlySpan<byte> ParseStructured(ReadOnlySpan<char> value, Span<byte> room)
    {
        // A byte sequence of RFC 8941, 3.3.5; parameters after it are allowed and mean nothing.
        var end = value[1..].IndexOf(':');
        if (end < 0)
            throw Bad("an RFC 9440 value without its closing colon");
        var rest = value[(end + 2)..].TrimStart();
        if (!rest.IsEmpty && rest[0] != ';')
            throw Bad("more than one RFC 9440 value");
        var encoded = value[1..(end + 1)];
        var longest = encoded.Length / 4 * 3 + 3;
        var der = longest <= room.Length ? room : new byte[longest];
        if (!Convert.TryFromBase64Chars(encoded, der, out var length) || length == 0)
            throw Bad("not Base64");
        return der[..length];
    }

    private static byte[] ParsePem(string pem)
    {
        if (!PemEncoding.TryFind(pem, out var fields) || !pem.AsSpan()[fields.Label].SequenceEqual(Label))
            throw Bad("neither RFC 9440 nor URL-escaped PEM of a certificate");
        var der = new byte[fields.DecodedDataLength];
        return Convert.TryFromBase64Chars(pem.AsSpan()[fields.Base64Data], der, out var length) && length > 0
            ? der[..length]
            : throw Bad("not Base64");
    }

    private static IdentityException Bad(string why) =>
        new(IdentityRefusal.BadBase64, $"The proxy's header with the client certificate is {why}.");
}
