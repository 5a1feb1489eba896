using System.Formats.Asn1;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Protocol.Identity;

/// <summary>
/// What a root that iPads trust for TLS may vouch for: one server, and the machine that asks itself. RFC 5280, 4.2.1.10.
/// </summary>
internal static class NameConstraints
{
    private static readonly Asn1Tag PermittedSubtrees = new(TagClass.ContextSpecific, 0, isConstructed: true);
    private static readonly Asn1Tag DnsName = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag IpAddress = new(TagClass.ContextSpecific, 7);

    /// <summary>What a person or a health check on the server's own machine calls it. A form of name that no subtree mentions would not be bound at all
    /// (RFC 5280), so there is always one of each: DNS, and both kinds of address.</summary>
    private static readonly string[] OwnMachine = ["localhost", "127.0.0.1", "::1"];

    /// <summary>The names that a certificate under such a root can have, the server's first.</summary>
    public static IReadOnlyList<string> Names(string host) => [.. OwnMachine.Prepend(host).Distinct(StringComparer.OrdinalIgnoreCase)];

    /// <summary>Critical: who does not understand it does not trust the root.</summary>
    public static X509Extension Permit(string host)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSequence(PermittedSubtrees))
        {
            foreach (var name in Names(host))
            {
                using (writer.PushSequence())
                {
                    if (IPAddress.TryParse(name, out var address)) writer.WriteOctetString(Single(address), IpAddress);
                    else writer.WriteCharacterString(UniversalTagNumber.IA5String, name, DnsName);
                }
            }
        }

        return new X509Extension(Oids.NameConstraints, writer.Encode(), critical: true);
    }

    /// <summary>The address and a mask of all its bits.</summary>
    private static byte[] Single(IPAddress address) =>
        [.. address.GetAddressBytes(), .. Enumerable.Repeat((byte)0xFF, address.AddressFamily == AddressFamily.InterNetwork ? 4 : 16)];
}
