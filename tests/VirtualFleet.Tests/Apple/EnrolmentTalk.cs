using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.Apple;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.VirtualFleet.Tests.Apple;

/// <summary>Somebody who knows Apple's documentation, in front of the simulated device enrolment service.</summary>
internal sealed class EnrolmentTalk : IAsyncDisposable
{
    private readonly RSA _key = RSA.Create(2048);
    private int _nonces;

    private EnrolmentTalk(DeviceEnrolmentSimulator apple, FakeTimeProvider time)
    {
        (Apple, Time, Recorder) = (apple, time, new Recorder(apple.Endpoint, apple.RootPem, time));
        var request = new CertificateRequest("CN=Server", _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(time.GetUtcNow(), time.GetUtcNow().AddDays(3));
        Server = apple.Portal.AddServer("Springfield", certificate.ExportCertificatePem());
        File = apple.Portal.DownloadToken(Server);
    }

    public DeviceEnrolmentSimulator Apple { get; }

    public FakeTimeProvider Time { get; }

    public Recorder Recorder { get; }

    public SimulatedMdmServer Server { get; }

    /// <summary>The token as the portal hands it out.</summary>
    public byte[] File { get; }

    public RSA Key => _key;

    /// <summary>The newest that the service has given.</summary>
    public string Session { get; set; } = "";

    /// <summary>Of the protocol.</summary>
    public int Version { get; set; } = 10;

    public static async Task<EnrolmentTalk> Begin(DeviceEnrolmentOptions? options = null)
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 9, 1, 7, 0, 0, TimeSpan.Zero));
        return new EnrolmentTalk(await DeviceEnrolmentSimulator.StartAsync((options ?? new DeviceEnrolmentOptions()) with { Time = time }), time);
    }

    public async ValueTask DisposeAsync()
    {
        Recorder.Dispose();
        await Apple.DisposeAsync();
        _key.Dispose();
    }

    public async Task<Answer> SignIn(string what = "A session", string? consumerKey = null, string agent = "documentation-reader/1")
    {
        var answer = await Recorder.Get(what, "/session", ("User-Agent", agent), ("Authorization", OAuth(consumerKey)), ("X-Server-Protocol-Version", "10"));
        if (answer.Status == 200) Session = (string)answer.Json["auth_session_token"]!;
        return answer;
    }

    public async Task<Answer> Say(string what, HttpMethod method, string path, object? body = null)
    {
        var answer = await Recorder.Say(what, method, path, body, ("User-Agent", "documentation-reader/1"), ("X-ADM-Auth-Session", Session), ("X-Server-Protocol-Version", Version.ToString(CultureInfo.InvariantCulture)));
        if (answer.Headers.TryGetValues("X-ADM-Auth-Session", out var next)) Session = next.First();
        return answer;
    }

    public Task<Answer> Post(string path, JsonObject body) => Say("-", HttpMethod.Post, path, body);

    /// <summary>OAuth 1.0a, as the documentation shows it.</summary>
    private string OAuth(string? consumerKey)
    {
        var token = Server.Token!;
        SortedDictionary<string, string> values = new(StringComparer.Ordinal)
        {
            ["oauth_consumer_key"] = consumerKey ?? token.ConsumerKey,
            ["oauth_nonce"] = $"nonce{++_nonces}",
            ["oauth_signature_method"] = "HMAC-SHA1",
            ["oauth_timestamp"] = Time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            ["oauth_token"] = token.AccessToken,
            ["oauth_version"] = "1.0",
        };
        var normal = string.Join('&', values.Select(one => $"{one.Key}={Uri.EscapeDataString(one.Value)}"));
        var text = $"GET&{Uri.EscapeDataString(new Uri(Apple.Endpoint, "/session").AbsoluteUri)}&{Uri.EscapeDataString(normal)}";
        var signature = HMACSHA1.HashData(Encoding.ASCII.GetBytes($"{token.ConsumerSecret}&{token.AccessSecret}"), Encoding.ASCII.GetBytes(text));
        return $"OAuth realm=\"ADM\", {string.Join(", ", values.Select(one => $"{one.Key}=\"{Uri.EscapeDataString(one.Value)}\""))}, oauth_signature=\"{Uri.EscapeDataString(Convert.ToBase64String(signature))}\"";
    }
}
