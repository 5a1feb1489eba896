namespace FleetMdm.Api.Limits;

/// <summary>When a body that was not there with its headers must have arrived. Set on the request as a feature; ended with it.</summary>
public sealed class BodyDeadline(TimeSpan time, TimeProvider clock) : IDisposable
{
    private readonly CancellationTokenSource _passed = new(time, clock);

    public const string Message = "The body of the request did not arrive in time.";

    public CancellationToken Token => _passed.Token;

    public bool HasPassed => _passed.IsCancellationRequested;

    /// <summary>The body is here, whole: there is nothing more to end.</summary>
    public bool HasArrived { get; private set; }

    public void Arrived() => HasArrived = true;

    /// <summary>Ends it before its time: another body waits for its place.</summary>
    public void Yield()
    {
        try
        {
            if (!HasArrived) _passed.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The request has ended meanwhile.
        }
    }

    /// <summary>For those who read a body: ends when the client goes away, or when it takes too long.</summary>
    public static CancellationToken TokenOf(HttpContext context) => context.Features.Get<BodyDeadline>()?.Token ?? context.RequestAborted;

    public static bool HasPassedFor(HttpContext context) => context.Features.Get<BodyDeadline>()?.HasPassed == true;

    public static void ArrivedFor(HttpContext context) => context.Features.Get<BodyDeadline>()?.Arrived();

    public void Dispose() => _passed.Dispose();
}

/// <summary>Endpoint metadata of the device side: who may send a body of more than 64 KiB. Without it nobody may.</summary>
/// <param name="Admit">Asked before any more of the body is taken in. Null: it was refused, and answered.</param>
public sealed record LargeBodyMetadata(Func<HttpContext, ValueTask<IDisposable?>> Admit);
