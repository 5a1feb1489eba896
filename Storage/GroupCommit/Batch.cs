using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.GroupCommit;

/// <summary>
/// The items of one transaction, sorted by kind. Kinds are executed in the order in which their lists stand here, whatever the order
/// in which the items came; <see cref="TryAdd"/> refuses an item for which that would make a difference, and the item then
/// begins the next batch.
/// </summary>
/// <remarks>Only a change of an enrolment does not commute with what came before it: it may end the queue. Items that meet the same row
/// twice are refused too, since a set-based statement changes each row once.</remarks>
internal sealed class Batch
{
    /// <summary>More rows a statement gain little and make a failure dearer.</summary>
    public const int MaxItems = 512;

    /// <summary>Keeps a batch within a few milliseconds of network and WAL.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    private readonly HashSet<string> _enrolments = [];
    private readonly HashSet<string> _committed = [];
    private readonly HashSet<BodyKey> _keys = [];
    private readonly HashSet<(string, long)> _finished = [];
    private readonly HashSet<(string, long)> _marked = [];
    private readonly HashSet<string> _told = [];
    private readonly HashSet<(string, string)> _appended = [];
    private int _bytes;

    public List<LaneItem> Items { get; } = [];

    public List<CommitItem> Commits { get; } = [];
    public List<AppendItem> Appends { get; } = [];
    public List<StoreBodyItem> Bodies { get; } = [];
    public List<MarkItem> Marks { get; } = [];
    public List<FinishItem> Finishes { get; } = [];
    public List<IssueItem> Issues { get; } = [];
    public List<LoadItem> Loads { get; } = [];
    public List<LoadBodyItem> BodyLoads { get; } = [];
    public List<FindCertificateItem> Finds { get; } = [];
    public TransactionItem? Transaction { get; private set; }

    /// <summary>True when an earlier attempt ended without an answer: what is found done may be this batch's own work.</summary>
    public bool Repeated { get; set; }

    public bool TryAdd(LaneItem item)
    {
        if (Items.Count > 0 && (Items.Count >= MaxItems || _bytes + item.Bytes > MaxBytes || Transaction is not null))
            return false;
        if (!TryAddByKind(item))
            return false;
        Items.Add(item);
        _bytes += item.Bytes;
        return true;
    }

    private bool TryAddByKind(LaneItem item)
    {
        switch (item)
        {
            case AppendItem append:
                if (!_appended.Add((append.Command.EnrolmentId, append.Command.CommandUuid)))
                    return false;
                _enrolments.Add(EnrolmentIds.DeviceOf(append.Command.EnrolmentId));
                Appends.Add(append);
                return true;
            case FinishItem finish:
                // Two lists of one iPad build upon each other.
                if (finish.Finish.Inventory is not null && !_told.Add(finish.Finish.EnrolmentId))
                    return false;
                if (!_finished.Add((finish.Finish.EnrolmentId, finish.Finish.Sequence)))
                    return false;
                _enrolments.Add(EnrolmentIds.DeviceOf(finish.Finish.EnrolmentId));
                Finishes.Add(finish);
                return true;
            case MarkItem mark:
                var row = (mark.Mark.EnrolmentId, mark.Mark.Sequence);
                if (_finished.Contains(row) || !_marked.Add(row))
                    return false;
                _enrolments.Add(EnrolmentIds.DeviceOf(mark.Mark.EnrolmentId));
                Marks.Add(mark);
                return true;
            case CommitItem commit:
                return TryAddCommit(commit);
            case StoreBodyItem body:
                Bodies.Add(body);
                return true;
            case IssueItem issue:
                if (!_keys.Add(new BodyKey(issue.Request.ChallengeHash)))
                    return false;
                Issues.Add(issue);
                return true;
            case LoadItem load:
                Loads.Add(load);
                return true;
            case LoadBodyItem load:
                BodyLoads.Add(load);
                return true;
            case FindCertificateItem find:
                Finds.Add(find);
                return true;
            case TransactionItem transaction:
                if (Items.Count > 0)
                    return false;
                Transaction = transaction;
                return true;
            default:
                throw new ArgumentOutOfRangeException(nameof(item), item.GetType().Name, "A lane does not know this kind of item.");
        }
    }

    private bool TryAddCommit(CommitItem commit)
    {
        var row = commit.Change.Row;
        var device = EnrolmentIds.DeviceOf(row.Id);
        if (_enrolments.Contains(device) || _committed.Contains(device) || _committed.Contains(row.DeviceId))
            return false;
        if (commit.Change.Pin is { } pin && !_keys.Add(new BodyKey(pin.Sha256)))
            return false;
        _committed.Add(device);
        _committed.Add(row.DeviceId);
        Commits.Add(commit);
        return true;
    }
}
