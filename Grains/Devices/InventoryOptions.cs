namespace FleetMdm.Grains.Devices;

/// <summary>Section <c>Inventory</c>: how often an iPad that comes is asked about itself, in hours; 0 never.</summary>
public sealed class InventoryOptions
{
    public const string Section = "Inventory";

    private const int MostHours = 8_760;

    /// <summary>Hours between two questions for name, version, battery and storage; 0 never.</summary>
    public int DeviceInformationHours { get; set; } = 24;

    /// <summary>Hours between two questions for passcode and encryption; 0 never.</summary>
    public int SecurityInfoHours { get; set; } = 168;

    /// <summary>Hours between two questions for the apps; 0 never.</summary>
    public int InstalledApplicationListHours { get; set; } = 168;

    /// <summary>Hours between two questions for the profiles; 0 never.</summary>
    public int ProfileListHours { get; set; } = 168;

    /// <summary>Hours between two questions for the certificates; 0 never.</summary>
    public int CertificateListHours { get; set; } = 168;

    internal string? FindFault() =>
        Fault(nameof(DeviceInformationHours), DeviceInformationHours) ?? Fault(nameof(SecurityInfoHours), SecurityInfoHours)
        ?? Fault(nameof(InstalledApplicationListHours), InstalledApplicationListHours) ?? Fault(nameof(ProfileListHours), ProfileListHours)
        ?? Fault(nameof(CertificateListHours), CertificateListHours);

    private static string? Fault(string name, int hours) => hours is >= 0 and <= MostHours
        ? null
        : $"Inventory:{name} must be between 0 (never) and {MostHours}, not {hours}.";
}
