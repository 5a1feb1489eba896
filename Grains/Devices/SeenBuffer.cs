using System.Collections.Concurrent;
using FleetMdm.Storage.Devices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Devices;

/// <summary>
/// When this node's iPads were last seen: kept in memory, written in one statement every <see cref="FlushEvery"/>.
/// </summary>
/// <remarks>
/// Threads: any grain marks; one loop writes. Bounded by the enrolments that this node serves, since each has one entry. What a
/// crash loses: the times of the last <see cref="FlushEvery"/>, nothing else. A write that fails is tried with the next one.
/// </remarks>
public sealed partial class SeenBuffer(IDeviceStore store, TimeProvider clock, ILogger<SeenBuffer> logger) : BackgroundService
{
    /// <summary>Half of the lateness that administrators are promised (60 s), so that one failed write does not break it.</summary>
    public static readonly TimeSpan FlushEvery = TimeSpan.FromSeconds(30);

    /// <summary>Rows in one statement: large enough to be cheap, small enough not to hold locks for long.</summary>
    private const int MaxBatch = 5_000;

    private ConcurrentDictionary<string, DateTimeOffset> _seen = new(StringComparer.Ordinal);

    public void Mark(string enrolmentId, DateTimeOffset at) => _seen[enrolmentId] = at;

    /// <summary>What this node has not written yet; null when there is nothing.</summary>
    public DateTimeOffset? Find(string enrolmentId) => _seen.TryGetValue(enrolmentId, out var at) ? at : null;

    public async Task Flush()
    {
        var seen = Interlocked.Exchange(ref _seen, new ConcurrentDictionary<string, DateTimeOffset>(StringComparer.Ordinal));
        foreach (var batch in seen.Select(entry => (entry.Key, entry.Value)).Chunk(MaxBatch))
        {
            try
            {
                await store.Touch(batch);
            }
            catch (Exception e)
            {
                LogNotWritten(batch.Length, e);
                foreach (var (id, at) in batch) _seen.TryAdd(id, at);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(FlushEvery, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await Flush();
        }
        catch (OperationCanceledException)
        {
            // Stopping: the last times are written below.
        }

        await Flush();
    }

    [LoggerMessage(2001, LogLevel.Warning, "The times when {Count} iPads were last seen could not be written; they are tried again")]
    private partial void LogNotWritten(int count, Exception exception);
}
