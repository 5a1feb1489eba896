using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace FleetMdm.EndToEnd.Faults;

/// <summary>A client that keeps to no rule but the bytes it is told to send: over TCP, or TLS whose certificate it does not judge.</summary>
public sealed class RawClient : IDisposable
{
    /// <summary>Every wait for the server to close ends by then: far beyond any time-out that the server states.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly Socket _socket;
    private readonly long _connectedAt;
    private Stream _stream;

    private RawClient(Socket socket)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _connectedAt = TimeProvider.System.GetTimestamp();
    }

    /// <summary>How long ago it connected.</summary>
    public TimeSpan Age => TimeProvider.System.GetElapsedTime(_connectedAt);

    /// <summary>TCP alone.</summary>
    /// <param name="window">How much the system receives for it before it reads, in bytes; null: as usual.</param>
    public static async Task<RawClient> Connect(int port, int? window = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (window is { } bytes) socket.ReceiveBufferSize = bytes;
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return new RawClient(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>With a TLS handshake, and HTTP/2 if asked for.</summary>
    public static async Task<RawClient> ConnectTls(int port, bool http2 = false, int? window = null)
    {
        var client = await Connect(port, window);
        try
        {
            var tls = new SslStream(client._stream);
            client._stream = tls;
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
                ApplicationProtocols = [http2 ? SslApplicationProtocol.Http2 : SslApplicationProtocol.Http11],
            }).WaitAsync(Patience);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    public Task Send(string text) => Send(Encoding.ASCII.GetBytes(text));

    public async Task Send(ReadOnlyMemory<byte> bytes)
    {
        await _stream.WriteAsync(bytes);
        await _stream.FlushAsync();
    }

    /// <summary>What the server says first, as far as it has come.</summary>
    public async Task<string> ReadSome()
    {
        var buffer = new byte[1024];
        return Encoding.ASCII.GetString(buffer, 0, await _stream.ReadAsync(buffer).AsTask().WaitAsync(Patience));
    }

    /// <summary>Sends a byte at a time until the server has had enough, or everything is sent.</summary>
    public async Task Trickle(string text, TimeSpan between)
    {
        foreach (var letter in text)
        {
            try
            {
                await Send(letter.ToString());
            }
            catch (IOException)
            {
                return;
            }

            await Task.Delay(between, TimeProvider.System);
        }
    }

    /// <summary>Everything that the server says until it closes the connection.</summary>
    /// <exception cref="TimeoutException">It does not close it.</exception>
    public async Task<string> ReadToEnd()
    {
        using var patience = new CancellationTokenSource(Patience);
        var text = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            int read;
            while ((read = await _stream.ReadAsync(buffer, patience.Token)) > 0) text.Append(Encoding.ASCII.GetString(buffer, 0, read));
        }
        catch (IOException)
        {
            // A reset is an end too.
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The server left a connection open for {Age.TotalSeconds:0} s. It had said: {text}");
        }

        return text.ToString();
    }

    /// <summary>Says that it sends no more, in the middle of whatever it was.</summary>
    public void HangUp() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>RST instead of a goodbye.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        _socket.Dispose();
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }
}
