using System.Data.Common;

namespace FleetMdm.Storage.GroupCommit;

/// <summary>A transaction of its own that takes its turn in a lane: how everything rare is written where one connection writes.</summary>
internal abstract class TransactionItem : LaneItem
{
    public abstract Task Run(DbConnection connection, CancellationToken cancellationToken);
}

internal sealed class TransactionItem<T>(Func<DbConnection, CancellationToken, Task<T>> work) : TransactionItem
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _outcome;

    public Task<T> Done => _done.Task;

    public override async Task Run(DbConnection connection, CancellationToken cancellationToken) =>
        _outcome = await work(connection, cancellationToken);

    public override void Complete() => _done.TrySetResult(_outcome!);

    public override void Fail(Exception exception) => _done.TrySetException(exception);
}
