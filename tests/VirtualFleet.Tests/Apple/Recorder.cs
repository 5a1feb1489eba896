using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace FleetMdm.VirtualFleet.Tests.Apple;

/// <summary>An answer, as it came.</summary>
internal sealed record Answer(int Status, string? MediaType, string Text, HttpResponseHeaders Headers)
{
    public JsonObject Json => (JsonObject)JsonNode.Parse(Text)!;
}

/// <summary>A bare HTTP client that writes down what is said, as Markdown. It knows nothing of Apple. What is new in each conversation is written as a name in braces.</summary>
internal sealed partial class Recorder : IDisposable
{
    /// <summary>Elements of a list that are written out.</summary>
    private const int MostElements = 3;

    private static readonly string[] Shown = ["Content-Type", "Retry-After", "X-ADM-Auth-Session"];

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly StringBuilder _text = new();
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly HttpClient _http;
    private readonly Uri _endpoint;

    public Recorder(Uri endpoint, string rootPem, TimeProvider time)
    {
        _endpoint = endpoint;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, VerificationTime = time.GetUtcNow().UtcDateTime };
        policy.CustomTrustStore.ImportFromPem(rootPem);
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy } });
    }

    public void Dispose() => _http.Dispose();

    public Task<Answer> Get(string what, string path, params (string Name, string Value)[] headers) => Say(what, HttpMethod.Get, path, null, headers);

    /// <param name="body">An object is sent as JSON; a text as it is, without a content type.</param>
    public async Task<Answer> Say(string what, HttpMethod method, string path, object? body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(_endpoint, path));
        foreach (var (name, value) in headers) Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body as string ?? ((JsonNode)body).ToJsonString()));
            if (body is JsonNode) request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        }

        using var answer = await _http.SendAsync(request);
        // Apple calls its character set UTF8, which .NET does not know.
        var told = new Answer((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync()), answer.Headers);
        _text.Append(CultureInfo.InvariantCulture, $"### {what}\n\n```http\n{method} {path}\n");
        foreach (var (name, value) in headers) _text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\n");
        Body(body as string ?? (body as JsonNode)?.ToJsonString());
        _text.Append(CultureInfo.InvariantCulture, $"```\n\n```http\n{told.Status}\n");
        foreach (var name in Shown)
        {
            // As they came: .NET would write them in its own way.
            if (answer.Headers.NonValidated.TryGetValues(name, out var values) || answer.Content.Headers.NonValidated.TryGetValues(name, out values)) _text.Append(CultureInfo.InvariantCulture, $"{name}: {string.Join(", ", values)}\n");
        }

        Body(told.Text);
        _text.Append("```\n\n");
        return told;
    }

    public void Title(string title, string words) => _text.Append(CultureInfo.InvariantCulture, $"## {title}\n\n{words}\n\n");

    /// <summary>What came to the other side meanwhile.</summary>
    public void Heard(string what, string head, string body)
    {
        _text.Append(CultureInfo.InvariantCulture, $"### {what}\n\n```http\n{head}\n");
        Body(body);
        _text.Append("```\n\n");
    }

    /// <summary>Wherever it stands, the name is written instead.</summary>
    public void Name(string value, string name) => _names[value] = name;

    /// <summary>All that was said so far.</summary>
    public string Text()
    {
        var text = _text.ToString().Replace(_endpoint.GetLeftPart(UriPartial.Authority), "https://{host}", StringComparison.Ordinal);
        foreach (var (value, name) in _names.OrderByDescending(one => one.Key.Length)) text = text.Replace(value, $"{{{name}}}", StringComparison.Ordinal);
        text = OAuthValue().Replace(text, match => $"{match.Groups[1].Value}=\"{{{match.Groups[1].Value}}}\"");
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        return New().Replace(text, match => seen.TryGetValue(match.Value, out var name) ? name : seen[match.Value] = $"{{{Kind(match.Value)}-{seen.Count + 1}}}");
    }

    private static string Kind(string value) => value.Contains('-', StringComparison.Ordinal) ? "id" : value.Length == 32 ? "uuid" : value.Length == 48 ? "session" : "cursor";

    private void Body(string? body)
    {
        if (string.IsNullOrEmpty(body)) return;
        _text.Append('\n').Append(body.StartsWith('{') ? Words().Replace(Short(JsonNode.Parse(body)!).ToJsonString(Indented), list => Space().Replace(list.Value, " ").Replace("[ ", "[", StringComparison.Ordinal).Replace(" ]", "]", StringComparison.Ordinal)) : body).Append('\n');
    }

    private static JsonNode Short(JsonNode node)
    {
        foreach (var list in Lists(node).ToList())
        {
            if (list.Count <= MostElements) continue;
            while (list.Count > MostElements) list.RemoveAt(MostElements);
            list.Add("…");
        }

        return node;
    }

    private static IEnumerable<JsonArray> Lists(JsonNode? node) => node switch
    {
        JsonArray list => [list, .. list.SelectMany(Lists)],
        JsonObject one => one.SelectMany(member => Lists(member.Value)),
        _ => [],
    };

    [GeneratedRegex("""(oauth_consumer_key|oauth_token|oauth_signature|oauth_nonce)="[^"]*["]""")]
    private static partial Regex OAuthValue();

    /// <summary>A list of words goes on one line.</summary>
    [GeneratedRegex("""\[\s+"[^"]*"(,\s+"[^"]*")*\s+\]""", RegexOptions.ExplicitCapture)]
    private static partial Regex Words();

    [GeneratedRegex("""\s+""")]
    private static partial Regex Space();

    /// <summary>UUIDs in both ways of writing, sessions, and cursors.</summary>
    [GeneratedRegex("""\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9A-F]{32}\b|\b[0-9a-f]{48}\b|(?<=")[A-Za-z0-9+/]{80}(?=")""", RegexOptions.ExplicitCapture)]
    private static partial Regex New();
}
