using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.SharedIPads;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Devices;

/// <summary>One pending command in a grain's memory: its row, and what happened to it since the grain woke.</summary>
internal sealed class PendingCommand(QueuedRow row)
{
    public QueuedRow Row { get; set; } = row;

    /// <summary>When it was last handed to the iPad; null: not since this grain woke.</summary>
    public DateTimeOffset? SentAt { get; set; }

    /// <summary>Handed over and not answered yet: one of a queue at most.</summary>
    public bool InFlight { get; set; }

    /// <summary>Answered NotNow on this connection: not offered again before the iPad connects anew.</summary>
    public bool Skipped { get; set; }
}

/// <summary>
/// The queue of one enrolment as its grain remembers it: a cache of its rows, in order of acceptance. Only decides; what it
/// decides is made durable by the grain before it is told to the queue.
/// </summary>
internal sealed class DeviceQueue
{
    private readonly List<PendingCommand> _commands = [];

    /// <summary>Commands of exams among them.</summary>
    private int _ofExams;

    public int Count => _commands.Count;

    public IReadOnlyList<PendingCommand> Commands => _commands;

    /// <summary>What the iPad has in its hands.</summary>
    public PendingCommand? InFlight => _commands.Find(static command => command.InFlight);

    /// <summary>Takes the rows as the store has them now; what is known of a command that stays is kept.</summary>
    public void Replace(IReadOnlyList<QueuedRow> rows)
    {
        var known = _commands.ToDictionary(command => command.Row.Sequence);
        _commands.Clear();
        foreach (var row in rows)
        {
            if (known.TryGetValue(row.Sequence, out var command)) command.Row = row;
            else command = new PendingCommand(row);
            _commands.Add(command);
        }

        CountExams();
    }

    public void Add(QueuedRow row)
    {
        // Appends answer in the order in which they were made, but a reload in between may have brought this row already.
        if (_commands.Exists(command => command.Row.Sequence == row.Sequence)) return;
        var index = _commands.FindLastIndex(command => command.Row.Sequence < row.Sequence);
        _commands.Insert(index + 1, new PendingCommand(row));
        CountExams();
    }

    public void Remove(long sequence)
    {
        _commands.RemoveAll(command => command.Row.Sequence == sequence);
        CountExams();
    }

    public void Clear()
    {
        _commands.Clear();
        CountExams();
    }

    public PendingCommand? Find(string commandUuid)
    {
        foreach (var command in _commands)
        {
            if (string.Equals(command.Row.CommandUuid, commandUuid, StringComparison.OrdinalIgnoreCase)) return command;
        }

        return null;
    }

    /// <summary>The iPad connected anew: what it put off may be offered again.</summary>
    public void BeginConnection()
    {
        foreach (var command in _commands) command.Skipped = false;
    }

    /// <summary>The oldest command that may be handed over or ended now. One that was set aside comes behind all others, the least often
    /// handed over first, so that several silent ones take turns. What lets a user in comes last, whenever it was queued.</summary>
    public PendingCommand? Next(DateTimeOffset now)
    {
        // Releases, then locks: nobody waits in an exam behind the installation of an app.
        if (_ofExams > 0 && (Urgent(ExamCommands.IsRelease, now) ?? Urgent(ExamCommands.IsLock, now)) is { } urgent) return urgent;
        PendingCommand? aside = null, letIn = null;
        foreach (var command in _commands)
        {
            if (command.Skipped) continue;
            if (!Unanswered.IsSetAside(command.Row) || command.Row.OperationCancelled || command.Row.ExpiresAt <= now)
            {
                if (command.Row.RequestType != SharedIPadUsers.UserConfigured) return command;
                letIn ??= command;
                continue;
            }

            if (!Unanswered.IsPaused(command.Row, now) && (aside is null || command.Row.UnansweredCount < aside.Row.UnansweredCount)) aside = command;
        }

        return aside ?? letIn;
    }

    /// <summary>One that was set aside takes its turn like any other.</summary>
    private PendingCommand? Urgent(Func<string?, bool> isOne, DateTimeOffset now) => _commands.Find(command =>
        !command.Skipped && isOne(command.Row.CommandUuid) && (!Unanswered.IsSetAside(command.Row) || command.Row.ExpiresAt <= now));

    private void CountExams() => _ofExams = _commands.Count(static command => ExamCommands.Is(command.Row.CommandUuid));
}
