namespace FleetMdm.Grains.Sweeps;

/// <summary>
/// Wakes the one loop that waits here. Any number of threads set it; one waits, and looks at its condition again whenever it wakes:
/// a call of <see cref="Set"/> before the look is never lost.
/// </summary>
internal sealed class Wakeup(TimeProvider time)
{
    private TaskCompletionSource _source = NewSource();

    public void Set() => Volatile.Read(ref _source).TrySetResult();

    /// <param name="atMost">Null: until it is set.</param>
    public async Task Wait(TimeSpan? atMost, CancellationToken cancellationToken)
    {
        var task = _source.Task;
        if (!task.IsCompleted)
        {
            ITimer? timer = atMost is { } due
                ? time.CreateTimer(static self => ((Wakeup)self!).Set(), this, due, Timeout.InfiniteTimeSpan)
                : null;
            await using (timer)
                await task.WaitAsync(cancellationToken);
        }
        // Whoever sets the old source from here on changed the condition before the waiter looks at it.
        Volatile.Write(ref _source, NewSource());
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
