using FleetMdm.Api.Hosting;

namespace FleetMdm.Api.Limits;

/// <summary>Whom an <see cref="AdmissionGate"/> lets in, and for whom it waits.</summary>
public sealed record AdmissionRules
{
    /// <summary>How many may be inside.</summary>
    public required int Concurrency { get; init; }

    /// <summary>How many may wait.</summary>
    public required int Queue { get; init; }

    /// <summary>How long each of them waits at most.</summary>
    public required TimeSpan LongestWait { get; init; }

    /// <summary>How long each of them waits at least: some time between the two, each its own, so that thousands who came at once are not all refused at
    /// once. Null: as long as <see cref="LongestWait"/>.</summary>
    public TimeSpan? ShortestWait { get; init; }

    /// <summary>Where more may come than are ever let in, and each waits long: in order, all would wait nearly that long.</summary>
    public bool NewestFirst { get; init; }

    /// <summary>Whether one more inside would only take the cores from those who are. Quick: asked within the lock. Only with <see cref="NewestFirst"/>.</summary>
    public Func<bool>? AreCoresBusy { get; init; }

    /// <summary>How many may be inside, of <see cref="Concurrency"/>, while <see cref="AreCoresBusy"/>.</summary>
    public int WhileBusy { get; init; } = int.MaxValue;
}

/// <summary>Lets so many in at once, and lets so many more wait for so long: in order, or the newest first.</summary>
/// <remarks>
/// Of the places that become free, every other one goes by order alone, and every other one to the addresses that have the fewest waiting: a stranger who
/// sends thousands does not keep others out, and a district behind one address gets at least half. When the line is full, the
/// address that has by far the most waiting loses one to whoever has few. Where nobody waits, nobody asks for an address.
/// Safe for any number of threads: one short lock. Entering while there is room allocates nothing and does not wait; only a
/// request that has to wait costs memory, and their number is bounded. A gate that is full says no at once. Who waited too long, or went
/// away, is found by looking at all that wait every <see cref="Look"/>: thousands of timers that end one by one would cost more than what they end.
/// </remarks>
public sealed class AdmissionGate : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    /// <summary>Whoever leaves lets in so many: the second one has a place that was empty while the cores were busy.</summary>
    private const int InForOne = 2;

    private readonly AdmissionRules _rules;
    private readonly TimeProvider _time;
    private readonly ITimer _look;
    private readonly Lock _lock = new();
    private readonly SharedLine<Turn> _waiting;
    private int _running;
    private bool _byShare;

    public AdmissionGate(AdmissionRules rules, TimeProvider time)
    {
        (_rules, _time) = (rules, time);
        _waiting = new SharedLine<Turn>(rules.NewestFirst);
        _look = time.CreateTimer(static gate => ((AdmissionGate)gate!).GiveUp(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many may be inside.</summary>
    public int Limit => _rules.Concurrency;

    /// <summary>How many are inside.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>How many wait.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock) return _waiting.Count;
        }
    }

    /// <summary>True: inside without waiting, and <see cref="Leave"/> must be called once.</summary>
    public bool TryEnter()
    {
        lock (_lock)
        {
            // In order, nobody is overtaken here: somebody waits only while all places are taken, since Leave hands its place on.
            if (!HasRoom()) return false;
            _running++;
            return true;
        }
    }

    /// <summary>True: inside, and <see cref="Leave"/> must be called once. False: full, waited too long, or cancelled.</summary>
    /// <param name="cancellationToken">The one who waits went away.</param>
    /// <param name="address">For whom; see <see cref="ClientAddress.KeyOf"/>.</param>
    public ValueTask<bool> EnterAsync(CancellationToken cancellationToken, UInt128 address = default)
    {
        lock (_lock)
        {
            if (TryEnter()) return new ValueTask<bool>(true);
            if (_waiting.Count >= _rules.Queue)
            {
                if (_rules.Queue == 0 || _waiting.LastOfHeavierThan(address) is not { } other) return new ValueTask<bool>(false);
                _waiting.Remove(other);
                other.Item.SetResult(false);
            }

            if (_waiting.Count == 0) _look.Change(Look, Look);
            var turn = new Turn(_time.GetTimestamp(), Patience(), cancellationToken);
            _waiting.Add(address, turn);
            return new ValueTask<bool>(turn.Task);
        }
    }

    /// <summary>Gives the place to who waits longest (or came last), or frees it.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            _running--;
            for (var more = InForOne; more > 0 && _waiting.Count > 0 && HasRoom(); more--)
            {
                _byShare = !_byShare;
                var turn = (_byShare ? _waiting.NextOfLightest() : _waiting.Next())!;
                _waiting.Remove(turn);
                _running++;
                // What waits for it goes on elsewhere, not within the lock.
                turn.Item.SetResult(true);
            }
        }
    }

    public void Dispose() => _look.Dispose();

    private bool HasRoom() => _running < _rules.Concurrency && (_running < _rules.WhileBusy || _rules.AreCoresBusy?.Invoke() != true);

    private TimeSpan Patience() =>
        _rules.ShortestWait is { } shortest ? shortest + (_rules.LongestWait - shortest) * Random.Shared.NextDouble() : _rules.LongestWait;

    /// <summary>Ends the wait of all for whom it is over.</summary>
    private void GiveUp()
    {
        lock (_lock)
        {
            var now = _time.GetTimestamp();
            foreach (var turn in _waiting.All)
            {
                if (!turn.Item.IsOver(now, _time)) continue;
                _waiting.Remove(turn);
                turn.Item.SetResult(false);
            }

            if (_waiting.Count == 0) _look.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private sealed class Turn(long since, TimeSpan patience, CancellationToken gone)
        : TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public bool IsOver(long now, TimeProvider time) => gone.IsCancellationRequested || time.GetElapsedTime(since, now) >= patience;
    }
}
