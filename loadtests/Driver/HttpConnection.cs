using System.Buffers.Text;
using System.Net.Security;
using System.Net.Sockets;

namespace FleetMdm.LoadTests.Driver;

/// <summary>An answer: its status, and its body as long as no other request was sent on the connection.</summary>
public readonly record struct HttpAnswer(int Status, ReadOnlyMemory<byte> Body);

/// <summary>
/// One HTTP/1.1 connection that a worker thread has to itself and blocks on. Two system calls a request: on two cores that the
/// server shares, the driver has to cost little, or it measures itself.
/// </summary>
public sealed class HttpConnection : IDisposable
{
    private const int MaxHeaders = 32 * 1024;

    private readonly HttpTarget _target;
    private readonly int _turn;
    private readonly SslStreamCertificateContext? _certificate;
    private Stream? _stream;
    private byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;

    /// <param name="certificate">Shown in TLS; null: none. The same one for all connections of an iPad lets them resume a session, where the framework does that.</param>
    /// <param name="turn">Of several nodes it goes to the one whose turn that is, whenever it is opened anew, too.</param>
    public HttpConnection(HttpTarget target, int turn, SslStreamCertificateContext? certificate = null)
    {
        _target = target;
        _turn = turn;
        _certificate = certificate;
    }

    /// <summary>Sends a whole request and reads its answer; connects first when it has to. A connection that broke is opened anew by
    /// the next call.</summary>
    /// <exception cref="IOException">No whole answer came.</exception>
    public HttpAnswer Send(ReadOnlySpan<byte> request)
    {
        var fresh = _stream is null;
        try
        {
            _stream ??= _target.Connect(_turn, _certificate);
            return Exchange(request);
        }
        catch (Exception e) when (e is IOException or SocketException or System.Security.Authentication.AuthenticationException)
        {
            Close();
            // The server may have closed an idle connection in this very moment: one more try, on a new one.
            if (fresh) throw e as IOException ?? new IOException(e.Message, e);
        }

        try
        {
            _stream = _target.Connect(_turn, _certificate);
            return Exchange(request);
        }
        catch (Exception e) when (e is IOException or SocketException or System.Security.Authentication.AuthenticationException)
        {
            Close();
            throw e as IOException ?? new IOException(e.Message, e);
        }
    }

    public void Dispose() => Close();

    private void Close()
    {
        _stream?.Dispose();
        _stream = null;
        _start = _end = 0;
    }

    private HttpAnswer Exchange(ReadOnlySpan<byte> request)
    {
        _stream!.Write(request);
        _start = _end = 0;
        var headers = ReadHeaders();
        var head = HttpHead.Read(_buffer.AsSpan(0, headers));
        var answer = head.Chunked ? Chunked(head.Status, headers) : Sized(head.Status, headers, head.Length);
        if (head.Close)
        {
            _stream.Dispose();
            _stream = null;
        }

        return answer;
    }

    /// <summary>Where the headers end, behind their empty line.</summary>
    private int ReadHeaders()
    {
        while (true)
        {
            var end = HttpHead.End(_buffer.AsSpan(0, _end));
            if (end >= 0) return end;
            if (_end > MaxHeaders) throw new IOException("The answer's headers are too long.");
            Fill();
        }
    }

    private HttpAnswer Sized(int status, int from, int bytes)
    {
        while (_end - from < bytes) Fill();
        return new HttpAnswer(status, _buffer.AsMemory(from, bytes));
    }

    private HttpAnswer Chunked(int status, int from)
    {
        var body = new MemoryStream();
        _start = from;
        while (true)
        {
            int line;
            while ((line = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n"u8)) < 0) Fill();
            if (!Utf8Parser.TryParse(_buffer.AsSpan(_start, line), out int size, out _, 'x')) throw new IOException("A chunk has no size.");
            _start += line + 2;
            while (_end - _start < size + 2) Fill();
            body.Write(_buffer, _start, size);
            _start += size + 2;
            if (size == 0) return new HttpAnswer(status, body.ToArray());
        }
    }

    private void Fill()
    {
        if (_end == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
        var read = _stream!.Read(_buffer, _end, _buffer.Length - _end);
        if (read == 0) throw new IOException("The server closed the connection before its answer was complete.");
        _end += read;
    }
}

/// <summary>Where connections go.</summary>
public sealed class HttpTarget
{
    private static readonly int PatienceMilliseconds = (int)TimeSpan.FromSeconds(60).TotalMilliseconds;

    private readonly bool _tls;
    private readonly IReadOnlyList<int> _ports;
    private readonly SslClientAuthenticationOptions? _shared;

    /// <param name="url">Scheme, host and port.</param>
    /// <param name="ports">Ports of that host that connections go to in turn; none: that of the URL.</param>
    public HttpTarget(Uri url, params IReadOnlyList<int> ports)
    {
        Url = url;
        _ports = ports.Count > 0 ? ports : [url.Port];
        _tls = url.Scheme == Uri.UriSchemeHttps;
        if (_tls) _shared = Options(null);
    }

    public Uri Url { get; }

    /// <summary>How many nodes it has.</summary>
    public int Nodes => _ports.Count;

    /// <summary>How often a TLS connection was made.</summary>
    public long Handshakes => Volatile.Read(ref _handshakes);

    private long _handshakes;

    internal async Task<Stream> ConnectAsync(int turn, SslStreamCertificateContext? certificate, CancellationToken cancellationToken)
    {
        var socket = NewSocket();
        try
        {
            await socket.ConnectAsync(Url.Host, _ports[turn % _ports.Count], cancellationToken);
            var stream = new NetworkStream(socket, ownsSocket: true);
            if (!_tls) return stream;
            var tls = new SslStream(stream);
            await tls.AuthenticateAsClientAsync(certificate is null ? _shared! : Options(certificate), cancellationToken);
            Interlocked.Increment(ref _handshakes);
            return tls;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    internal Stream Connect(int turn, SslStreamCertificateContext? certificate)
    {
        var socket = NewSocket();
        try
        {
            socket.Connect(Url.Host, _ports[turn % _ports.Count]);
            var stream = new NetworkStream(socket, ownsSocket: true);
            if (!_tls) return stream;
            var tls = new SslStream(stream);
            tls.AuthenticateAsClient(certificate is null ? _shared! : Options(certificate));
            Interlocked.Increment(ref _handshakes);
            return tls;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static Socket NewSocket() => new(SocketType.Stream, ProtocolType.Tcp)
    {
        NoDelay = true,
        SendTimeout = PatienceMilliseconds,
        ReceiveTimeout = PatienceMilliseconds,
    };

    // The load test knows whom it talks to; checking the server's certificate would be measuring this side.
    private SslClientAuthenticationOptions Options(SslStreamCertificateContext? certificate) => new()
    {
        TargetHost = Url.Host,
        RemoteCertificateValidationCallback = static (_, _, _, _) => true,
        ClientCertificateContext = certificate,
    };
}
