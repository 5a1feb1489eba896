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

    /// <summary>In ticks of UTC, which are written in place: marking again allocates nothing.</summary>
    private readonly ConcurrentDictionary<string, long> _seen = new(StringComparer.Ordinal);

    public void Mark(string enrolmentId, DateTimeOffset at) => _seen[enrolmentId] = at.UtcTicks;

    /// <summary>What this node has not written yet; null when there is nothing.</summary>
    public DateTimeOffset? Find(string enrolmentId) => _seen.TryGetValue(enrolmentId, out var ticks) ? At(ticks) : null;

    /// <summary>
    /// Writes what was marked until now. An entry leaves only when it is written and was not marked again meanwhile: a time marked
    /// during a write is neither lost nor invisible to a grain that activates then.
    /// </summary>
    public async Task Flush()
    {
        foreach (var batch in _seen.ToArray().Chunk(MaxBatch))
        {
            try
            {
                await store.Touch([.. batch.Select(entry => (entry.Key, At(entry.Value)))]);
                foreach (var entry in batch) _seen.TryRemove(entry);
            }
            catch (Exception e)
            {
                LogNotWritten(batch.Length, e);
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

    private static DateTimeOffset At(long ticks) => new(ticks, TimeSpan.Zero);

    [LoggerMessage(2001, LogLevel.Warning, "The times when {Count} iPads were last seen could not be written; they are tried again")]
    private partial void LogNotWritten(int count, Exception exception);
}
