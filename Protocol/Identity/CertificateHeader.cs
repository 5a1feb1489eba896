using System.Security.Cryptography;

namespace FleetMdm.Protocol.Identity;

/// <summary>
/// The client certificate that a trusted proxy took from the TLS connection and passes on in a header. The value itself says which form it has:
/// they cannot be mistaken for each other.
/// </summary>
/// <remarks>
/// <code>
/// :MII…:                          RFC 9440, Client-Cert
/// MII…                            DER in Base64: HAProxy, Caddy; with its chain behind it, separated by commas: Traefik
/// -----BEGIN… or %2D…             PEM, URL-escaped or not: nginx, Apache, AWS ALB; a chain may follow
/// Hash=…;Cert="…";Subject="…"     Envoy's X-Forwarded-Client-Cert
/// </code>
/// Where several certificates stand, the first is the client's.
/// </remarks>
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
        return value[0] switch
        {
            ':' => ParseStructured(value, room),
            // 0x30, a SEQUENCE: every certificate in Base64 begins so.
            'M' => ParseChain(value, room),
            '-' or '%' => ParsePem(Uri.UnescapeDataString(value)),
            _ => ParseForwarded(value),
        };
    }

    private static ReadOnlySpan<byte> ParseChain(ReadOnlySpan<char> value, Span<byte> room)
    {
        if (value.Contains('%'))
            value = Uri.UnescapeDataString(value);
        if (!value.Contains(','))
            return Decode(value, room);

        // Each is issued by the next. If it were not, the first might be what a client sent, and the second what the proxy added.
        ReadOnlySpan<byte> first = default;
        ReadOnlyMemory<byte> issuer = default;
        foreach (var part in value.Split(','))
        {
            var der = Decode(value[part].Trim(), []);
            var certificate = IdentityCertificate.Parse(der.ToArray());
            if (first.IsEmpty)
                first = der;
            else if (!certificate.Subject.Span.SequenceEqual(issuer.Span))
                throw Bad("several certificates that are no chain");
            issuer = certificate.Issuer;
        }
        return first;
    }

    /// <summary>X-Forwarded-Client-Cert (envoyproxy.io, "HTTP header manipulation"): pairs with semicolons, values in quotes where they need it, and an
    /// element for each proxy that appended one.</summary>
    private static byte[] ParseForwarded(ReadOnlySpan<char> value)
    {
        string? found = null;
        for (var at = 0; at < value.Length;)
        {
            var equals = value[at..].IndexOf('=');
            if (equals < 0)
                throw Bad(Forms);
            var key = value.Slice(at, equals).Trim();
            at += equals + 1;
            var start = at;
            var quoted = at < value.Length && value[at] == '"';
            for (at += quoted ? 1 : 0; at < value.Length && (quoted ? value[at] != '"' : value[at] is not (';' or ',')); at++)
            {
                if (quoted && value[at] == '\\')
                    at++;
            }
            if (quoted && at++ >= value.Length)
                throw Bad("an XFCC value without its closing quotation mark");
            if (at < value.Length && value[at] == ',')
                throw Bad("of more than one proxy: the nearest must set it, not append to it");
            if (at < value.Length && value[at] != ';')
                throw Bad(Forms);
            if (key.Equals("Cert", StringComparison.OrdinalIgnoreCase))
            {
                if (found is not null)
                    throw Bad("an XFCC value with two certificates");
                found = value[start..at].Trim('"').ToString();
            }
            at++;
        }
        return ParsePem(Uri.UnescapeDataString(found ?? throw Bad("an XFCC value without Cert: the proxy must forward it")));
    }

    private const string Forms = "neither RFC 9440, nor Base64, nor PEM, nor XFCC of a certificate";

    private static ReadOnlySpan<byte> ParseStructured(ReadOnlySpan<char> value, Span<byte> room)
    {
        // A byte sequence of RFC 8941, 3.3.5; parameters after it are allowed and mean nothing.
        var end = value[1..].IndexOf(':');
        if (end < 0)
            throw Bad("an RFC 9440 value without its closing colon");
        var rest = value[(end + 2)..].TrimStart();
        if (!rest.IsEmpty && rest[0] != ';')
            throw Bad("more than one RFC 9440 value");
        return Decode(value[1..(end + 1)], room);
    }

    private static ReadOnlySpan<byte> Decode(ReadOnlySpan<char> encoded, Span<byte> room)
    {
        var longest = encoded.Length / 4 * 3 + 3;
        var der = longest <= room.Length ? room : new byte[longest];
        if (!Convert.TryFromBase64Chars(encoded, der, out var length) || length == 0)
            throw Bad("not Base64");
        return der[..length];
    }

    private static byte[] ParsePem(string pem)
    {
        if (!PemEncoding.TryFind(pem, out var fields) || !pem.AsSpan()[fields.Label].SequenceEqual(Label))
            throw Bad(Forms);
        var der = new byte[fields.DecodedDataLength];
        return Convert.TryFromBase64Chars(pem.AsSpan()[fields.Base64Data], der, out var length) && length > 0
            ? der[..length]
            : throw Bad("not Base64");
    }

    private static IdentityException Bad(string why) =>
        new(IdentityRefusal.BadBase64, $"The proxy's header with the client certificate is {why}.");
}
