using System.Collections.Concurrent;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Journal;

namespace FleetMdm.VirtualFleet;

/// <summary>
/// Many simulated iPads that share connections, keys and measurements. No iPad has a thread: each is a task that waits.
/// </summary>
public sealed class IPadFleet : IAsyncDisposable
{
    private const int ViolationsKept = 1000;

    private readonly ConcurrentQueue<(string Udid, JournalEntry Entry)> _violations = new();
    private readonly List<VirtualIPad> _ipads = [];
    private readonly Lock _lock = new();
    private readonly Pulse _changed = new();

    public IPadFleet(FleetOptions options)
    {
        Options = options;
        Http = new MdmHttp(options, Measurements);
    }

    public FleetOptions Options { get; }
    public FleetMeasurements Measurements { get; } = new();

    /// <summary>A client of ACME that trusts what the iPads trust: for tests of a server, step by step.</summary>
    /// <param name="account">Its account's key; null: a new one.</param>
    public AcmeClient NewAcmeClient(System.Security.Cryptography.ECDsa? account = null) => new(Http, account);

    /// <summary>A copy.</summary>
    public IReadOnlyList<VirtualIPad> IPads
    {
        get
        {
            lock (_lock)
                return [.. _ipads];
        }
    }

    /// <summary>Breaches of Apple's rules by the server that any iPad saw; at most the first 1,000.</summary>
    public IReadOnlyCollection<string> Violations => [.. _violations.Select(violation => $"{violation.Udid}: {violation.Entry}")];

    internal MdmHttp Http { get; }

    /// <summary>Takes another iPad out of its box.</summary>
    /// <param name="description">Null: the next one of the delivery.</param>
    public VirtualIPad Add(IPadDescription? description = null)
    {
        lock (_lock)
        {
            var ipad = new VirtualIPad(this, description ?? IPadDescription.Number(_ipads.Count + 1));
            _ipads.Add(ipad);
            return ipad;
        }
    }

    /// <summary>Enrols these iPads, several at once.</summary>
    /// <param name="enrolled">Called after each, from any thread.</param>
    public Task EnrolAllAsync(IEnumerable<VirtualIPad> ipads, Uri invitation, Action<VirtualIPad>? enrolled = null,
        CancellationToken cancellation = default) => EnrolAllAsync(ipads, _ => invitation, enrolled, cancellation);

    /// <summary>The same, with an invitation for each.</summary>
    public Task EnrolAllAsync(IEnumerable<VirtualIPad> ipads, Func<VirtualIPad, Uri> invitation, Action<VirtualIPad>? enrolled = null,
        CancellationToken cancellation = default) =>
        Parallel.ForEachAsync(ipads,
            new ParallelOptions { MaxDegreeOfParallelism = Options.MaxConcurrentEnrolments, CancellationToken = cancellation },
            async (ipad, token) =>
            {
                await ipad.EnrolAsync(invitation(ipad), token);
                enrolled?.Invoke(ipad);
            });

    /// <summary>A command was accepted now; starts the clock of <see cref="FleetMeasurements.EnqueueToAcknowledged"/>.</summary>
    public void Enqueued(string commandUuid) => Enqueued(commandUuid, Options.Time.GetTimestamp());

    /// <param name="timestamp">Of the fleet's clock, taken before the request that queued the command.</param>
    public void Enqueued(string commandUuid, long timestamp)
    {
        foreach (var finished in Measurements.Tally(commandUuid).Enqueued(timestamp))
            Measurements.EnqueueToAcknowledged.Record(Options.Time.GetElapsedTime(timestamp, finished));
    }

    /// <summary>Waits until the condition holds. It is looked at again whenever anything happened to any iPad.</summary>
    public Task WhenAsync(Func<bool> condition, CancellationToken cancellation = default) => _changed.WhenAsync(condition, cancellation);

    public async ValueTask DisposeAsync()
    {
        foreach (var ipad in IPads)
            await ipad.DisposeAsync();
        Http.Dispose();
    }

    internal void ReportAccepted(string commandUuid, string status)
    {
        var tally = Measurements.Tally(commandUuid);
        tally.Count(status);
        if (status == "NotNow")
            return;
        var now = Options.Time.GetTimestamp();
        if (tally.Finished(now) is { } enqueued)
            Measurements.EnqueueToAcknowledged.Record(Options.Time.GetElapsedTime(enqueued, now));
    }

    internal void Written(string udid, JournalEntry entry)
    {
        if (entry.Kind == JournalKind.Violation && _violations.Count < ViolationsKept)
            _violations.Enqueue((udid, entry));
        _changed.Beat();
    }
}
