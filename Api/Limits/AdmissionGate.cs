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
    private readonly LinkedList<Turn> _waiting = [];
    private int _running;

    public AdmissionGate(AdmissionRules rules, TimeProvider time)
    {
        (_rules, _time) = (rules, time);
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

    /// <summary>True: inside, and <see cref="Leave"/> must be called once. False: full, waited too long, or cancelled.</summary>
    public ValueTask<bool> EnterAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            // In order, nobody is overtaken here: somebody waits only while all places are taken, since Leave hands its place on.
            if (HasRoom())
            {
                _running++;
                return new ValueTask<bool>(true);
            }

            if (_waiting.Count >= _rules.Queue) return new ValueTask<bool>(false);
            if (_waiting.Count == 0) _look.Change(Look, Look);
            var turn = new Turn(_time.GetTimestamp(), Patience(), cancellationToken);
            _waiting.AddLast(turn);
            return new ValueTask<bool>(turn.Task);
        }
    }

    /// <summary>Gives the place to who waits longest (or came last), or frees it.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            _running--;
            for (var more = InForOne; more > 0 && (_rules.NewestFirst ? _waiting.Last : _waiting.First) is { } turn && HasRoom(); more--)
            {
                _waiting.Remove(turn);
                _running++;
                // What waits for it goes on elsewhere, not within the lock.
                turn.Value.SetResult(true);
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
            for (var turn = _waiting.First; turn is not null;)
            {
                var next = turn.Next;
                if (turn.Value.IsOver(now, _time))
                {
                    _waiting.Remove(turn);
                    turn.Value.SetResult(false);
                }

                turn = next;
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
