using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace FleetMdm.Api.Hosting;

/// <summary>
/// The header with which a balancer that passes TLS through tells whom it connects, version 1 and 2
/// (<see href="https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt"/>). Asked only of trusted proxies, which must send it; all others are served as they
/// are, and what they send is not looked at.
/// </summary>
public sealed partial class ProxyProtocol(ClientAddress clients, TimeProvider time, ILogger<ProxyProtocol> logger)
{
    /// <summary>A proxy sends it with the first packet.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Of version 1, with its end of line.</summary>
    private const int LongestLine = 107;

    /// <summary>Of version 2: what follows the addresses is not read, and no balancer sends much of it.</summary>
    private const int LongestBlock = 4096;
    private const int FixedPart = 16;

    private static readonly byte[] Signature = "\r\n\r\n\0\r\nQUIT\n"u8.ToArray();

    public enum Outcome
    {
        More,
        Bad,
        /// <summary>The proxy speaks for itself, as in a health check, or does not know.</summary>
        Own,
        Told,
    }

    public ConnectionDelegate Read(ConnectionDelegate next) => async connection =>
    {
        if (clients.IsProxy((connection.RemoteEndPoint as IPEndPoint)?.Address) && !await TakeHeader(connection))
        {
            connection.Abort();
            return;
        }

        await next(connection);
    };

    private async Task<bool> TakeHeader(ConnectionContext connection)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        var input = connection.Transport.Input;
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(patience.Token);
                var outcome = Parse(read.Buffer, out var address, out var length);
                if (outcome == Outcome.More && !read.IsCompleted)
                {
                    input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                    continue;
                }

                if (outcome is Outcome.Own or Outcome.Told)
                {
                    input.AdvanceTo(read.Buffer.GetPosition(length));
                    if (address is not null) connection.Features.Set(new ToldByProxy(address));
                    return true;
                }

                input.AdvanceTo(read.Buffer.Start);
                // A health check that only connects says nothing, and is no fault.
                if (read.Buffer.Length > 0) LogBad(connection.RemoteEndPoint);
                return false;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            if (patience.IsCancellationRequested) LogBad(connection.RemoteEndPoint);
            return false;
        }
    }

    public static Outcome Parse(ReadOnlySequence<byte> input, out IPAddress? address, out long length)
    {
        (address, length) = (null, 0);
        Span<byte> start = stackalloc byte[Math.Max(LongestLine, FixedPart + 36)];
        var have = (int)Math.Min(input.Length, start.Length);
        input.Slice(0, have).CopyTo(start);
        start = start[..have];
        var common = Math.Min(have, Signature.Length);
        return start[..common].SequenceEqual(Signature.AsSpan(0, common)) ? ParseBlock(start, input.Length, out address, out length) : ParseLine(start, out address, out length);
    }

    private static Outcome ParseBlock(ReadOnlySpan<byte> start, long available, out IPAddress? address, out long length)
    {
        (address, length) = (null, 0);
        if (start.Length < FixedPart) return Outcome.More;
        var (version, command, family) = (start[12] >> 4, start[12] & 15, start[13] >> 4);
        var block = BinaryPrimitives.ReadUInt16BigEndian(start[14..]);
        if (version != 2 || command > 1 || block > LongestBlock) return Outcome.Bad;
        length = FixedPart + block;
        if (available < length) return Outcome.More;
        var size = family switch { 1 => 4, 2 => 16, _ => 0 };
        if (command == 0 || size == 0) return Outcome.Own;
        if (block < 2 * size + 4) return Outcome.Bad;
        address = new IPAddress(start.Slice(FixedPart, size));
        return Outcome.Told;
    }

    private static Outcome ParseLine(ReadOnlySpan<byte> start, out IPAddress? address, out long length)
    {
        (address, length) = (null, 0);
        var begins = "PROXY "u8;
        var common = Math.Min(start.Length, begins.Length);
        if (!start[..common].SequenceEqual(begins[..common])) return Outcome.Bad;
        var end = start.IndexOf("\r\n"u8);
        if (end < 0) return start.Length < LongestLine ? Outcome.More : Outcome.Bad;
        length = end + 2;
        var parts = Encoding.Latin1.GetString(start[..end]).Split(' ');
        if (parts[1] == "UNKNOWN") return Outcome.Own;
        return parts is [_, "TCP4" or "TCP6", var source, _, _, _] && IPAddress.TryParse(source, out address) ? Outcome.Told : Outcome.Bad;
    }

    [LoggerMessage(3225, LogLevel.Warning, "A connection from {Proxy}, which Mdm:TrustedProxies names, did not begin with a PROXY header and was closed. "
        + "Let the balancer send it (haproxy: send-proxy-v2), or set Mdm:ProxyProtocol to false")]
    private partial void LogBad(EndPoint? proxy);
}
