using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using FleetMdm.Testing;

namespace FleetMdm.EndToEnd.Faults;

/// <summary>Takes the events of a webhook, and remembers which commands it was told of.</summary>
internal sealed class EventReceiver : IAsyncDisposable
{
    private readonly HttpListener _listener;
    private readonly Task _loop;

    private EventReceiver(HttpListener listener, string url)
    {
        (_listener, Url) = (listener, url);
        _loop = Task.Run(Take);
    }

    public string Url { get; }

    /// <summary>CommandUUIDs, and how often each came.</summary>
    public ConcurrentDictionary<string, int> Told { get; } = new(StringComparer.Ordinal);

    public static Task<EventReceiver> Start()
    {
        var url = $"http://127.0.0.1:{Ports.Free()}/";
        var listener = new HttpListener { Prefixes = { url } };
        listener.Start();
        return Task.FromResult(new EventReceiver(listener, url));
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _loop;
        ((IDisposable)_listener).Dispose();
    }

    private async Task Take()
    {
        while (_listener.IsListening)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                if (await JsonNode.ParseAsync(context.Request.InputStream) is { } body && (string?)body["data"]?["commandUuid"] is { } uuid) Told.AddOrUpdate(uuid, 1, (_, count) => count + 1);
                context.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or IOException or System.Text.Json.JsonException)
            {
                // The server was killed in the middle, or the test is over.
            }
        }
    }
}
