using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FleetMdm.VirtualFleet.Apple;

/// <summary>Checks the OAuth 1.0a header of <c>GET /session</c> (RFC 5849), harder than Apple's documentation asks for: HMAC-SHA1 only, realm <c>ADM</c>, a clock that is right
/// within minutes, each nonce once.</summary>
internal sealed class OAuthJudge(TimeProvider time)
{
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    /// <summary>Of whatever is wrong with the header itself, as it was seen.</summary>
    private const string Advice = "oauth_problem_advice";

    private static readonly string[] Known =
        ["oauth_consumer_key", "oauth_token", "oauth_signature_method", "oauth_timestamp", "oauth_nonce", "oauth_version", "oauth_signature", "realm"];

    private readonly ConcurrentDictionary<string, bool> _nonces = new(StringComparer.Ordinal);

    /// <returns>Status and word of the refusal; or the server whose token it is.</returns>
    public (int Status, string? Word, SimulatedMdmServer? Server) Judge(string? header, string method, Uri url, IEnumerable<SimulatedMdmServer> servers)
    {
        const string scheme = "OAuth ";
        if (header is null || !header.StartsWith(scheme, StringComparison.Ordinal)) return (400, Advice, null);
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in header[scheme.Length..].Split(',', StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=');
            if (equals < 1 || part.Length < equals + 3 || part[equals + 1] != '"' || part[^1] != '"' || !parameters.TryAdd(part[..equals], Uri.UnescapeDataString(part[(equals + 2)..^1])))
                return (400, Advice, null);
        }

        if (Known.Any(name => name != "oauth_version" && !parameters.ContainsKey(name))) return (400, Advice, null);
        if (parameters.Keys.Any(name => !Known.Contains(name))) return (400, Advice, null);
        if (parameters["realm"] != "ADM") return (400, Advice, null);
        if (parameters["oauth_signature_method"] != "HMAC-SHA1") return (400, Advice, null);
        if (parameters.GetValueOrDefault("oauth_version") is not (null or "1.0")) return (400, Advice, null);

        var server = servers.FirstOrDefault(one => one.Token?.ConsumerKey == parameters["oauth_consumer_key"]);
        if (server?.Token is not { } token || token.AccessToken != parameters["oauth_token"]) return (401, "token_rejected", null);
        if (token.ExpiresAt <= time.GetUtcNow()) return (401, "token_expired", null);
        if (!long.TryParse(parameters["oauth_timestamp"], NumberStyles.None, CultureInfo.InvariantCulture, out var stamp)
            || (DateTimeOffset.FromUnixTimeSeconds(stamp) - time.GetUtcNow()).Duration() > Tolerance)
            return (401, "timestamp_refused", null);

        var normal = string.Join('&', parameters.Where(one => one.Key is not ("oauth_signature" or "realm"))
            .Select(one => (Name: Escape(one.Key), Value: Escape(one.Value))).OrderBy(one => one.Name, StringComparer.Ordinal).Select(one => $"{one.Name}={one.Value}"));
        var address = url.GetLeftPart(UriPartial.Path).Replace(url.Host, url.Host.ToLowerInvariant(), StringComparison.Ordinal);
        var text = $"{method}&{Escape(address)}&{Escape(normal)}";
        var key = Encoding.ASCII.GetBytes($"{Escape(token.ConsumerSecret)}&{Escape(token.AccessSecret)}");
        var right = Convert.ToBase64String(HMACSHA1.HashData(key, Encoding.ASCII.GetBytes(text)));
        if (right != parameters["oauth_signature"]) return (401, "signature_invalid", null);
        return _nonces.TryAdd($"{parameters["oauth_consumer_key"]} {parameters["oauth_nonce"]} {stamp}", true) ? (200, null, server) : (401, "nonce_used", null);
    }

    /// <summary>RFC 5849, 3.6, written out.</summary>
    private static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (var one in Encoding.UTF8.GetBytes(text))
        {
            if (char.IsAsciiLetterOrDigit((char)one) || (char)one is '-' or '.' or '_' or '~') escaped.Append((char)one);
            else escaped.Append('%').Append(one.ToString("X2", CultureInfo.InvariantCulture));
        }

        return escaped.ToString();
    }
}
