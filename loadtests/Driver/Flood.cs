using System.Diagnostics;
using System.Net.Sockets;

namespace FleetMdm.LoadTests.Driver;

/// <summary>
/// More connections than threads could serve, each of which waits for its answer: the paced load of <see cref="Load"/> for a server that is to be
/// overwhelmed. Requests are due at fixed times, on whichever connection is free; what is due and finds none until the time is over is left out.
/// </summary>
/// <remarks>Threads: the pool's. A latency counts from the time when the request was due. A connection that breaks is opened anew for its next
/// request. Who has no answer <see cref="Patience"/> after the time is over never gets one.</remarks>
public sealed class Flood(string name, HttpTarget target, int connections, double perSecond, TimeSpan duration, Func<ReadOnlyMemory<byte>> next)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private readonly Stream?[] _streams = new Stream?[connections];
    private readonly int[] _done = new int[(int)(duration + Patience).TotalSeconds + 1];
    private long _due = -1;

    /// <summary>How many were answered 200 in each second since the beginning.</summary>
    public IReadOnlyList<int> Done => _done;

    /// <summary>Opens the connections.</summary>
    public void Connect() =>
        Parallel.For(0, connections, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => _streams[i] = target.Connect(i, null));

    /// <summary>Sends until the time is over, and waits for the answers.</summary>
    public async Task<LoadResult> Run()
    {
        var began = Stopwatch.GetTimestamp();
        var measurement = new Measurement(began);
        var workers = Task.WhenAll(Enumerable.Range(0, connections).Select(i => Task.Run(() => Work(i, measurement, began))));
        try
        {
            await workers.WaitAsync(duration + Patience, TimeProvider.System);
        }
        catch (TimeoutException)
        {
            // Whoever still waits meets a connection that is gone.
            foreach (var stream in _streams) stream?.Dispose();
            await workers;
        }

        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        foreach (var stream in _streams) stream?.Dispose();
        return new LoadResult(name, connections, seconds, measurement);
    }

    private async Task Work(int connection, Measurement measurement, long began)
    {
        var buffer = new byte[HttpExchange.LongestAnswer];
        while (true)
        {
            var due = began + (long)(Interlocked.Increment(ref _due) / perSecond * Stopwatch.Frequency);
            var early = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
            if (early > TimeSpan.Zero) await Task.Delay(early, TimeProvider.System);
            if (Stopwatch.GetElapsedTime(began) >= duration) return;

            var sent = Stopwatch.GetTimestamp();
            int status;
            try
            {
                var stream = _streams[connection] ??= target.Connect(connection, null);
                (status, var close) = await HttpExchange.Send(stream, next(), buffer);
                if (close) Close(connection);
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
            {
                status = 0;
                Close(connection);
            }

            lock (_lock)
            {
                var ended = Stopwatch.GetTimestamp();
                var second = (int)Stopwatch.GetElapsedTime(began, ended).TotalSeconds;
                if (status == 200 && second < _done.Length) _done[second]++;
                measurement.Record(Math.Min(due, sent), ended, status);
            }
        }
    }

    private void Close(int connection)
    {
        _streams[connection]?.Dispose();
        _streams[connection] = null;
    }
}
