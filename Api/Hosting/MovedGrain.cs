namespace FleetMdm.Api.Hosting;

/// <summary>
/// A call that did not arrive since the node that had the grain stops or has died. When that is known, the grain wakes on another node
/// with the next call, so it is made once more instead of sending the caller away. Only once: as long as the death is not known, calls
/// to that node's grains fail, and waiting for it would use up the places of those whose grains are well.
/// </summary>
/// <remarks>Only for calls that may be made twice, as all messages of iPads may.</remarks>
internal static class MovedGrain
{
    /// <summary>Which node has the grain is settled by a few messages between the nodes.</summary>
    private static readonly TimeSpan Settles = TimeSpan.FromMilliseconds(200);

    public static Task Settle(TimeProvider time) => Task.Delay(Settles, time);

    public static async ValueTask<T> Call<T>(Func<ValueTask<T>> call, TimeProvider time)
    {
        try
        {
            return await call();
        }
        catch (OrleansMessageRejectionException)
        {
            await Settle(time);
            return await call();
        }
    }
}
