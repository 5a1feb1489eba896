using System.Globalization;
using BenchmarkDotNet.Attributes;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Benchmarks;

/// <summary>
/// What a person waits for who saves a profile: a payload of restrictions with 100 keys is compared with the catalogue. The baseline reads the same profile
/// from its file, which has to be done anyway.
/// </summary>
[MemoryDiagnoser]
public class ProfileCheckBenchmarks
{
    private const int Keys = 100;
    private const string Restrictions = "com.apple.applicationaccess";

    private PlistDictionary _payload = [];
    private byte[] _file = [];

    [GlobalSetup]
    public void Setup()
    {
        _payload = new PlistDictionary
        {
            ["PayloadType"] = new PlistString(Restrictions),
            ["PayloadVersion"] = new PlistInteger(1),
            ["PayloadIdentifier"] = new PlistString("example.district.restrictions.0"),
            ["PayloadUUID"] = new PlistString("0C1B7E52-5C0B-4F0E-8B6E-6B8C2C9D5E22"),
        };
        foreach (var key in AppleCatalogue.Instance.Payloads[Restrictions][0].Keys.Where(key => key.Type == KeyType.Boolean).Take(Keys))
            _payload[key.Name] = PlistBoolean.False;
        if (_payload.Count != Keys + 4)
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"The catalogue has {_payload.Count - 4} such keys."));
        _file = PlistWriter.ToBytes(new PlistDictionary { ["PayloadContent"] = new PlistArray([_payload]) });
    }

    [Benchmark(Baseline = true)]
    public PlistNode Read_the_file() => PlistReader.Read(_file, PlistLimits.Admin);

    [Benchmark]
    public int Check_100_keys() => PayloadCheck.Check(_payload).Problems.Count;
}
