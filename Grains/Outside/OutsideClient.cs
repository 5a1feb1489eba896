using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace FleetMdm.Grains.Outside;

/// <param name="Headers">Of the answer.</param>
/// <param name="RetryAfter">Not before; null: it does not say.</param>
internal sealed record OutsideAnswer(int Status, string Body, TimeSpan? RetryAfter, HttpResponseHeaders Headers);

/// <summary>There is no answer, and the message says why in words for people.</summary>
internal sealed class OutsideException(string message, bool tooLong = false, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>There was one, longer than any can be.</summary>
    public bool TooLong { get; } = tooLong;
}

/// <summary>One request after another to a service of Apple's: bounded in time and in length. Any thread.</summary>
internal sealed class OutsideClient(X509Certificate2Collection? roots, string? proxy, TimeSpan patience, TimeProvider time) : IDisposable
{
    /// <summary>A page of 1,000 iPads has 600 KB.</summary>
    private const int MostBytes = 16 * 1024 * 1024;

    private readonly HttpMessageInvoker _http = OutsideService.Connect(roots, proxy);

    public void Dispose() => _http.Dispose();

    /// <exception cref="OutsideException">No answer, or too long a one.</exception>
    public async Task<OutsideAnswer> Send(HttpRequestMessage request, CancellationToken stopping)
    {
        using var waiting = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(waiting.Token, stopping);
        request.Headers.UserAgent.ParseAdd(OutsideService.Agent);
        request.Headers.Accept.ParseAdd("application/json");
        try
        {
            using var response = await _http.SendAsync(request, either.Token);
            var text = await Read(response.Content, either.Token);
            var after = response.Headers.RetryAfter is { } header ? header.Delta ?? (header.Date is { } date ? date - time.GetUtcNow() : null) : null;
            return new OutsideAnswer((int)response.StatusCode, text, after, response.Headers);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            throw new OutsideException($"Apple's service did not answer within {patience.TotalSeconds:0} seconds. It is asked again by itself.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new OutsideException(
                $"Apple's service cannot be reached: {e.Message.TrimEnd('.')}. Check that this server reaches {request.RequestUri!.Host}, port {request.RequestUri.Port}.", inner: e);
        }
    }

    private static async Task<string> Read(HttpContent content, CancellationToken stopping)
    {
        await using var stream = await content.ReadAsStreamAsync(stopping);
        using var bytes = new MemoryStream();
        var buffer = new byte[32 * 1024];
        int read;
        while ((read = await stream.ReadAsync(buffer, stopping)) > 0)
        {
            if (bytes.Length + read > MostBytes) throw new OutsideException("Apple's answer is longer than any answer can be.", tooLong: true);
            bytes.Write(buffer, 0, read);
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }
}
