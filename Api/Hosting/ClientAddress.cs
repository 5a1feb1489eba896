using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Hosting;

/// <summary>From which address a client comes: for the log, the audit record and the shares of Api/Limits. Never a proof of who it is.</summary>
/// <remarks>
/// The address of the connection; behind a proxy of <see cref="MdmOptions.TrustedProxies"/>, the one that this proxy tells, by the PROXY protocol or by a header.
/// What anybody else says of addresses is not seen. <see cref="ConnectionInfo.RemoteIpAddress"/> stays the proxy's. Any thread.
/// </remarks>
public sealed class ClientAddress(TrustedProxies proxies, IOptions<MdmOptions> options)
{
    /// <summary>More proxies than anybody has in a row.</summary>
    private const int MostHops = 20;

    private readonly string? _header = options.Value.ForwardedForHeader;

    public bool IsProxy(IPAddress? address) => proxies.Contains(address);

    /// <summary>Of a connection, before any request.</summary>
    public static IPAddress? Of(ConnectionContext connection) =>
        connection.Features.Get<ToldByProxy>()?.Address ?? (connection.RemoteEndPoint as IPEndPoint)?.Address;

    /// <summary>Of a request.</summary>
    public IPAddress? Of(HttpContext context)
    {
        var address = context.Features.Get<ToldByProxy>()?.Address ?? context.Connection.RemoteIpAddress;
        if (_header is null || !IsProxy(address)) return address is null ? null : Plain(address);

        // Each proxy adds whom it was asked by at the end: what stands before the first one that is no proxy of ours may be made up.
        var hops = string.Join(',', context.Request.Headers[_header].ToArray()).Split(',', StringSplitOptions.TrimEntries);
        for (var i = hops.Length - 1; i >= Math.Max(0, hops.Length - MostHops); i--)
        {
            if (Parse(hops[i]) is not { } told) break;
            address = told;
            if (!IsProxy(told)) break;
        }

        return Plain(address!);
    }

    /// <summary>What counts as one address: IPv6 by /64, which is what one household or server is given.</summary>
    public static UInt128 KeyOf(IPAddress? address)
    {
        if (address is null) return 0;
        address = Plain(address);
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes, out _);
        if (address.AddressFamily == AddressFamily.InterNetworkV6) bytes[8..].Clear();
        return BinaryPrimitives.ReadUInt128BigEndian(bytes) ^ (address.AddressFamily == AddressFamily.InterNetwork ? 1u : 0u);
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>An address, also with a port behind it, as some proxies write it.</summary>
    private static IPAddress? Parse(string hop) =>
        IPAddress.TryParse(hop, out var address) ? address : IPEndPoint.TryParse(hop, out var endPoint) ? endPoint.Address : null;
}

/// <summary>Set on a connection whose proxy has told whom it connects.</summary>
internal sealed record ToldByProxy(IPAddress Address);
