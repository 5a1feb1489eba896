using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using FleetMdm.Storage.Webhooks;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Webhooks;

/// <summary>Sends one request to a receiver. It follows no redirect, uses no proxy, keeps no cookie, and looks at the address that it connects to, whatever the name says.</summary>
/// <remarks>Any thread. What comes back is not shown to anybody but as a number: a receiver's answer is of no use here, and of some to whoever points a webhook at something that is not
/// theirs.</remarks>
internal sealed class WebhookSender : IDisposable
{
    /// <summary>So that a name that moves is found again.</summary>
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    /// <summary>An answer up to here is read to its end, so that its connection can be used again.</summary>
    private const int LongestAnswer = 16 * 1024;

    private readonly WebhookOptions _options;
    private readonly WebhookSigner _signer;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    public WebhookSender(IOptions<WebhookOptions> options, WebhookSigner signer, TimeProvider time)
    {
        (_options, _signer, _time) = (options.Value, signer, time);
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            PooledConnectionLifetime = ConnectionLifetime,
            ConnectTimeout = ConnectTimeout,
            MaxResponseHeadersLength = 32,
            ConnectCallback = Connect,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public async Task<WebhookAnswer> Send(Webhook webhook, string id, byte[] body, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(_options.TimeoutSeconds), _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, webhook.Url) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.TryAddWithoutValidation("User-Agent", "FleetMdm-Webhooks/1");
            foreach (var (name, value) in _signer.Headers(webhook, id, _time.GetUtcNow(), body)) request.Headers.TryAddWithoutValidation(name, value);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            await Drain(response, either.Token);
            var status = (int)response.StatusCode;
            return status is >= 200 and < 300 ? new WebhookAnswer(status, null) : new WebhookAnswer(status, Words(status), RetryAfter(response));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new WebhookAnswer(null, $"No answer within {_options.TimeoutSeconds} seconds.");
        }
        catch (HttpRequestException e)
        {
            return new WebhookAnswer(null, Words(e));
        }
    }

    public void Dispose() => _http.Dispose();

    private async ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var endpoint = context.DnsEndPoint;
        var https = context.InitialRequestMessage.RequestUri!.Scheme == Uri.UriSchemeHttps;
        var addresses = await Dns.GetHostAddressesAsync(endpoint.Host, cancellationToken);
        string? refused = null;
        Exception? failed = null;
        foreach (var address in addresses)
        {
            if (WebhookAddress.Refuse(address, https, _options) is { } why)
            {
                refused ??= why;
                continue;
            }

            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, endpoint.Port), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception e)
            {
                socket.Dispose();
                if (e is OperationCanceledException) throw;
                failed = e;
            }
        }

        throw failed ?? new WebhookAddressException(refused ?? $"The name {endpoint.Host} has no address.");
    }

    private static async Task Drain(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentLength > LongestAnswer) return;
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[4096];
        for (int total = 0, read; total < LongestAnswer && (read = await stream.ReadAsync(buffer, cancellationToken)) > 0; total += read)
        {
        }
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - _time.GetUtcNow(),
        _ => null,
    };

    private static string Words(int status) => status switch
    {
        >= 300 and < 400 => $"The receiver answered {status}. Redirects are not followed: enter the address that it leads to.",
        410 => "The receiver answered 410: it wants nothing any more.",
        _ => $"The receiver answered {status}.",
    };

    private static string Words(HttpRequestException exception) => exception switch
    {
        { InnerException: WebhookAddressException refused } => refused.Message,
        { HttpRequestError: HttpRequestError.NameResolutionError } or { InnerException: SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } } => "The receiver's name is not known.",
        { HttpRequestError: HttpRequestError.SecureConnectionError } => "TLS failed: the receiver's certificate is not valid for its name, has ended, or is of a CA that this server does not trust.",
        { HttpRequestError: HttpRequestError.ConnectionError } or { InnerException: SocketException } => "The receiver does not take connections.",
        _ => "The receiver did not answer as HTTP has it.",
    };

    private sealed class WebhookAddressException(string message) : Exception(message);
}
