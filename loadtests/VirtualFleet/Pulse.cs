namespace FleetMdm.VirtualFleet;

/// <summary>Tells waiters that something changed, so that they look again. Beats between two looks are one beat.</summary>
internal sealed class Pulse
{
    private TaskCompletionSource? _next;

    public void Beat() => Interlocked.Exchange(ref _next, null)?.TrySetResult();

    /// <summary>Waits until the condition holds; it is looked at first and after every beat.</summary>
    public async Task WhenAsync(Func<bool> condition, CancellationToken cancellation)
    {
        while (true)
        {
            // The wait begins before the look, so that no beat falls between them.
            var next = Next();
            if (condition())
                return;
            await next.WaitAsync(cancellation);
        }
    }

    private Task Next()
    {
        while (true)
        {
            if (Volatile.Read(ref _next) is { } waiting)
                return waiting.Task;
            var made = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (Interlocked.CompareExchange(ref _next, made, null) is null)
                return made.Task;
        }
    }
}
