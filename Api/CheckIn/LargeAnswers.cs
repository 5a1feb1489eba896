using FleetMdm.Api.Limits;

namespace FleetMdm.Api.CheckIn;

/// <summary>Large commands (a profile with pictures) on their way to iPads, all together within a budget of memory.</summary>
/// <remarks>A thousand iPads behind a school's thin line take minutes for a megabyte each. Meanwhile they take nobody's place, and
/// when the budget is spent the next one is told to come again: its command stays queued. Any thread.</remarks>
public sealed class LargeAnswers(FleetGates gates)
{
    /// <summary>Up to this size an answer fits the buffers of its connection, and is as good as sent.</summary>
    public const int Small = 64 * 1024;

    /// <summary>Memory for all of this process.</summary>
    private const long Budget = 256L * 1024 * 1024;

    private long _underWay;

    /// <summary>False: too many are under way. True: <see cref="Write"/> must be called.</summary>
    public bool TryReserve(int bytes)
    {
        if (Interlocked.Add(ref _underWay, bytes) <= Budget) return true;
        Interlocked.Add(ref _underWay, -bytes);
        return false;
    }

    /// <summary>Writes an answer in pieces, each when the one before has left: Kestrel would copy it whole.</summary>
    /// <returns>False: the iPad was gone before the last piece.</returns>
    public async Task<bool> Write(HttpContext context, ReadOnlyMemory<byte> answer)
    {
        try
        {
            gates.LeaveEarly(context);
            for (var at = 0; at < answer.Length; at += Small)
            {
                var piece = answer.Slice(at, Math.Min(Small, answer.Length - at));
                var written = await context.Response.BodyWriter.WriteAsync(piece, context.RequestAborted);
                if (written.IsCompleted || context.RequestAborted.IsCancellationRequested) return Gone(context);
            }

            return true;
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return Gone(context);
        }
        finally
        {
            Interlocked.Add(ref _underWay, -answer.Length);
        }
    }

    /// <summary>A pipe may end before its connection is known to have: without this, Kestrel would take the short answer for a fault of ours.</summary>
    private static bool Gone(HttpContext context)
    {
        context.Abort();
        return false;
    }
}
