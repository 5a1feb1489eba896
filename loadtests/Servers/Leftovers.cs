using System.Runtime.InteropServices;

namespace FleetMdm.LoadTests.Servers;

/// <summary>What must not outlive the load test when somebody stops it in its middle (Ctrl+C, SIGTERM): servers, a PostgreSQL, folders.</summary>
internal static class Leftovers
{
    private static readonly Lock Lock = new();
    private static readonly List<Func<Task>> Removals = [];
    private static readonly List<PosixSignalRegistration> Signals = [];
    private static bool _stopped;

    /// <summary>Somebody has stopped the load test: what goes wrong now is no news.</summary>
    public static bool AreBeingRemoved => Volatile.Read(ref _stopped);

    /// <summary>From now on a signal removes them, the last one first, and ends the process as the signal would have.</summary>
    public static void RemoveWhenStopped()
    {
        Signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, 130)));
        Signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, 143)));
    }

    /// <returns>What removes it, and forgets it. It runs once, however often it is called: who is stopped in the middle of an ending meets the ending's own call.</returns>
    public static Func<Task> Add(Func<Task> removal)
    {
        var once = new Lazy<Task>(removal);
        async Task Remove()
        {
            await once.Value;
            lock (Lock) Removals.Remove(Remove);
        }

        lock (Lock) Removals.Add(Remove);
        return Remove;
    }

    private static void Stop(PosixSignalContext context, int exitCode)
    {
        context.Cancel = true;
        if (Interlocked.Exchange(ref _stopped, true)) return;
        _ = Task.Run(async () =>
        {
            while (Last() is { } removal)
            {
                try
                {
                    await removal();
                }
                catch (Exception e)
                {
                    await Console.Error.WriteLineAsync($"loadtests: something is left behind: {e.Message}");
                }
            }

            await Console.Error.WriteLineAsync("loadtests: stopped");
            Environment.Exit(exitCode);
        });
    }

    private static Func<Task>? Last()
    {
        lock (Lock)
        {
            if (Removals.Count == 0) return null;
            var last = Removals[^1];
            Removals.RemoveAt(Removals.Count - 1);
            return last;
        }
    }
}
