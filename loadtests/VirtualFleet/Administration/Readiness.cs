using System.Net.Security;

namespace FleetMdm.VirtualFleet.Administration;

/// <summary>What a load balancer does before it sends anybody to a server that is starting: asks until it is ready.</summary>
public static class Readiness
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(200);

    /// <summary>Asks <c>/health/ready</c> until it is answered 200. Whose certificate answers is not the question yet.</summary>
    /// <exception cref="TimeoutException">It was not ready in time; the message holds the last answer.</exception>
    public static async Task WaitAsync(Uri server, TimeSpan patience, TimeProvider time, CancellationToken cancellation = default)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = static (_, _, _, _) => true },
        });
        var started = time.GetTimestamp();
        while (true)
        {
            string last;
            try
            {
                using var response = await http.GetAsync(new Uri(server, "/health/ready"), cancellation);
                if (response.IsSuccessStatusCode)
                    return;
                last = $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellation)}";
            }
            catch (HttpRequestException e)
            {
                last = e.InnerException?.Message ?? e.Message;
            }
            if (time.GetElapsedTime(started) > patience)
                throw new TimeoutException($"{server} was not ready in {patience.TotalSeconds:0} s: {last}");
            await Task.Delay(Between, time, cancellation);
        }
    }
}
