using System.Globalization;
using System.Text;
using System.Xml;
using BenchmarkDotNet.Attributes;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Benchmarks;

/// <summary>
/// The first step of every request of an iPad. The baseline does the same with the framework's XmlReader, bounded as it would have
/// to be: picks sender, status and command, and skips the rest. The tree is what reading everything costs.
/// </summary>
[MemoryDiagnoser]
public class PlistBenchmarks
{
    private const int InventoryBytes = 1_000_000;

    private static readonly XmlReaderSettings Settings = new()
    {
        DtdProcessing = DtdProcessing.Ignore,
        XmlResolver = null,
        MaxCharactersInDocument = PlistLimits.DeviceBytes,
        MaxCharactersFromEntities = 1024,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
        IgnoreWhitespace = true,
    };

    private byte[] _body = [];

    public enum Body
    {
        Idle,
        DeviceInformation,
        InstalledApplicationList,
    }

    [ParamsAllValues]
    public Body Message { get; set; }

    [GlobalSetup]
    public void Setup() => _body = Message switch
    {
        Body.Idle => Report("<key>Status</key>\n\t<string>Idle</string>"),
        Body.DeviceInformation => Report($"{Acknowledged}\n\t{DeviceInformation}"),
        _ => Report($"{Acknowledged}\n\t{Applications()}"),
    };

    [Benchmark(Baseline = true)]
    public string? XmlReaderRouting()
    {
        string? udid = null;
        string? status = null;
        string? commandUuid = null;
        using var reader = XmlReader.Create(new MemoryStream(_body), Settings);
        reader.ReadToFollowing("dict");
        reader.ReadStartElement("dict");
        while (reader.NodeType == XmlNodeType.Element)
        {
            var key = reader.ReadElementContentAsString();
            switch (key)
            {
                case "UDID":
                    udid = reader.ReadElementContentAsString();
                    break;
                case "Status":
                    status = reader.ReadElementContentAsString();
                    break;
                case "CommandUUID":
                    commandUuid = reader.ReadElementContentAsString();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        reader.ReadEndElement();
        while (reader.Read())
        {
        }

        return status == "Idle" ? udid : commandUuid;
    }

    [Benchmark]
    public MdmMessage Routing() => MdmMessageReader.Read(_body, PlistLimits.Device);

    [Benchmark]
    public PlistNode Tree() => PlistReader.Read(_body, PlistLimits.Device);

    private const string Acknowledged = "<key>CommandUUID</key>\n\t<string>7D3C1B0A-52E5-4B8E-9C61-0F2A4D5E6B7C</string>\n\t<key>Status</key>\n\t<string>Acknowledged</string>";

    private const string DeviceInformation = """
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
        		<key>OSVersion</key>
        		<string>26.1</string>
        		<key>ProductName</key>
        		<string>iPad13,18</string>
        		<key>SerialNumber</key>
        		<string>DMQX7K2PN4</string>
        		<key>WiFiMAC</key>
        		<string>f4:34:f0:00:00:01</string>
        	</dict>
        """;

    private static string Applications()
    {
        var apps = new StringBuilder("<key>InstalledApplicationList</key>\n\t<array>");
        for (var number = 0; apps.Length < InventoryBytes; number++)
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

        return apps.Append("\n\t</array>").ToString();
    }

    private static byte[] Report(string entries) => Encoding.UTF8.GetBytes($"""
        <?xml version="1.0" encoding="UTF-8"?>
        <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
        <plist version="1.0">
        <dict>
        	{entries}
        	<key>UDID</key>
        	<string>00008103-001A2B3C4D5E6F70</string>
        </dict>
        </plist>

        """);
}
