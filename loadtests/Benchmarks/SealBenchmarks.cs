using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Benchmarks;

/// <summary>What sealing adds to a command: its body named and sealed, its answer sealed; against the plain SHA-256 that there was before.</summary>
[Config(typeof(InThisProcess))]
[MemoryDiagnoser]
public class SealBenchmarks
{
    private readonly BodySealer _sealer = new(RandomNumberGenerator.GetBytes(64));
    private byte[] _content = [];
    private byte[] _name = [];
    private byte[] _stored = [];

    [Params(500, 3_000)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Make()
    {
        _content = RandomNumberGenerator.GetBytes(Bytes);
        _name = _sealer.Name(_content);
        _stored = _sealer.SealBody(_name, _content);
    }

    [Benchmark(Baseline = true)]
    public byte[] Hashed() => SHA256.HashData(_content);

    [Benchmark]
    public byte[] NamedAndSealed() => _sealer.SealBody(_sealer.Name(_content), _content);

    [Benchmark]
    public byte[] AnswerSealed() => _sealer.SealAnswer(42, _content);

    [Benchmark]
    public byte[] Opened() => _sealer.OpenBody(_name, _stored);

    private sealed class InThisProcess : ManualConfig
    {
        public InThisProcess() => AddJob(Job.ShortRun.WithToolchain(new InProcessNoEmitToolchain(TimeSpan.FromMinutes(10), logOutput: true)));
    }
}
