using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FleetMdm.Grains.Tests.Push;

/// <summary>An HTTP proxy that opens tunnels (CONNECT) for those who have the password, as schools have them.</summary>
internal sealed class ConnectProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly string _credentials;
    private readonly Task _accepting;
    private int _tunnels;

    public ConnectProxy(string credentials)
    {
        _credentials = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials));
        _listener.Start();
        _accepting = Accept();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Tunnels => Volatile.Read(ref _tunnels);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task Accept()
    {
        var tunnels = new List<Task>();
        try
        {
            while (true)
                tunnels.Add(Serve(await _listener.AcceptTcpClientAsync(_stopping.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(tunnels);
        }
    }

    private async Task Serve(TcpClient client)
    {
        try
        {
            using var near = client;
            await using var nearStream = near.GetStream();
            while (true)
            {
                var head = await ReadHead(nearStream);
                if (!head.Contains($"Proxy-Authorization: {_credentials}\r\n", StringComparison.OrdinalIgnoreCase))
                {
                    await nearStream.WriteAsync("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"school\"\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), _stopping.Token);
                    continue;
                }
                var target = head.Split(' ')[1].Split(':');
                using var far = new TcpClient();
                await far.ConnectAsync(target[0], int.Parse(target[1]), _stopping.Token);
                await nearStream.WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray(), _stopping.Token);
                Interlocked.Increment(ref _tunnels);
                await using var farStream = far.GetStream();
                await Task.WhenAny(nearStream.CopyToAsync(farStream, _stopping.Token), farStream.CopyToAsync(nearStream, _stopping.Token));
                return;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
        {
            // One side has gone.
        }
    }

    private async Task<string> ReadHead(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, _stopping.Token);
            head.Append((char)one[0]);
        }
        return head.ToString();
    }
}
