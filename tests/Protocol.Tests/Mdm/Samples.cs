using System.Globalization;
using System.Text;

namespace FleetMdm.Protocol.Tests.Mdm;

/// <summary>Bodies as iPads send them, with invented identities.</summary>
internal static class Samples
{
    public const string Udid = "00008103-001A2B3C4D5E6F70";
    public const string EnrollmentId = "6F2C0A8E-93B1-4D57-8E1F-5A7B9C0D1E2F";
    public const string CommandUuid = "7D3C1B0A-52E5-4B8E-9C61-0F2A4D5E6B7C";
    public const string Topic = "com.apple.mgmt.External.3b1f0a2c-77d4-4e0b-9b55-2f1d7f0c6a11";
    public const string Pupil = "mira.vogel@appleid.school.example";

    public const string UdidEntry = $"""
        	<key>UDID</key>
        	<string>{Udid}</string>
        """;

    public const string SharedUserEntries = $"""
        	<key>UserID</key>
        	<string>FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF</string>
        	<key>UserLongName</key>
        	<string>Mira Vogel</string>
        	<key>UserShortName</key>
        	<string>{Pupil}</string>
        """;

    public static readonly byte[] Idle = Document($"""
        	<key>Status</key>
        	<string>Idle</string>
        {UdidEntry}
        """);

    public static readonly byte[] Authenticate = Document($"""
        	<key>BuildVersion</key>
        	<string>23B85</string>
        	<key>IMEI</key>
        	<string>35 982110 443127 6</string>
        	<key>MEID</key>
        	<string>35982110443127</string>
        	<key>MessageType</key>
        	<string>Authenticate</string>
        	<key>OSVersion</key>
        	<string>26.1</string>
        	<key>ProductName</key>
        	<string>iPad13,18</string>
        	<key>SerialNumber</key>
        	<string>DMQX7K2PN4</string>
        	<key>Topic</key>
        	<string>{Topic}</string>
        {UdidEntry}
        """);

    /// <summary>A User Enrollment tells neither UDID nor serial number.</summary>
    public static readonly byte[] UserEnrollmentAuthenticate = Document($"""
        	<key>EnrollmentID</key>
        	<string>{EnrollmentId}</string>
        	<key>MessageType</key>
        	<string>Authenticate</string>
        	<key>OSVersion</key>
        	<string>26.1</string>
        	<key>ProductName</key>
        	<string>iPad14,3</string>
        	<key>Topic</key>
        	<string>{Topic}</string>
        """);

    public static readonly byte[] TokenUpdate = Document(TokenUpdateEntries(UdidEntry));

    public static readonly byte[] SharedUserTokenUpdate = Document(TokenUpdateEntries(UdidEntry + "\n" + SharedUserEntries));

    public static readonly byte[] FailedInstall = Document($"""
        	<key>CommandUUID</key>
        	<string>{CommandUuid}</string>
        	<key>ErrorChain</key>
        	<array>
        		<dict>
        			<key>ErrorCode</key>
        			<integer>4001</integer>
        			<key>ErrorDomain</key>
        			<string>MCInstallationErrorDomain</string>
        			<key>LocalizedDescription</key>
        			<string>Das Profil „WLAN Schulhaus“ konnte nicht installiert werden.</string>
        			<key>USEnglishDescription</key>
        			<string>The profile “WLAN Schulhaus” could not be installed.</string>
        		</dict>
        		<dict>
        			<key>ErrorCode</key>
        			<integer>1009</integer>
        			<key>ErrorDomain</key>
        			<string>MCProfileErrorDomain</string>
        			<key>LocalizedDescription</key>
        			<string>Das Profil ist ungültig.</string>
        		</dict>
        	</array>
        	<key>Status</key>
        	<string>Error</string>
        {UdidEntry}
        """);

    public static readonly byte[] DeviceInformation = Document($"""
        	<key>CommandUUID</key>
        	<string>{CommandUuid}</string>
        	<key>QueryResponses</key>
        	<dict>
        		<key>AvailableDeviceCapacity</key>
        		<real>48.221184</real>
        		<key>BatteryLevel</key>
        		<real>0.87</real>
        		<key>DeviceName</key>
        		<string>iPad 5b &amp; 6a</string>
        		<key>IsSupervised</key>
        		<true/>
        		<key>LastCloudBackupDate</key>
        		<date>2026-11-20T22:14:09Z</date>
        		<key>OSVersion</key>
        		<string>26.1</string>
        		<key>ServiceSubscriptions</key>
        		<array/>
        		<key>Status</key>
        		<string>not the status of the report</string>
        		<key>UDID</key>
        		<string>not the sender of the report</string>
        	</dict>
        	<key>Status</key>
        	<string>Acknowledged</string>
        {UdidEntry}
        """);

    public static byte[] Report(string status, string entries) => Document($"""
        	<key>CommandUUID</key>
        	<string>{CommandUuid}</string>
        	<key>Status</key>
        	<string>{status}</string>
        {entries}
        """);

    public static byte[] CheckIn(string messageType, string entries = "") => Document($"""
        	<key>MessageType</key>
        	<string>{messageType}</string>
        {entries}
        {UdidEntry}
        """);

    /// <summary>The inventory of an iPad with very many apps, about as long as asked for.</summary>
    public static byte[] InstalledApplications(int bytes)
    {
        var apps = new StringBuilder();
        for (var number = 0; apps.Length < bytes; number++)
        {
            apps.Append(CultureInfo.InvariantCulture, $"""

                		<dict>
                			<key>BundleSize</key>
                			<integer>{123_456_789 + number}</integer>
                			<key>Identifier</key>
                			<string>example.school.app{number}</string>
                			<key>Installing</key>
                			<false/>
                			<key>Name</key>
                			<string>Lern-App &amp; Übung {number}</string>
                			<key>ShortVersion</key>
                			<string>4.{number}.1</string>
                		</dict>
                """);
        }

        return Report("Acknowledged", $"	<key>InstalledApplicationList</key>\n	<array>{apps}</array>\n{UdidEntry}");
    }

    public static byte[] Document(string entries) => Encoding.UTF8.GetBytes($"""
        <?xml version="1.0" encoding="UTF-8"?>
        <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
        <plist version="1.0">
        <dict>
        {entries}
        </dict>
        </plist>

        """);

    private static string TokenUpdateEntries(string sender) => $"""
        	<key>AwaitingConfiguration</key>
        	<true/>
        	<key>MessageType</key>
        	<string>TokenUpdate</string>
        	<key>PushMagic</key>
        	<string>5C0E7A41-8B93-4F6D-A2C8-91D3E4F50617</string>
        	<key>Token</key>
        	<data>
        	q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=
        	</data>
        	<key>Topic</key>
        	<string>{Topic}</string>
        {sender}
        	<key>UnlockToken</key>
        	<data>
        	AAECAwQFBgcICQoLDA0ODw==
        	</data>
        """;
}
