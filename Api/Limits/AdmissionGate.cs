namespace FleetMdm.Api.Limits;

/// <summary>Lets so many in at once, and lets so many more wait for so long: in order, or the newest first.</summary>
/// <param name="concurrency">How many may be inside.</param>
/// <param name="queue">How many may wait.</param>
/// <param name="longestWait">How long each of them waits.</param>
/// <param name="time">Of the waits.</param>
/// <param name="newestFirst">Where more may come than are ever let in, and each waits long: in order, all would wait nearly that long.</param>
/// <remarks>
/// Safe for any number of threads: one short lock. Entering while there is room allocates nothing and does not wait; only a
/// request that has to wait costs memory, and their number is bounded. A gate that is full says no at once.
/// </remarks>
public sealed class AdmissionGate(int concurrency, int queue, TimeSpan longestWait, TimeProvider time, bool newestFirst = false)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<TaskCompletionSource> _waiting = [];
    private int _running;

    /// <summary>How many may be inside.</summary>
    public int Limit => concurrency;

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
        LinkedListNode<TaskCompletionSource> turn;
        lock (_lock)
        {
            // Somebody waits only while all places are taken, since Leave hands its place on: so nobody is overtaken here.
            if (_running < concurrency)
            {
                _running++;
                return new ValueTask<bool>(true);
            }

            if (_waiting.Count >= queue) return new ValueTask<bool>(false);
            turn = _waiting.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        return WaitAsync(turn, cancellationToken);
    }

    /// <summary>Gives the place to who waits longest (or came last), or frees it.</summary>
    public void Leave()
    {
        TaskCompletionSource next;
        lock (_lock)
        {
            if ((newestFirst ? _waiting.Last : _waiting.First) is not { } turn)
            {
                _running--;
                return;
            }

            _waiting.Remove(turn);
            next = turn.Value;
        }

        next.SetResult();
    }

    private async ValueTask<bool> WaitAsync(LinkedListNode<TaskCompletionSource> turn, CancellationToken cancellationToken)
    {
        // Who waits in vain is many in a flood: that is no exception, and costs as little as can be.
        await turn.Value.Task.WaitAsync(longestWait, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            // Handed a place, be it in the very moment in which the wait was over: it is ours, and must be used and given back.
            if (turn.List is null) return true;
            _waiting.Remove(turn);
            return false;
        }
    }
}
