using System.Text;

namespace FleetMdm.Protocol.Tests.Mdm;

/// <summary>Bodies as iPads send them, with invented identities.</summary>
internal static class Samples
{
    public const string Udid = "00008103-001A2B3C4D5E6F70";
    public const string EnrollmentId = "6F2C0A8E-93B1-4D57-8E1F-5A7B9C0D1E2F";
    public const string CommandUuid = "7D3C1B0A-52E5-4B8E-9C61-0F2A4D5E6B7C";
    public const string Pupil = "mira.vogel@appleid.school.example";

    public static readonly byte[] Idle = Document($"""
        	<key>Status</key>
        	<string>Idle</string>
        	<key>UDID</key>
        	<string>{Udid}</string>
        """);

    public static readonly byte[] Authenticate = Document($"""
        	<key>BuildVersion</key>
        	<string>23B85</string>
        	<key>MessageType</key>
        	<string>Authenticate</string>
        	<key>OSVersion</key>
        	<string>26.1</string>
        	<key>ProductName</key>
        	<string>iPad13,18</string>
        	<key>SerialNumber</key>
        	<string>DMQX7K2PN4</string>
        	<key>Topic</key>
        	<string>com.apple.mgmt.External.3b1f0a2c-77d4-4e0b-9b55-2f1d7f0c6a11</string>
        	<key>UDID</key>
        	<string>{Udid}</string>
        """);

    public static readonly byte[] TokenUpdate = Document($"""
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
        	<string>com.apple.mgmt.External.3b1f0a2c-77d4-4e0b-9b55-2f1d7f0c6a11</string>
        	<key>UDID</key>
        	<string>{Udid}</string>
        	<key>UnlockToken</key>
        	<data>
        	AAECAwQFBgcICQoLDA0ODw==
        	</data>
        """);

    public static byte[] Document(string entries) => Encoding.UTF8.GetBytes($"""
        <?xml version="1.0" encoding="UTF-8"?>
        <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
        <plist version="1.0">
        <dict>
        {entries}
        </dict>
        </plist>

        """);
}
