using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FleetMdm.Protocol.Automated;

/// <summary>The header by which a session of Apple's device enrolment service is asked for: OAuth 1.0a, HMAC-SHA1, realm <c>ADM</c>, no body (RFC 5849).</summary>
public static class OAuthHeader
{
    private const int NonceBytes = 16;

    /// <param name="nonce">Null: a random one.</param>
    public static string Sign(HttpMethod method, Uri url, ServerToken token, DateTimeOffset now, string? nonce = null)
    {
        (string Name, string Value)[] parameters =
        [
            ("oauth_consumer_key", token.ConsumerKey),
            ("oauth_nonce", nonce ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NonceBytes))),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)),
            ("oauth_token", token.AccessToken),
            ("oauth_version", "1.0"),
        ];
        var normal = string.Join('&', parameters.Select(one => $"{Uri.EscapeDataString(one.Name)}={Uri.EscapeDataString(one.Value)}").Order(StringComparer.Ordinal));
        // Uri has the scheme and the host in lower case, and leaves the scheme's own port out.
        var text = $"{method.Method}&{Uri.EscapeDataString(url.GetLeftPart(UriPartial.Path))}&{Uri.EscapeDataString(normal)}";
        var key = Encoding.UTF8.GetBytes($"{Uri.EscapeDataString(token.ConsumerSecret)}&{Uri.EscapeDataString(token.AccessSecret)}");
        // What Apple asks for; nothing else is taken.
        var signature = Convert.ToBase64String(HMACSHA1.HashData(key, Encoding.UTF8.GetBytes(text)));
        return "OAuth realm=\"ADM\", " + string.Join(", ", parameters.Append(("oauth_signature", signature)).Select(one => $"{one.Item1}=\"{Uri.EscapeDataString(one.Item2)}\""));
    }
}
