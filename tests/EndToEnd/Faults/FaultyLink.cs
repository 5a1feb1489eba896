using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace FleetMdm.EndToEnd.Faults;

/// <summary>A network between the server and its database that is slow, or hangs: a TCP proxy on loopback.</summary>
/// <remarks>For each connection and direction one task reads and one writes, with a bounded number of pieces between them. A piece
/// leaves no earlier than <see cref="Delay"/> after it came, and not while the link hangs.</remarks>
public sealed class FaultyLink : IAsyncDisposable
{
    private const int PieceBytes = 16 * 1024;
    private const int PiecesUnderWay = 256;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint _target;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private readonly Task _accepting;
    private long _delayTicks;
    private volatile TaskCompletionSource? _hanging;

    public FaultyLink(int targetPort)
    {
        _target = new IPEndPoint(IPAddress.Loopback, targetPort);
        _listener.Start();
        _accepting = Accept();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How long each piece takes in each direction.</summary>
    public TimeSpan Delay
    {
        get => new(Interlocked.Read(ref _delayTicks));
        set => Interlocked.Exchange(ref _delayTicks, value.Ticks);
    }

    /// <summary>Nothing passes any more, in neither direction, and nobody is told: as behind a firewall that forgot the connection.</summary>
    public void Hang() => _hanging ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Everything that waits passes, late.</summary>
    public void GoOn()
    {
        var hanging = _hanging;
        _hanging = null;
        hanging?.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        GoOn();
        foreach (var socket in _open.Keys) socket.Dispose();
        await _accepting;
        _stop.Dispose();
    }

    private async Task Accept()
    {
        try
        {
            while (true) _ = Connect(await _listener.AcceptSocketAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task Connect(Socket client)
    {
        var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        _open[client] = _open[server] = true;
        try
        {
            await server.ConnectAsync(_target, _stop.Token);
            await Task.WhenAny(Pump(client, server), Pump(server, client));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Whoever is at the other end finds out by the closed connection.
        }
        finally
        {
            foreach (var socket in new[] { client, server })
            {
                _open.TryRemove(socket, out _);
                socket.Dispose();
            }
        }
    }

    private async Task Pump(Socket from, Socket to)
    {
        var pieces = Channel.CreateBounded<(long At, byte[] Bytes)>(PiecesUnderWay);
        await Task.WhenAny(Read(), Write());

        async Task Read()
        {
            var buffer = new byte[PieceBytes];
            int read;
            while ((read = await from.ReceiveAsync(buffer, _stop.Token)) > 0)
                await pieces.Writer.WriteAsync((TimeProvider.System.GetTimestamp(), buffer[..read]), _stop.Token);
            pieces.Writer.Complete();
            await pieces.Reader.Completion;
        }

        async Task Write()
        {
            await foreach (var (at, bytes) in pieces.Reader.ReadAllAsync(_stop.Token))
            {
                var left = Delay - TimeProvider.System.GetElapsedTime(at);
                if (left > TimeSpan.Zero) await Task.Delay(left, TimeProvider.System, _stop.Token);
                while (_hanging is { } hanging) await hanging.Task.WaitAsync(_stop.Token);
                await to.SendAsync(bytes, _stop.Token);
            }
        }
    }
}
