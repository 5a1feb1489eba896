namespace FleetMdm.VirtualFleet.Journal;

/// <summary>
/// What an iPad saw and did, for tests to assert on. Holds the newest <paramref name="capacity"/> entries and the records of as
/// many commands; what fell out is counted in <see cref="Dropped"/>, so that an assertion over everything can insist on zero.
/// </summary>
/// <remarks>Safe for any thread. Survives erasing and enrolling again: it is the observer's, not the iPad's.</remarks>
public sealed class IPadJournal(int capacity, TimeProvider time, Action<JournalEntry> written)
{
    private readonly Lock _lock = new();
    private readonly Queue<JournalEntry> _entries = new();
    private readonly Dictionary<(string Channel, string Uuid), CommandRecord> _commands = [];
    private readonly Queue<(string, string)> _commandAges = new();
    private readonly List<Waiter> _waiters = [];
    private long _sequence;
    private long _dropped;

    /// <summary>Entries and command records that are no longer held.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>A copy, oldest first.</summary>
    public IReadOnlyList<JournalEntry> Entries
    {
        get
        {
            lock (_lock)
                return [.. _entries];
        }
    }

    /// <summary>A copy, in the order in which the commands first came.</summary>
    public IReadOnlyList<CommandRecord> Commands
    {
        get
        {
            lock (_lock)
                return [.. _commandAges.Select(key => _commands[key])];
        }
    }

    /// <summary>Null: that command never came on that channel.</summary>
    public CommandRecord? Command(string commandUuid, string channel = "device")
    {
        lock (_lock)
            return _commands.GetValueOrDefault((channel, commandUuid));
    }

    /// <summary>The commands that ran to an end, by UUID, in the order in which they ran; a repeated one is repeated.</summary>
    public IReadOnlyList<string> ExecutionOrder(string channel = "device") =>
    [
        .. Entries.Where(entry => entry.Kind == JournalKind.Command && entry.Channel == channel && entry.What != "NotNow")
            .Select(entry => entry.CommandUuid!),
    ];

    /// <summary>The first entry, held or yet to come, that fits.</summary>
    /// <param name="guard">A test's bound, in real time.</param>
    /// <exception cref="TimeoutException">It did not come; the message holds the newest entries.</exception>
    public async Task<JournalEntry> WaitForAsync(
        Func<JournalEntry, bool> fits, TimeSpan guard, long afterSequence = 0, CancellationToken cancellation = default)
    {
        Waiter waiter;
        lock (_lock)
        {
            if (_entries.FirstOrDefault(entry => entry.Sequence > afterSequence && fits(entry)) is { } found)
                return found;
            waiter = new Waiter(fits);
            _waiters.Add(waiter);
        }
        try
        {
            return await waiter.Found.Task.WaitAsync(guard, TimeProvider.System, cancellation);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException("What the test waits for did not happen. The newest entries of the iPad's journal:\n"
                + string.Join('\n', Entries.TakeLast(20)));
        }
        finally
        {
            lock (_lock)
                _waiters.Remove(waiter);
        }
    }

    internal void Write(JournalKind kind, string channel, string? what = null, string? commandUuid = null, string? requestType = null,
        int httpStatus = 0, string? next = null, string? detail = null)
    {
        JournalEntry entry;
        lock (_lock)
        {
            entry = new JournalEntry(++_sequence, time.GetUtcNow(), kind, channel, what, commandUuid, requestType, httpStatus, next, detail);
            _entries.Enqueue(entry);
            if (_entries.Count > capacity)
            {
                _entries.Dequeue();
                _dropped++;
            }
            foreach (var waiter in _waiters)
            {
                if (waiter.Fits(entry))
                    waiter.Found.TrySetResult(entry);
            }
        }
        written(entry);
    }

    /// <summary>A command came and this is what the iPad made of it.</summary>
    internal void CommandRan(string channel, string commandUuid, string requestType, string status)
    {
        var final = status != "NotNow";
        Change(channel, commandUuid, requestType, record => record with
        {
            Received = record.Received + 1,
            Executed = record.Executed + (final ? 1 : 0),
            NotNows = record.NotNows + (final ? 0 : 1),
            LastStatus = status,
        });
        Write(JournalKind.Command, channel, status, commandUuid, requestType);
    }

    /// <summary>The server answered 2xx to a report.</summary>
    internal void ReportAccepted(string channel, string commandUuid, string requestType, string status) =>
        Change(channel, commandUuid, requestType, record => record with
        {
            AcceptedStatus = status,
            AcceptedReports = record.AcceptedReports + (status == "NotNow" ? 0 : 1),
        });

    private void Change(string channel, string commandUuid, string requestType, Func<CommandRecord, CommandRecord> change)
    {
        lock (_lock)
        {
            var key = (channel, commandUuid);
            if (!_commands.TryGetValue(key, out var record))
            {
                record = new CommandRecord(channel, commandUuid, requestType);
                _commandAges.Enqueue(key);
                if (_commandAges.Count > capacity)
                {
                    _commands.Remove(_commandAges.Dequeue());
                    _dropped++;
                }
            }
            _commands[key] = change(record);
        }
    }

    private sealed record Waiter(Func<JournalEntry, bool> Fits)
    {
        public TaskCompletionSource<JournalEntry> Found { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
