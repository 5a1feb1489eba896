using System.Collections.Concurrent;

namespace FleetMdm.VirtualFleet.Apple;

/// <summary>One way in which Apple's service answers otherwise.</summary>
public abstract record DeviceEnrolmentFault
{
    private DeviceEnrolmentFault()
    {
    }

    /// <param name="Body">The bare word.</param>
    /// <param name="RetryAfterSeconds">For 429 and 503.</param>
    public sealed record Answer(int Status, string Body, int? RetryAfterSeconds = null) : DeviceEnrolmentFault;

    /// <summary>The connection is cut before an answer.</summary>
    public sealed record Cut : DeviceEnrolmentFault;

    /// <summary>What was asked is done, and the answer is lost.</summary>
    public sealed record CutAfterwards : DeviceEnrolmentFault;

    /// <summary>The answer waits until <see cref="DeviceEnrolmentFaults.Release"/>.</summary>
    public sealed record Hang : DeviceEnrolmentFault;

    /// <summary>A page with the cursor that was sent, and "more to follow".</summary>
    public sealed record SameCursor : DeviceEnrolmentFault;

    /// <summary>No fault: for the requests before one that fails.</summary>
    public sealed record Pass : DeviceEnrolmentFault;

    /// <summary>The session of this request has ended.</summary>
    public static readonly DeviceEnrolmentFault SessionEnded = new Answer(401, "UNAUTHORIZED");
    public static readonly DeviceEnrolmentFault SessionForbidden = new Answer(403, "FORBIDDEN");
    public static readonly DeviceEnrolmentFault TermsNotSigned = new Answer(403, "T_C_NOT_SIGNED");
    public static readonly DeviceEnrolmentFault AccessDenied = new Answer(403, "ACCESS_DENIED");
    public static readonly DeviceEnrolmentFault TokenRejected = new Answer(401, "token_rejected");
    public static readonly DeviceEnrolmentFault ExpiredCursor = new Answer(400, "EXPIRED_CURSOR");
    public static readonly DeviceEnrolmentFault InvalidCursor = new Answer(400, "INVALID_CURSOR");
    public static readonly DeviceEnrolmentFault ExhaustedCursor = new Answer(400, "EXHAUSTED_CURSOR");
    public static readonly DeviceEnrolmentFault Busy = new Answer(503, "SERVICE_UNAVAILABLE", 120);
    public static readonly DeviceEnrolmentFault TooMany = new Answer(429, "TOO_MANY_REQUESTS", 90);
    public static readonly DeviceEnrolmentFault Broken = new Answer(500, "");
}

/// <summary>Faults on demand. Safe for any number of callers; takes effect with the next request.</summary>
public sealed class DeviceEnrolmentFaults
{
    private readonly ConcurrentDictionary<string, ConcurrentQueue<DeviceEnrolmentFault>> _next = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DeviceEnrolmentFault> _always = new(StringComparer.Ordinal);
    private volatile TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What is answered for a serial when a profile is assigned to it: FAILED, NOT_ACCESSIBLE, THROTTLED; or another word.</summary>
    public ConcurrentDictionary<string, string> AssignmentOf { get; } = new(StringComparer.Ordinal);

    /// <summary>Left out of the answer when a profile is assigned.</summary>
    public ConcurrentDictionary<string, bool> ForgottenInAnswers { get; } = new(StringComparer.Ordinal);

    /// <summary>Left out of sync pages: only a fetch shows them.</summary>
    public ConcurrentDictionary<string, bool> HiddenFromSync { get; } = new(StringComparer.Ordinal);

    /// <summary>Each event of a sync page comes twice.</summary>
    public bool Twice { get; set; }

    /// <summary>Events of a sync page come in the wrong order.</summary>
    public bool Shuffled { get; set; }

    /// <summary>How long each answer takes.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>The next requests of this path fail so.</summary>
    public void Next(string path, DeviceEnrolmentFault fault, int count = 1)
    {
        for (var i = 0; i < count; i++)
            _next.GetOrAdd(path, _ => new()).Enqueue(fault);
    }

    /// <summary>Every request of this path fails so; <c>*</c>: of every path but <c>/session</c>.</summary>
    public void Always(string path, DeviceEnrolmentFault fault) => _always[path] = fault;

    /// <summary>Lets go of those that hang.</summary>
    public void Release()
    {
        var held = _held;
        _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        held.TrySetResult();
    }

    public void Clear()
    {
        _next.Clear();
        _always.Clear();
        AssignmentOf.Clear();
        ForgottenInAnswers.Clear();
        HiddenFromSync.Clear();
        (Twice, Shuffled, Delay) = (false, false, TimeSpan.Zero);
        Release();
    }

    internal Task Held => _held.Task;

    internal DeviceEnrolmentFault? Choose(string path) =>
        _next.TryGetValue(path, out var queue) && queue.TryDequeue(out var fault) ? fault
        : _always.TryGetValue(path, out var always) ? always
        : path != "/session" && _always.TryGetValue("*", out var every) ? every
        : null;
}
