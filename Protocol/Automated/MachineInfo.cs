using System.Globalization;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Automated;

/// <summary>What an iPad in Setup Assistant says of itself when it asks for its enrolment profile (Apple, MachineInfo). Worth what the signature around it is worth.</summary>
public sealed record MachineInfo
{
    private const int LongestText = 1_000;

    /// <summary>What a build of iPadOS 17 begins with.</summary>
    private const int SaysVersionFrom = 21;

    public string? Udid { get; init; }
    public string? SerialNumber { get; init; }
    public string? OsVersion { get; init; }
    public string? BuildVersion { get; init; }
    public string? ProductName { get; init; }
    /// <summary>It can be told to update itself first.</summary>
    public bool CanUpdate { get; init; }

    /// <exception cref="PlistFormatException">Not a property list, or what an iPad answers to somebody's profile of Profile Service: signed in the same way, and anybody can make its user send that.</exception>
    public static MachineInfo Read(byte[] content)
    {
        var info = PlistReader.ReadDictionary(content, PlistLimits.Device);
        var read = new MachineInfo
        {
            Udid = Text("UDID"),
            SerialNumber = Text("SERIAL"),
            OsVersion = Text("OS_VERSION"),
            BuildVersion = Text("VERSION"),
            ProductName = Text("PRODUCT"),
            CanUpdate = info.TryGetValue("MDM_CAN_REQUEST_SOFTWARE_UPDATE", out var can) && can is PlistBoolean { Value: true },
        };
        // Such a profile may ask for no challenge, but an iPad says no OS_VERSION in its answer; here it always does, from iPadOS 17 on.
        return info.ContainsKey("CHALLENGE") || (read.OsVersion is null && MajorOf(read.BuildVersion) >= SaysVersionFrom)
            ? throw new PlistFormatException(PlistReason.UnexpectedContent, "It is the answer to another profile.")
            : read;

        string? Text(string key) => info.GetString(key) is { Length: > 0 and <= LongestText } text ? text : null;
    }

    /// <summary>21 of 21A342.</summary>
    private static int MajorOf(string? build) =>
        build is null ? 0 : int.TryParse(build.AsSpan(0, build.AsSpan().IndexOfAnyExceptInRange('0', '9') is var end and >= 0 ? end : build.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var major) ? major : 0;

    /// <summary>Whether the iPad has to update itself first. One that does not say its version, or cannot be told to update, is let in.</summary>
    /// <param name="minimum">As in 18.1 or 18.1.1.</param>
    public bool MustUpdateTo(string minimum) => CanUpdate && IPadOsVersion.Compare(OsVersion, IPadOsVersion.Stored(minimum)) < 0;
}
