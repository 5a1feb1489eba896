using System.Text;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>A profile that locks an iPad into one app.</summary>
/// <seealso href="https://developer.apple.com/documentation/devicemanagement/applock"/>
internal static class ExamProfile
{
    public static byte[] Bytes() => Encoding.UTF8.GetBytes("""
        <?xml version="1.0" encoding="UTF-8"?>
        <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
        <plist version="1.0">
        <dict>
        	<key>PayloadContent</key>
        	<array>
        		<dict>
        			<key>App</key>
        			<dict>
        				<key>Identifier</key>
        				<string>org.example.exam</string>
        			</dict>
        			<key>PayloadIdentifier</key>
        			<string>org.example.exam.lock</string>
        			<key>PayloadType</key>
        			<string>com.apple.app.lock</string>
        			<key>PayloadUUID</key>
        			<string>7F0C3C0E-4E7C-4B53-9E5B-0D3C5B1E6A01</string>
        			<key>PayloadVersion</key>
        			<integer>1</integer>
        		</dict>
        	</array>
        	<key>PayloadDisplayName</key>
        	<string>Exam</string>
        	<key>PayloadIdentifier</key>
        	<string>org.example.exam</string>
        	<key>PayloadType</key>
        	<string>Configuration</string>
        	<key>PayloadUUID</key>
        	<string>7F0C3C0E-4E7C-4B53-9E5B-0D3C5B1E6A02</string>
        	<key>PayloadVersion</key>
        	<integer>1</integer>
        </dict>
        </plist>
        """);
}
