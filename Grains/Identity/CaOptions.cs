using FleetMdm.Protocol.Identity;

namespace FleetMdm.Grains.Identity;

/// <summary>
/// Section <c>Ca</c>: how the built-in certificate authority is made. Read once, when it is made at the first start: a root
/// that iPads trust cannot be exchanged by changing an option.
/// </summary>
public sealed class CaOptions
{
    public const string Section = "Ca";

    /// <summary>RSA is what every SCEP client has met: those in Go encrypt to each certificate that GetCACert gives, and fail on an EC one. It costs
    /// 2 to 3 ms of CPU for each certificate that is issued.</summary>
    public CaKeyType KeyType { get; set; } = CaKeyType.Rsa3072;

    /// <summary>The district's name, as iPads show it. At most 48 characters, so that what is added to it fits a certificate.</summary>
    public string Organization { get; set; } = "FleetMdm";

    /// <summary>1 to 40. Every iPad has to enrol anew when the root ends, so it outlives several generations of them.</summary>
    public int LifetimeYears { get; set; } = 20;

    /// <summary>Of the certificates that open SCEP requests and sign profiles; 30 to 3650. They are renewed by themselves when
    /// a third of it is left.</summary>
    public int ServiceCertificateDays { get; set; } = 730;

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault()
    {
        if (!Enum.IsDefined(KeyType))
            return $"Ca:KeyType must be one of {string.Join(", ", Enum.GetNames<CaKeyType>())}, but is \"{KeyType}\".";
        if (string.IsNullOrWhiteSpace(Organization) || Organization.Length > 48 || Organization.Any(char.IsControl))
            return "Ca:Organization must be a name of 1 to 48 characters.";
        if (LifetimeYears is < 1 or > 40)
            return $"Ca:LifetimeYears must be 1 to 40, but is {LifetimeYears}.";
        if (ServiceCertificateDays is < 30 or > 3650)
            return $"Ca:ServiceCertificateDays must be 30 to 3650, but is {ServiceCertificateDays}.";
        return null;
    }
}
