using BenchmarkDotNet.Attributes;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Benchmarks;

/// <summary>
/// What is done with a profile that somebody hands in: 100 restrictions and a Wi-Fi network. The baseline only reads the property list. A check is to
/// take less than 1 ms, with reading.
/// </summary>
[MemoryDiagnoser]
public class ProfileBenchmarks
{
    private const int Keys = 100;

    private static readonly ProfileRules Rules = new() { Now = new DateTimeOffset(2027, 3, 1, 8, 0, 0, TimeSpan.Zero) };

    private byte[] _file = [];

    [GlobalSetup]
    public void Setup()
    {
        var restrictions = Payload("com.apple.applicationaccess", 1);
        foreach (var key in AppleCatalogue.Instance.Payloads["com.apple.applicationaccess"][0].OwnKeys.Where(key => key.Type == KeyType.Boolean).Take(Keys))
            restrictions[key.Name] = false;
        var wifi = Payload("com.apple.wifi.managed", 2);
        wifi["SSID_STR"] = "School";
        wifi["EncryptionType"] = "WPA2";
        wifi["Password"] = "eight characters";
        _file = PlistWriter.ToBytes(new PlistDictionary
        {
            ["PayloadType"] = "Configuration",
            ["PayloadVersion"] = 1,
            ["PayloadIdentifier"] = "example.school",
            ["PayloadUUID"] = "7D3C1B0A-52E5-4B8E-9C61-0F2A4D5E0000",
            ["PayloadContent"] = new PlistArray { restrictions, wifi },
        });
    }

    [Benchmark(Baseline = true)]
    public PlistNode Read() => PlistReader.Read(_file, PlistLimits.Admin);

    [Benchmark]
    public ProfileInspection Inspect() => ProfileInspection.OfFile(_file, Rules);

    private static PlistDictionary Payload(string type, int number) => new()
    {
        ["PayloadType"] = type,
        ["PayloadVersion"] = 1,
        ["PayloadIdentifier"] = $"example.school.{number}",
        ["PayloadUUID"] = $"7D3C1B0A-52E5-4B8E-9C61-0F2A4D5E{number:X4}",
    };
}
