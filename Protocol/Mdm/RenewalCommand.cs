using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Mdm;

/// <summary>
/// InstallProfile with the enrolment profile: it makes an iPad renew its identity certificate. The profile holds a one-time challenge and is
/// made when the command leaves; what is stored is <see cref="Stored"/>, the same for every iPad.
/// </summary>
public static class RenewalCommand
{
    public const string RequestType = "InstallProfile";

    /// <summary>What stands in the queue for it. No iPad ever sees this.</summary>
    public static readonly byte[] Stored =
        "<dict><key>RequestType</key><string>InstallProfile</string><key>com.fleetmdm.renewal</key><true/></dict>"u8.ToArray();

    /// <summary>What the iPad is sent.</summary>
    /// <param name="profile">The enrolment profile, signed.</param>
    public static byte[] WithProfile(byte[] profile) =>
        PlistWriter.ToFragment(new PlistDictionary { ["RequestType"] = RequestType, ["Payload"] = profile });
}
