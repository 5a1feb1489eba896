using System.Text;

namespace FleetMdm.LoadTests.Fleet;

/// <summary>The messages of an iPad, as Apple's documentation describes them and iOS 18 writes them.</summary>
/// <seealso href="https://developer.apple.com/documentation/devicemanagement/check-in"/>
internal static class Messages
{
    public const string CheckInPath = "/mdm/checkin";
    public const string ConnectPath = "/mdm/connect";

    private const string Head =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n";

    private const string Foot = "</dict>\n</plist>\n";

    public static string Idle(string udid) => $"{Head}\t<key>Status</key>\n\t<string>Idle</string>\n\t<key>UDID</key>\n\t<string>{udid}</string>\n{Foot}";

    public static string Acknowledged(string udid, string commandUuid) =>
        $"{Head}\t<key>CommandUUID</key>\n\t<string>{commandUuid}</string>\n\t<key>Status</key>\n\t<string>Acknowledged</string>\n\t<key>UDID</key>\n\t<string>{udid}</string>\n{Foot}";

    /// <param name="answer">Keys and values beside those that say whose it is.</param>
    public static string Acknowledged(string udid, string commandUuid, string answer) =>
        $"{Head}\t<key>CommandUUID</key>\n\t<string>{commandUuid}</string>\n{answer}\t<key>Status</key>\n\t<string>Acknowledged</string>\n\t<key>UDID</key>\n\t<string>{udid}</string>\n{Foot}";

    /// <param name="data">JSON; null: none.</param>
    public static string DeclarativeManagement(string udid, string endpoint, byte[]? data) =>
        $"{Head}{(data is null ? "" : $"\t<key>Data</key>\n\t<data>{Convert.ToBase64String(data)}</data>\n")}\t<key>Endpoint</key>\n\t<string>{endpoint}</string>\n\t<key>MessageType</key>\n\t<string>DeclarativeManagement</string>\n\t<key>UDID</key>\n\t<string>{udid}</string>\n{Foot}";

    public static string Authenticate(string udid, string topic, int number) =>
        $"""
        {Head}	<key>BuildVersion</key>
        	<string>22D60</string>
        	<key>DeviceName</key>
        	<string>iPad {number}</string>
        	<key>MessageType</key>
        	<string>Authenticate</string>
        	<key>Model</key>
        	<string>MPQ03</string>
        	<key>ModelName</key>
        	<string>iPad</string>
        	<key>OSVersion</key>
        	<string>18.3</string>
        	<key>ProductName</key>
        	<string>iPad13,18</string>
        	<key>SerialNumber</key>
        	<string>L{udid[4..8]}{number:X7}</string>
        	<key>Topic</key>
        	<string>{topic}</string>
        	<key>UDID</key>
        	<string>{udid}</string>
        {Foot}
        """;

    public static string TokenUpdate(string udid, string topic, byte[] token) =>
        $"""
        {Head}	<key>AwaitingConfiguration</key>
        	<false/>
        	<key>MessageType</key>
        	<string>TokenUpdate</string>
        	<key>NotOnConsole</key>
        	<false/>
        	<key>PushMagic</key>
        	<string>{Convert.ToHexString(token.AsSpan(0, 16))}</string>
        	<key>Token</key>
        	<data>{Convert.ToBase64String(token)}</data>
        	<key>Topic</key>
        	<string>{topic}</string>
        	<key>UDID</key>
        	<string>{udid}</string>
        {Foot}
        """;

    /// <summary>Reads it from a command without parsing the rest: the driver must stay cheap.</summary>
    /// <exception cref="IOException">There is none.</exception>
    public static string CommandUuid(ReadOnlySpan<byte> body)
    {
        var at = body.IndexOf("<key>CommandUUID</key>"u8);
        if (at < 0) throw new IOException("The answer is not empty and has no CommandUUID.");
        var rest = body[at..];
        var from = rest.IndexOf("<string>"u8) + 8;
        return Encoding.UTF8.GetString(rest[from..(from + rest[from..].IndexOf("</string>"u8))]);
    }
}
