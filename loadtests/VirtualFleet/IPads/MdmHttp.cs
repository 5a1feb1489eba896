using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using FleetMdm.VirtualFleet.Enrolment;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>An HTTP answer read to its end, or the reason why there is none.</summary>
/// <param name="Status">0 when no answer came.</param>
/// <param name="MediaType">Lower case, without parameters.</param>
public sealed record MdmAnswer(int Status, string? MediaType, byte[] Body, TimeSpan? RetryAfter, string? Failure)
{
    /// <summary>Of ACME.</summary>
    public string? ReplayNonce { get; init; }
    public string? Location { get; init; }

    public bool Success => Status is >= 200 and < 300;

    public override string ToString() => Failure is null ? $"{Status} ({Body.Length} bytes of {MediaType ?? "no type"})" : $"not at all: {Failure}";
}

/// <summary>
/// The iPads' way to the server: one pool of connections for all that sign their messages, one for each that shows its
/// certificate in TLS. No more than a number of requests at once; every answer is counted and timed.
/// </summary>
internal sealed class MdmHttp : IDisposable
{
    /// <summary>More than any profile or command of these tests; a larger answer is a broken one.</summary>
    private const int MaxAnswerBytes = 16 << 20;

    /// <summary>Tries of one request while enrolling, before the person in front of the iPad gives up.</summary>
    private const int PatientTries = 8;

    private static readonly TimeSpan OwnConnectionIdle = TimeSpan.FromSeconds(15);

    private readonly FleetOptions _options;
    private readonly FleetMeasurements _measurements;
    private readonly SemaphoreSlim _gate;
    private readonly HttpMessageInvoker _shared;

    public MdmHttp(FleetOptions options, FleetMeasurements measurements)
    {
        _options = options;
        _measurements = measurements;
        _gate = new SemaphoreSlim(options.MaxConcurrentRequests);
        _shared = new HttpMessageInvoker(NewHandler(options.MaxConcurrentRequests, identity: null));
    }

    /// <summary>A way of its own for an iPad that shows its certificate in TLS.</summary>
    public HttpMessageInvoker NewOwnConnection(DeviceIdentity identity) => new(NewHandler(maxConnections: 2, identity));

    /// <summary>One request. Never throws for what a network or a server may do.</summary>
    /// <param name="way">Null: the shared pool.</param>
    public Task<MdmAnswer> SendAsync(HttpMethod method, Uri url, string? contentType, byte[]? body,
        Action<HttpRequestHeaders>? headers, HttpMessageInvoker? way, CancellationToken cancellation) =>
        SendAsync(method, url, contentType, body, headers, way, most: null, cancellation);

    /// <summary>A download that is broken off after so many bytes: the rest is of no interest here.</summary>
    public Task<MdmAnswer> GetStartAsync(Uri url, int most, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, url, null, null, headers => headers.Range = new RangeHeaderValue(0, most - 1), null, most, cancellation);

    private async Task<MdmAnswer> SendAsync(HttpMethod method, Uri url, string? contentType, byte[]? body,
        Action<HttpRequestHeaders>? headers, HttpMessageInvoker? way, int? most, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            using var request = new HttpRequestMessage(method, Target(url))
            {
                Version = _options.HttpVersion,
                VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
            };
            if (_options.Proxy is not null)
                request.Headers.Host = url.Authority;
            if (body is not null)
            {
                request.Content = new ByteArrayContent(body);
                request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
            }
            headers?.Invoke(request.Headers);
            var started = _options.Time.GetTimestamp();
            var answer = await ReadAsync(way ?? _shared, request, most, cancellation);
            _measurements.Answered(answer.Status);
            (method == HttpMethod.Put ? _measurements.Request : _measurements.Enrolment).Record(_options.Time.GetElapsedTime(started));
            return answer;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>While enrolling: a server that is full or away is asked again, a few times.</summary>
    public async Task<MdmAnswer> SendPatientlyAsync(HttpMethod method, Uri url, string? contentType, byte[]? body,
        Action<HttpRequestHeaders>? headers, CancellationToken cancellation, HttpMessageInvoker? way = null)
    {
        var wait = _options.FirstRetry;
        for (var attempt = 1; ; attempt++)
        {
            var answer = await SendAsync(method, url, contentType, body, headers, way, cancellation);
            if (answer.Status is not (0 or >= 500 or 429) || attempt == PatientTries)
                return answer;
            await Task.Delay(answer.RetryAfter ?? wait, _options.Time, cancellation);
            wait = Longer(wait);
        }
    }

    public TimeSpan Longer(TimeSpan wait) => wait * 2 < _options.LongestRetry ? wait * 2 : _options.LongestRetry;

    public void Dispose()
    {
        _shared.Dispose();
        _gate.Dispose();
    }

    private async Task<MdmAnswer> ReadAsync(HttpMessageInvoker way, HttpRequestMessage request, int? most, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(_options.RequestTimeout, _options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            using var response = await way.SendAsync(request, either.Token);
            var body = await ReadBodyAsync(response.Content, most, either.Token);
            return new MdmAnswer((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType?.ToLowerInvariant(), body,
                RetryAfter(response.Headers.RetryAfter), null)
            {
                ReplayNonce = response.Headers.TryGetValues("Replay-Nonce", out var nonces) ? nonces.First() : null,
                Location = response.Headers.Location?.OriginalString,
            };
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && timeout.IsCancellationRequested))
        {
            cancellation.ThrowIfCancellationRequested();
            var reason = e is OperationCanceledException ? $"no answer in {_options.RequestTimeout.TotalSeconds:0} s" : Innermost(e);
            return new MdmAnswer(0, null, [], null, reason);
        }
    }

    private static async Task<byte[]> ReadBodyAsync(HttpContent content, int? most, CancellationToken cancellation)
    {
        if (content.Headers.ContentLength == 0)
            return [];
        await using var stream = await content.ReadAsStreamAsync(cancellation);
        using var body = new MemoryStream();
        var buffer = new byte[8192];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellation)) > 0)
        {
            if (body.Length + read > MaxAnswerBytes)
                throw new IOException($"the answer is larger than {MaxAnswerBytes} bytes");
            body.Write(buffer, 0, read);
            if (body.Length >= most)
                break;
        }
        return body.ToArray();
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        var wait = header?.Delta ?? (header?.Date is { } date ? date - _options.Time.GetUtcNow() : null);
        if (wait > _options.LongestRetryAfter)
            return _options.LongestRetryAfter;
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    private static string Innermost(Exception e) => e.InnerException is { } inner ? Innermost(inner) : e.Message;

    private Uri Target(Uri url) => _options.Proxy is { } proxy ? new Uri(proxy.Backend, url.PathAndQuery) : url;

    private SocketsHttpHandler NewHandler(int maxConnections, DeviceIdentity? identity)
    {
        var handler = new SocketsHttpHandler
        {
            MaxConnectionsPerServer = maxConnections,
            EnableMultipleHttp2Connections = true,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = _options.Trust.NewPolicy() },
        };
        if (identity is not null)
        {
            handler.PooledConnectionIdleTimeout = OwnConnectionIdle;
            handler.SslOptions.ClientCertificateContext =
                SslStreamCertificateContext.Create(identity.Certificate, additionalCertificates: null, offline: true);
        }
        return handler;
    }
}
