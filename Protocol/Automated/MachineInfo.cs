using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Automated;

/// <summary>What an iPad in Setup Assistant says of itself when it asks for its enrolment profile (Apple, MachineInfo). Worth what the signature around it is worth.</summary>
public sealed record MachineInfo
{
    private const int LongestText = 1_000;

    public string? Udid { get; init; }
    public string? SerialNumber { get; init; }
    public string? OsVersion { get; init; }
    public string? BuildVersion { get; init; }
    public string? ProductName { get; init; }
    /// <summary>It can be told to update itself first.</summary>
    public bool CanUpdate { get; init; }

    /// <exception cref="PlistFormatException">Not a property list.</exception>
    public static MachineInfo Read(byte[] content)
    {
        var info = PlistReader.ReadDictionary(content, PlistLimits.Device);
        return new MachineInfo
        {
            Udid = Text("UDID"),
            SerialNumber = Text("SERIAL"),
            OsVersion = Text("OS_VERSION"),
            BuildVersion = Text("VERSION"),
            ProductName = Text("PRODUCT"),
            CanUpdate = info.TryGetValue("MDM_CAN_REQUEST_SOFTWARE_UPDATE", out var can) && can is PlistBoolean { Value: true },
        };

        string? Text(string key) => info.GetString(key) is { Length: > 0 and <= LongestText } text ? text : null;
    }

    /// <summary>Whether the iPad has to update itself first. One that does not say its version, or cannot be told to update, is let in.</summary>
    /// <param name="minimum">As in 18.1 or 18.1.1.</param>
    public bool MustUpdateTo(string minimum) => CanUpdate && IPadOsVersion.Compare(OsVersion, IPadOsVersion.Stored(minimum)) < 0;
}
