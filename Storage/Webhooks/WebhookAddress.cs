using System.Net;
using System.Net.Sockets;

namespace FleetMdm.Storage.Webhooks;

/// <summary>To which addresses a webhook may go. Whoever may make one must not reach by it what only this server can reach.</summary>
public static class WebhookAddress
{
    // Whatever speaks there trusts whoever reaches it: metadata of clouds, routers, services of the machine's own network.
    private static readonly IPNetwork[] Never =
    [
        IPNetwork.Parse("0.0.0.0/8"), IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("192.0.0.0/24"), IPNetwork.Parse("198.18.0.0/15"), IPNetwork.Parse("224.0.0.0/4"),
        IPNetwork.Parse("240.0.0.0/4"), IPNetwork.Parse("100.100.100.200/32"), IPNetwork.Parse("168.63.129.16/32"),
        IPNetwork.Parse("::/128"), IPNetwork.Parse("fe80::/10"), IPNetwork.Parse("fec0::/10"), IPNetwork.Parse("ff00::/8"), IPNetwork.Parse("fd00:ec2::254/128"), IPNetwork.Parse("fd20:ce::254/128"),
        // An IPv4 address is hidden in them.
        IPNetwork.Parse("2001::/32"), IPNetwork.Parse("64:ff9b:1::/48"),
    ];

    private static readonly IPNetwork[] Private =
    [
        IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16"), IPNetwork.Parse("100.64.0.0/10"), IPNetwork.Parse("127.0.0.0/8"),
        IPNetwork.Parse("fc00::/7"), IPNetwork.Parse("::1/128"),
    ];

    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96"), SixToFour = IPNetwork.Parse("2002::/16"), Compatible = IPNetwork.Parse("::/96");

    /// <summary>Why nothing may be sent there, in words; null: it may.</summary>
    public static string? Refuse(IPAddress address, bool https, WebhookOptions options)
    {
        var real = Unwrap(address);
        if (Never.Any(network => network.Contains(real))) return $"The address {address} is never allowed.";
        var isPrivate = Private.Any(network => network.Contains(real));
        if (isPrivate && !options.AllowPrivateAddresses) return $"The address {address} is private. The option Webhooks:AllowPrivateAddresses allows it.";
        return https || isPrivate ? null : $"The address {address} is public: it takes https only.";
    }

    /// <summary>The IPv4 address that an IPv6 address stands for.</summary>
    private static IPAddress Unwrap(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address;
        var bytes = address.GetAddressBytes();
        if (Nat64.Contains(address)) return new IPAddress(bytes.AsSpan(12));
        if (SixToFour.Contains(address)) return new IPAddress(bytes.AsSpan(2, 4));
        // ::a.b.c.d, but not :: and ::1.
        return Compatible.Contains(address) && bytes.AsSpan(12).ContainsAnyExcept((byte)0) && !address.Equals(IPAddress.IPv6Loopback) ? new IPAddress(bytes.AsSpan(12)) : address;
    }
}
