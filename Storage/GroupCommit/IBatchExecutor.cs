namespace FleetMdm.Storage.GroupCommit;

/// <summary>Executes batches on a connection of its own, one at a time.</summary>
internal interface IBatchExecutor : IAsyncDisposable
{
    /// <summary>
    /// Executes the batch in one transaction and sets the outcome of each item. An exception means that no outcome holds;
    /// the executor then opens a new connection by itself where the old one may be broken.
    /// </summary>
    Task Execute(Batch batch, CancellationToken cancellationToken);

    FailureKind Classify(Exception exception);
}

/// <summary>What to do about a failure of the database.</summary>
internal enum FailureKind
{
    /// <summary>The data of one row are to blame: repeating cannot help, the other rows of the batch are innocent.</summary>
    Data,
    /// <summary>May be gone in a moment, and the outcome may be unknown: repeat for a few seconds.</summary>
    Transient,
    /// <summary>Will not be gone in a moment (no schema, no rights, a damaged file): give up at once.</summary>
    Lasting,
}
