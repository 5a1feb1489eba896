using System.Diagnostics;

namespace FleetMdm.LoadTests.Driver;

/// <summary>One step of a worker: sends what it has to send on its connection and returns the status, or -1 when it has nothing more
/// to do.</summary>
public delegate int LoadStep(int worker, HttpConnection connection);

/// <summary>A load phase as it was.</summary>
public sealed record LoadResult(string Name, int Workers, double Seconds, Measurement Measurement)
{
    public double PerSecond => Measurement.Count / Seconds;
}

/// <summary>
/// Worker threads with a connection each. Full: each sends as soon as it has its answer, which finds the capacity. Paced: requests are due at
/// fixed times whatever the server does, and a latency counts from the time when the request was due; so a server that stalls
/// cannot hide it by slowing the driver (no coordinated omission).
/// </summary>
public static class Load
{
    /// <summary>Workers go until they have nothing to do, or until the time is over.</summary>
    public static LoadResult Full(string name, HttpTarget target, int workers, TimeSpan? duration, LoadStep step, Action<long>? progress = null) =>
        Run(name, target, workers, (worker, connection, measurement, began) =>
        {
            var end = duration is { } time ? began + (long)(time.TotalSeconds * Stopwatch.Frequency) : long.MaxValue;
            for (var now = Stopwatch.GetTimestamp(); now < end;)
            {
                var status = Try(step, worker, connection);
                if (status < 0) return;
                var after = Stopwatch.GetTimestamp();
                measurement.Record(now, after, status);
                now = after;
            }
        }, progress);

    /// <summary>So many requests a second, spread evenly.</summary>
    public static LoadResult Paced(
        string name, HttpTarget target, int workers, double perSecond, TimeSpan duration, LoadStep step, Action<long>? progress = null)
    {
        var total = (long)(perSecond * duration.TotalSeconds);
        var next = -1L;
        return Run(name, target, workers, (worker, connection, measurement, began) =>
        {
            while (true)
            {
                var number = Interlocked.Increment(ref next);
                if (number >= total) return;
                var due = began + (long)(number / perSecond * Stopwatch.Frequency);
                var sent = WaitUntil(due);
                var status = Try(step, worker, connection);
                if (status < 0) return;
                measurement.Record(Math.Min(due, sent), Stopwatch.GetTimestamp(), status);
            }
        }, progress);
    }

    /// <summary>Sleeps, never spins: the server needs the core. Up to a millisecond early, and then counts from there.</summary>
    private static long WaitUntil(long due)
    {
        while (true)
        {
            var now = Stopwatch.GetTimestamp();
            var milliseconds = (int)((due - now) * 1000 / Stopwatch.Frequency);
            if (milliseconds < 1) return now;
#pragma warning disable RS0030 // A thread of the driver's own, that blocks by design.
            Thread.Sleep(milliseconds);
#pragma warning restore RS0030
        }
    }

    private static int Try(LoadStep step, int worker, HttpConnection connection)
    {
        try
        {
            return step(worker, connection);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static LoadResult Run(
        string name, HttpTarget target, int workers, Action<int, HttpConnection, Measurement, long> work, Action<long>? progress)
    {
        // Threads that wait do not spin: of thousands of them each would, for as long as the next one takes to start.
        using var ready = new CountdownEvent(workers);
        using var start = new ManualResetEventSlim(initialState: false, spinCount: 0);
        var began = 0L;
        var measurements = new Measurement[workers];
        Exception? failure = null;
        var threads = new Thread[workers];
        for (var i = 0; i < workers; i++)
        {
            var worker = i;
            threads[i] = new Thread(() =>
            {
                using var connection = new HttpConnection(target, worker);
                ready.Signal();
                start.Wait();
                var measurement = measurements[worker] = new Measurement(began);
                try
                {
                    work(worker, connection, measurement, began);
                }
                catch (Exception e)
                {
                    failure = e;
                }
            }, maxStackSize: 512 * 1024)
            { IsBackground = true };
            threads[i].Start();
        }

        ready.Wait();
        began = Stopwatch.GetTimestamp();
        start.Set();
        foreach (var thread in threads)
        {
            while (!thread.Join(TimeSpan.FromMilliseconds(500)))
                progress?.Invoke(measurements.Sum(measurement => measurement?.Count ?? 0));
        }

        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        if (failure is not null) throw new InvalidOperationException($"The load \"{name}\" broke off: {failure.Message}", failure);
        var all = new Measurement(began);
        foreach (var measurement in measurements) all.Add(measurement);
        return new LoadResult(name, workers, seconds, all);
    }
}
