using System.Collections.Concurrent;

namespace FleetMdm.VirtualFleet.Apple;

/// <summary>One way in which Apps and Books answers otherwise.</summary>
public abstract record AppsAndBooksFault
{
    private AppsAndBooksFault()
    {
    }

    /// <param name="Status">Of HTTP: an error may come with 200.</param>
    /// <param name="Number">Apple's errorNumber; null: a body that is no JSON.</param>
    /// <param name="RetryAfterSeconds">As 503 carries it.</param>
    public sealed record Answer(int Status, int? Number, string Message = "", int? RetryAfterSeconds = null) : AppsAndBooksFault;

    /// <summary>The connection is cut before anything is done.</summary>
    public sealed record Cut : AppsAndBooksFault;

    /// <summary>What was asked is done, and the answer is lost.</summary>
    public sealed record CutAfterwards : AppsAndBooksFault;

    /// <summary>The answer waits until <see cref="AppsAndBooksFaults.Release"/>.</summary>
    public sealed record Hang : AppsAndBooksFault;

    /// <summary>No fault: for the requests before one that fails.</summary>
    public sealed record Pass : AppsAndBooksFault;

    public static readonly AppsAndBooksFault Throttled = new Answer(429, 9646, "Too many requests for this organization.");
    public static readonly AppsAndBooksFault Busy = new Answer(503, 9729, "The service is unavailable.", 90);
    public static readonly AppsAndBooksFault Internal = new Answer(500, 9603, "Internal error.", 60);
    public static readonly AppsAndBooksFault TokenExpired = new Answer(401, 9621, "The token has ended.");
    public static readonly AppsAndBooksFault TokenRevoked = new Answer(401, 9625, "The token was revoked.");
    /// <summary>Not documented: it was seen with status 200.</summary>
    public static readonly AppsAndBooksFault TokenInvalid = new Answer(200, 9622, "The token is not known.");
    public static readonly AppsAndBooksFault NotJson = new Answer(502, null, "<html>Bad gateway</html>");
}

/// <summary>Faults on demand. Safe for any number of callers; takes effect with the next request.</summary>
public sealed class AppsAndBooksFaults
{
    private readonly ConcurrentDictionary<string, ConcurrentQueue<AppsAndBooksFault>> _next = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, AppsAndBooksFault> _always = new(StringComparer.Ordinal);
    private volatile TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Each answer takes that long.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Events stay PENDING.</summary>
    public bool HoldEvents { get; set; }

    /// <summary>Events say FAILED and name no failures: only the assignments tell.</summary>
    public bool SilentFailures { get; set; }

    /// <summary>Another buys or gives away between two pages of assets: versionId changes. So many times.</summary>
    public int ChangesWhilePaging;

    /// <summary>Notifications are not sent.</summary>
    public bool LoseNotifications { get; set; }

    /// <summary>Each notification is sent twice.</summary>
    public bool RepeatNotifications { get; set; }

    /// <summary>What comes of an association for this serial number: an errorNumber.</summary>
    public ConcurrentDictionary<string, int> FailureOf { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The next requests of this path fail so, as in <c>assets/associate</c>.</summary>
    public void Next(string path, AppsAndBooksFault fault, int count = 1)
    {
        for (var i = 0; i < count; i++) _next.GetOrAdd(path, _ => new()).Enqueue(fault);
    }

    /// <summary>Every request of this path fails so; <c>*</c>: of every path but <c>service/config</c>.</summary>
    public void Always(string path, AppsAndBooksFault fault) => _always[path] = fault;

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
        FailureOf.Clear();
        (Delay, HoldEvents, SilentFailures, ChangesWhilePaging, LoseNotifications, RepeatNotifications) = (TimeSpan.Zero, false, false, 0, false, false);
        Release();
    }

    internal Task Held => _held.Task;

    internal AppsAndBooksFault? Choose(string path) =>
        _next.TryGetValue(path, out var queue) && queue.TryDequeue(out var fault) ? fault
        : _always.TryGetValue(path, out var always) ? always
        : path != "service/config" && _always.TryGetValue("*", out var every) ? every
        : null;
}
