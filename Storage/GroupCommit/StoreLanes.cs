using Microsoft.Extensions.Logging;

namespace FleetMdm.Storage.GroupCommit;

/// <summary>The lanes of one store: writers, chosen by what must keep its order, and readers, chosen in turn.</summary>
internal sealed class StoreLanes : IAsyncDisposable
{
    private readonly Lane[] _writers;
    private readonly Lane[] _readers;
    private uint _turn;

    public StoreLanes(
        IEnumerable<IBatchExecutor> writers, IEnumerable<IBatchExecutor> readers, StorageMetrics metrics, ILogger<StoreLanes> logger)
    {
        _writers = [.. writers.Select((executor, i) => new Lane($"write-{i}", executor, metrics, logger))];
        _readers = [.. readers.Select((executor, i) => new Lane($"read-{i}", executor, metrics, logger))];
    }

    public IReadOnlyList<Lane> Writers => _writers;

    public IReadOnlyList<Lane> Readers => _readers;

    /// <summary>The lane of a device, its user channels included.</summary>
    public Lane Writer(string enrolmentId)
    {
        var colon = enrolmentId.IndexOf(':', StringComparison.Ordinal);
        var hash = string.GetHashCode(colon < 0 ? enrolmentId : enrolmentId.AsSpan(0, colon));
        return _writers[(uint)hash % _writers.Length];
    }

    public Lane Writer(byte[] hash) => _writers[hash[0] % _writers.Length];

    public Lane Reader() => _readers[Interlocked.Increment(ref _turn) % _readers.Length];

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_writers.Select(lane => lane.DisposeAsync().AsTask()));
        await Task.WhenAll(_readers.Select(lane => lane.DisposeAsync().AsTask()));
    }
}
