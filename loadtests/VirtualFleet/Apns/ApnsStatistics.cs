using System.Collections.Concurrent;

namespace FleetMdm.VirtualFleet.Apns;

/// <summary>What the simulated APNs has seen. Safe for any number of callers.</summary>
public sealed class ApnsStatistics
{
    private readonly ConcurrentDictionary<string, long> _refused = new(StringComparer.Ordinal);
    private readonly List<(Func<bool> Condition, TaskCompletionSource Source)> _waiters = [];
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _inFlightByConnection = new(StringComparer.Ordinal);
    private long _accepted;
    private long _requests;
    private int _connections;
    private int _openConnections;
    private int _inFlight;
    private int _mostInFlight;
    private int _mostInFlightOnOneConnection;

    public long Requests => Interlocked.Read(ref _requests);

    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Refusals by reason.</summary>
    public IReadOnlyDictionary<string, long> Refused => _refused;

    /// <summary>Connections since the start.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public int OpenConnections => Volatile.Read(ref _openConnections);

    public int InFlight => Volatile.Read(ref _inFlight);

    public int MostInFlight => Volatile.Read(ref _mostInFlight);

    public int MostInFlightOnOneConnection => Volatile.Read(ref _mostInFlightOnOneConnection);

    /// <summary>Ends when the condition holds; looked at whenever a number above changes.</summary>
    public Task When(Func<ApnsStatistics, bool> condition)
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (condition(this))
                return Task.CompletedTask;
            _waiters.Add((() => condition(this), source));
        }
        return source.Task;
    }

    internal void ConnectionOpened()
    {
        Interlocked.Increment(ref _connections);
        Interlocked.Increment(ref _openConnections);
        Changed();
    }

    internal void ConnectionClosed()
    {
        Interlocked.Decrement(ref _openConnections);
        Changed();
    }

    internal void Begin(string connection)
    {
        lock (_lock)
        {
            _requests++;
            _mostInFlight = Math.Max(_mostInFlight, ++_inFlight);
            var here = _inFlightByConnection.GetValueOrDefault(connection) + 1;
            _inFlightByConnection[connection] = here;
            _mostInFlightOnOneConnection = Math.Max(_mostInFlightOnOneConnection, here);
        }
        Changed();
    }

    internal void End(string connection)
    {
        lock (_lock)
        {
            _inFlight--;
            var here = _inFlightByConnection[connection] - 1;
            if (here == 0)
                _inFlightByConnection.Remove(connection);
            else
                _inFlightByConnection[connection] = here;
        }
        Changed();
    }

    internal void CountAccepted()
    {
        Interlocked.Increment(ref _accepted);
        Changed();
    }

    internal void CountRefused(string reason)
    {
        _refused.AddOrUpdate(reason, 1, static (_, count) => count + 1);
        Changed();
    }

    private void Changed()
    {
        lock (_lock)
        {
            for (var i = _waiters.Count - 1; i >= 0; i--)
            {
                if (!_waiters[i].Condition())
                    continue;
                _waiters[i].Source.TrySetResult();
                _waiters.RemoveAt(i);
            }
        }
    }
}
