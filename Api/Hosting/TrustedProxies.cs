using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Hosting;

/// <summary>The addresses of <c>Mdm:TrustedProxies</c>: what they say of a client is believed, whoever they are.</summary>
public sealed partial class TrustedProxies(IOptions<MdmOptions> options, ILogger<TrustedProxies> logger)
{
    /// <summary>More than so many addresses are a network in which iPads live, not a few proxies: 256.</summary>
    private const int FewAddressesBits = 8;

    private readonly IPNetwork[] _networks = [.. options.Value.TrustedProxies.Select(Network)];

    public bool Any => _networks.Length > 0;

    public bool Contains(IPAddress? address)
    {
        if (address is null || _networks.Length == 0) return false;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        foreach (var network in _networks)
        {
            if (network.Contains(address)) return true;
        }

        return false;
    }

    /// <summary>Warns of networks that are too wide.</summary>
    public void Announce()
    {
        foreach (var network in _networks)
        {
            var bits = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
            if (bits - network.PrefixLength > FewAddressesBits) LogWide(network.ToString());
        }
    }

    internal static bool IsAddressOrNetwork(string text) => IPNetwork.TryParse(text, out _) || IPAddress.TryParse(text, out _);

    private static IPNetwork Network(string text)
    {
        if (IPNetwork.TryParse(text, out var network)) return network;
        var address = IPAddress.Parse(text);
        return new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);
    }

    [LoggerMessage(3220, LogLevel.Warning, "Mdm:TrustedProxies holds {Network}, which is more than 256 addresses. Whoever has one of them can pass for any iPad. Name the addresses of the proxies only.")]
    private partial void LogWide(string network);
}
