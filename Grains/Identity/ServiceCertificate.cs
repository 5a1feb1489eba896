using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Grains.Identity;

/// <summary>When a certificate that a CA of ours gave to a service of ours is renewed.</summary>
internal static class ServiceCertificate
{
    /// <summary>With a third of its life left: time for many failed attempts. One that ends with the CA cannot get longer.</summary>
    public static bool IsDue(SealedCertificate certificate, DateTimeOffset endOfCa, DateTimeOffset now)
    {
        var parsed = IdentityCertificate.Parse(certificate.Certificate);
        return parsed.NotAfter < endOfCa && now > parsed.NotAfter - (parsed.NotAfter - parsed.NotBefore) / 3;
    }
}
