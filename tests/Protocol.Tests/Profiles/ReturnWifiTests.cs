using System.Text;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Protocol.Tests.Profiles;

public sealed class ReturnWifiTests
{
    private static byte[] Profile(string more) => Encoding.UTF8.GetBytes($"""
        <plist version="1.0"><dict><key>PayloadType</key><string>Configuration</string>{more}<key>PayloadContent</key><array><dict>
        <key>PayloadType</key><string>com.apple.wifi.managed</string><key>SSID_STR</key><string>School</string><key>EncryptionType</key><string>WPA2</string>
        <key>Password</key><string>pupils</string></dict></array></dict></plist>
        """);

    [Theory]
    [InlineData("<key>RemovalDate</key><date>2030-01-01T00:00:00Z</date>")]
    [InlineData("<key>DurationUntilRemoval</key><real>3600</real>")]
    public void A_profile_that_removes_itself_is_refused(string more)
    {
        Assert.Null(ReturnWifi.FindFault(Profile("")));
        Assert.Contains("remove it by itself", ReturnWifi.FindFault(Profile(more)), StringComparison.Ordinal);
    }
}
