using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;

namespace FleetMdm.Storage.GroupCommit;

/// <summary>One caller's read or write on its way through a <see cref="Lane"/>.</summary>
internal abstract class LaneItem
{
    /// <summary>What an item weighs beside its payload: parameters, overhead of the row.</summary>
    protected const int RowBytes = 256;

    /// <summary>When it entered the lane, as a time stamp of <see cref="TimeProvider.System"/>.</summary>
    public long EnteredAt { get; set; }

    /// <summary>How much it adds to the size of a batch.</summary>
    public virtual int Bytes => RowBytes;

    public abstract void Complete();

    public abstract void Fail(Exception exception);
}

internal abstract class LaneItem<T> : LaneItem
{
    // The continuation of a grain must not run on the lane: it would hold up everybody else's commit.
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Done => _done.Task;

    /// <summary>Set by the executor; told to the caller when the transaction is durable.</summary>
    public T? Outcome { get; set; }

    public override void Complete() => _done.TrySetResult(Outcome!);

    public override void Fail(Exception exception) => _done.TrySetException(exception);
}

internal sealed class CommitItem(EnrolmentChange change) : LaneItem<EnrolmentCommitted>
{
    public EnrolmentChange Change { get; } = change;

    public string Search { get; } = DeviceColumns.SearchText(change.Row);

    public override int Bytes { get; } =
        4 * RowBytes + (change.UnlockToken?.Sealed?.Length ?? 0) + (change.BootstrapToken?.Sealed?.Length ?? 0)
        + (change.Finish?.Result?.Length ?? 0);
}

internal sealed class AppendItem(QueueAppend command, byte[] bodyHash) : LaneItem<QueueAppended>
{
    public QueueAppend Command { get; } = command;

    public byte[] BodyHash { get; } = bodyHash;

    public override int Bytes => RowBytes + Command.Body.Length;
}

internal sealed class FinishItem(QueueFinish finish) : LaneItem<bool>
{
    public QueueFinish Finish { get; } = finish;

    public override int Bytes => RowBytes + (Finish.Result?.Length ?? 0) + RowBytes * (Finish.Inventory?.Difference?.Put.Count ?? 0);
}

internal sealed class MarkItem(QueueMark mark) : LaneItem<bool>
{
    public QueueMark Mark { get; } = mark;
}

internal sealed class StoreBodyItem(byte[] hash, ReadOnlyMemory<byte> body) : LaneItem<byte[]>
{
    public byte[] Hash { get; } = hash;

    public ReadOnlyMemory<byte> Body { get; } = body;

    public override int Bytes => RowBytes + Body.Length;
}

internal sealed class IssueItem(IssueRequest request) : LaneItem<IssueResult>
{
    public IssueRequest Request { get; } = request;

    public override int Bytes => RowBytes + Request.Certificate.Der.Length;
}

internal sealed class LoadItem(string enrolmentId) : LaneItem<DeviceSnapshot>
{
    public string EnrolmentId { get; } = enrolmentId;
}

internal sealed class LoadBodyItem(byte[] hash) : LaneItem<byte[]?>
{
    public byte[] Hash { get; } = hash;
}

internal sealed class FindCertificateItem(byte[] sha256) : LaneItem<CertificateStanding>
{
    public byte[] Sha256 { get; } = sha256;
}
