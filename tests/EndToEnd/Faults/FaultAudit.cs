using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using FleetMdm.EndToEnd.Fleet;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Journal;

namespace FleetMdm.EndToEnd.Faults;

/// <summary>
/// Traffic through a fault, and afterwards the sum over all that was promised in it:
/// every command that was answered 202 was delivered, and stands in the history; every report that was answered 200 stands in the
/// history; no command ran again after a report on it was answered 200; each iPad ran its commands in the order in which they were
/// accepted; nobody was answered anything but success or 503; and the server is ready again.
/// </summary>
/// <remarks>Each iPad belongs to one sender, who waits for an answer before the next command: so the order of acceptance is known.
/// A command without a 202 was not promised, and may have been queued or not. Beside them a probe, with an iPad that is otherwise
/// idle, measures how long it takes until a command goes the whole way again.</remarks>
public sealed class FaultAudit : IAsyncDisposable
{
    /// <summary>Every wait for something to happen ends by then.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>So that a fast machine does not fill the journals.</summary>
    private static readonly TimeSpan BetweenCommands = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);
    private const int JournalCapacity = 50_000;

    private readonly AdminClient _admin, _impatient;
    private readonly IPadFleet _fleet;
    private readonly IReadOnlyList<VirtualIPad> _ipads;
    private readonly VirtualIPad _probe;
    private readonly ConcurrentDictionary<string, ConcurrentQueue<(string CommandUuid, DateTimeOffset At)>> _accepted = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _wrongAnswers = new();
    private CancellationTokenSource _sending = new();
    private Task[] _senders = [];
    private int _acceptedCount, _unavailable, _told;

    private FaultAudit(AdminClient admin, AdminClient impatient, IPadFleet fleet, IReadOnlyList<VirtualIPad> all)
    {
        _admin = admin;
        _impatient = impatient;
        _fleet = fleet;
        _ipads = [.. all.SkipLast(1)];
        _probe = all[^1];
    }

    /// <summary>What a sender sends next; the number counts up.</summary>
    public Func<int, byte[]>? Command { get; set; }

    public IReadOnlyList<VirtualIPad> IPads => _ipads;

    /// <summary>Commands answered 202 so far.</summary>
    public int Accepted => Volatile.Read(ref _acceptedCount);

    /// <summary>Administrators' requests answered 503, or not at all, so far.</summary>
    public int Unavailable => Volatile.Read(ref _unavailable);

    /// <summary>How many requests the server has turned away so far because it was full, by its own metric.</summary>
    /// <param name="traffic">As in <c>device</c>.</param>
    public async Task<long> TurnedAway(string traffic)
    {
        var pattern = $"fleetmdm_admission_refused_total{{[^}}]*traffic=\"{traffic}\"[^}}]*}} ([0-9]+)";
        var match = System.Text.RegularExpressions.Regex.Match(await _admin.GetTextAsync("/metrics"), pattern);
        return match.Success ? long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
    }

    /// <summary>How a fleet behaves whose iPads do not keep a test waiting.</summary>
    public static FleetOptions Impatient(FleetOptions options) => options with
    {
        JournalCapacity = JournalCapacity,
        LongestRetry = TimeSpan.FromSeconds(1),
        LongestRetryAfter = TimeSpan.FromSeconds(1),
    };

    /// <summary>An administrator who asks again soon, and gives up soon.</summary>
    public static AdminClient Impatient(RunningServer server) =>
        new(server.AdminUrl ?? server.Url, server.Process.AdminToken, server.Trust, tries: 2, longestWait: Look);

    /// <summary>Enrols that many iPads, and one more for the probe. The audit owns the fleet and the second client from now on.</summary>
    /// <param name="admin">Asks what stands in the history; it waits as it is told.</param>
    /// <param name="impatient">Sends the commands, through the fault.</param>
    public static async Task<FaultAudit> Begin(AdminClient admin, AdminClient impatient, IPadFleet fleet, int ipads)
    {
        using var patience = new CancellationTokenSource(Patience);
        var invitation = await admin.CreateInvitationAsync("Faults", cancellation: patience.Token);
        var all = Enumerable.Range(0, ipads + 1).Select(_ => fleet.Add()).ToList();
        await fleet.EnrolAllAsync(all, invitation.Url, cancellation: patience.Token);
        return new FaultAudit(admin, impatient, fleet, all);
    }

    public static Task<FaultAudit> Begin(RunningServer server, int ipads) =>
        Begin(server.Admin, Impatient(server), server.NewFleet(Impatient), ipads);

    // ---- Traffic ----

    /// <summary>Administrators send, each to iPads of its own, until <see cref="StopSending"/>, whatever they are answered.</summary>
    public void StartSending(int senders = 4)
    {
        if (_ipads.Count % senders != 0) throw new ArgumentException("Each iPad belongs to one sender.", nameof(senders));
        // Those of a fault before this one, whose test has failed, end first.
        var before = StopSending();
        _sending = new CancellationTokenSource();
        var stopping = _sending.Token;
        _senders = [.. Enumerable.Range(0, senders).Select(sender => Task.Run(async () =>
        {
            await before;
            await Send(sender, senders, stopping);
        }))];
    }

    public async Task StopSending()
    {
        var senders = _senders;
        _senders = [];
        await _sending.CancelAsync();
        await Task.WhenAll(senders);
    }

    /// <summary>Waits until so many more commands were accepted.</summary>
    public Task AcceptedMore(int count)
    {
        var goal = Accepted + count;
        return Until(() => Accepted >= goal, () => $"{goal} accepted commands, only {Accepted}");
    }

    /// <summary>Waits until administrators have met the fault so many times more.</summary>
    public Task UnavailableMore(int count)
    {
        var goal = Unavailable + count;
        return Until(() => Unavailable >= goal, () => $"{goal} answers 503, only {Unavailable}");
    }

    /// <summary>One operation over all iPads of the audit, repeated until it is answered 202. Its command's place among the others of an iPad is only
    /// known when nobody sends beside it.</summary>
    public async Task<OperationStart> Operate(string requestType)
    {
        var target = new JsonObject { ["ids"] = new JsonArray([.. _ipads.Select(ipad => (JsonNode)ipad.Udid)]) };
        OperationStart? operation = null;
        await Until(
            async () =>
            {
                try
                {
                    operation = await _impatient.StartOperationAsync(
                        target.DeepClone().AsObject(), new JsonObject { ["requestType"] = requestType }, CancellationToken.None);
                    return true;
                }
                catch (Exception e) when (e is HttpRequestException or AdminException { Status: 503 } or IOException)
                {
                    Interlocked.Increment(ref _unavailable);
                    return false;
                }
            },
            () => "an operation that is accepted");
        foreach (var ipad in _ipads) Promised(ipad, operation!.CommandUuid);
        return operation!;
    }

    /// <summary>How many iPads have reported on it.</summary>
    public int Reported(OperationStart operation) =>
        _ipads.Count(ipad => ipad.Journal.Command(operation.CommandUuid) is { AcceptedReports: > 0 });

    /// <summary>From now on: how long until a command is accepted, pushed, fetched, run, and its report is in the history.</summary>
    public async Task<TimeSpan> Recovery()
    {
        var started = TimeProvider.System.GetTimestamp();
        var uuid = "";
        await Until(async () => (uuid = await TrySend(_impatient, _probe, Plist("SecurityInfo", 0), CancellationToken.None) ?? "") != "",
            () => "a command that is accepted after the fault");
        await _probe.Journal.WaitForAsync(
            entry => entry is { Kind: JournalKind.Report, HttpStatus: 200 } && entry.CommandUuid == uuid, Patience);
        return TimeProvider.System.GetElapsedTime(started);
    }

    /// <summary>How long after that moment each of the iPads, whichever node had it, had reported on a command that was accepted after it.
    /// Administrators have to be sending.</summary>
    public async Task<TimeSpan> RecoveryOfAll(DateTimeOffset since)
    {
        var last = since;
        foreach (var ipad in _ipads)
        {
            JournalEntry? first = null;
            await Until(() => (first = FirstReport(ipad, AcceptedFor(ipad, since))) is not null,
                () => $"a report on a command accepted since {since:HH:mm:ss.fff}; {Explain([(ipad, "none")])}");
            if (first!.At > last) last = first.At;
        }

        return last - since;
    }

    /// <summary>A fault, again and again, while administrators send and iPads work: it meets every stage of the commands' lives, and then everything is
    /// added up.</summary>
    /// <param name="fault">As in <see cref="Settle"/>.</param>
    /// <param name="times">How often.</param>
    /// <param name="around">Commands accepted before each and after the last.</param>
    /// <param name="make">Makes the fault and ends it.</param>
    /// <param name="recovery">How long after that moment all was well again; usually <see cref="Recovery"/>.</param>
    public async Task Through(string fault, int times, int around, Func<Task> make, Func<DateTimeOffset, Task<TimeSpan>>? recovery = null)
    {
        var recoveries = new List<TimeSpan>();
        StartSending();
        for (var time = 0; time < times; time++)
        {
            await AcceptedMore(around);
            await make();
            recoveries.Add(recovery is null ? await Recovery() : await recovery(TimeProvider.System.GetUtcNow()));
        }

        await AcceptedMore(around);
        await Settle(fault, recoveries);
    }

    // ---- The sum ----

    /// <summary>Ends the sending, waits until everything that was accepted has been answered, and adds up.</summary>
    /// <param name="fault">As a row of docs/reliability.md begins.</param>
    /// <param name="recovery">How long it took, once for each time that the fault was made. None: there is no row.</param>
    /// <param name="wake">True: pushes may have died with a process; an administrator repeats them, as the sweep would after minutes.</param>
    public async Task Settle(string fault, IReadOnlyList<TimeSpan> recovery, bool wake = false)
    {
        await StopSending();
        using var patience = new CancellationTokenSource(Patience);
        await Readiness.WaitAsync(_admin.Server, Patience, TimeProvider.System, patience.Token);
        if (wake)
        {
            foreach (var ipad in _ipads.Append(_probe)) await _admin.PushAsync(ipad.Udid, patience.Token);
        }

        await Until(() => !Undelivered().Any(), () => $"a report on every accepted command; missing: {Explain(Undelivered().Take(5))}");
        foreach (var ipad in _ipads.Append(_probe)) await AddUp(ipad, patience.Token);
        Assert.True(_wrongAnswers.IsEmpty, $"Answers that mean neither yes nor not now:\n{string.Join('\n', _wrongAnswers.Take(10))}");
        Assert.Empty(_fleet.Violations);
        Assert.DoesNotContain(_fleet.Measurements.AnswersByStatus, answer => answer.Key is not (200 or 503));
        Tell(fault, recovery);
    }

    public async ValueTask DisposeAsync()
    {
        await StopSending();
        _sending.Dispose();
        await _fleet.DisposeAsync();
        _impatient.Dispose();
    }

    /// <summary>A command whose bytes the database has not seen before.</summary>
    /// <param name="padding">Bytes that do not compress, to fill a disk with.</param>
    public static byte[] Plist(string requestType, int padding)
    {
        var random = padding == 0 ? "" : Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(padding));
        return System.Text.Encoding.UTF8.GetBytes($"""
            <?xml version="1.0" encoding="UTF-8"?>
            <plist version="1.0"><dict><key>RequestType</key><string>{requestType}</string><key>Padding</key><data>{random}</data></dict></plist>
            """);
    }

    public static async Task Until(Func<Task<bool>> condition, Func<string> what)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > Patience) throw new TimeoutException($"There was never {what()}.");
            await Task.Delay(Look, TimeProvider.System);
        }
    }

    public static Task Until(Func<bool> condition, Func<string> what) => Until(() => Task.FromResult(condition()), what);

    private async Task Send(int sender, int senders, CancellationToken stopping)
    {
        for (var i = sender; !stopping.IsCancellationRequested; i += senders)
        {
            var command = Command?.Invoke(i) ?? Plist(i % 2 == 0 ? "ProfileList" : "SecurityInfo", 0);
            await TrySend(_impatient, _ipads[i % _ipads.Count], command, stopping);
            await Task.Delay(BetweenCommands, TimeProvider.System, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private async Task<string?> TrySend(AdminClient admin, VirtualIPad ipad, byte[] command, CancellationToken cancellation)
    {
        try
        {
            var uuid = await admin.SendCommandAsync(ipad.Udid, command, cancellation);
            Promised(ipad, uuid);
            return uuid;
        }
        catch (Exception e) when (e is HttpRequestException or AdminException or IOException or OperationCanceledException)
        {
            if (!cancellation.IsCancellationRequested) Interlocked.Increment(ref _unavailable);
            if (e is AdminException wrong && !IsNotNow(wrong)) _wrongAnswers.Enqueue(wrong.Message);
            return null;
        }
    }

    /// <summary>503; or the queue of an iPad that cannot come just now is full.</summary>
    private static bool IsNotNow(AdminException answer) =>
        answer.Status == 503 || (answer.Status == 429 && answer.Body.Contains("\"queue-full\"", StringComparison.Ordinal));

    private void Promised(VirtualIPad ipad, string uuid)
    {
        _accepted.GetOrAdd(ipad.Udid, _ => new ConcurrentQueue<(string, DateTimeOffset)>()).Enqueue((uuid, TimeProvider.System.GetUtcNow()));
        Interlocked.Increment(ref _acceptedCount);
    }

    private IEnumerable<(VirtualIPad IPad, string CommandUuid)> Undelivered() =>
        from ipad in _ipads.Append(_probe)
        from uuid in AcceptedFor(ipad)
        where ipad.Journal.Command(uuid) is not { AcceptedReports: > 0 }
        select (ipad, uuid);

    private string[] AcceptedFor(VirtualIPad ipad, DateTimeOffset since = default) =>
        _accepted.TryGetValue(ipad.Udid, out var accepted) ? [.. accepted.Where(promise => promise.At >= since).Select(promise => promise.CommandUuid)] : [];

    private static JournalEntry? FirstReport(VirtualIPad ipad, IReadOnlyCollection<string> commands) => ipad.Journal.Entries.FirstOrDefault(
        entry => entry is { Kind: JournalKind.Report, HttpStatus: 200, CommandUuid: { } uuid } && entry.What != "NotNow" && commands.Contains(uuid));

    private static string Explain(IEnumerable<(VirtualIPad IPad, string CommandUuid)> commands) =>
        string.Join('\n', commands.Select(command =>
            $"{command.CommandUuid} of {command.IPad.Udid}, whose journal ends with\n"
            + string.Join('\n', command.IPad.Journal.Entries.TakeLast(8))));

    private async Task AddUp(VirtualIPad ipad, CancellationToken cancellation)
    {
        Assert.Equal(0, ipad.Journal.Dropped);
        var accepted = AcceptedFor(ipad);
        // Before the history is read: a command without a 202 may still be on its way.
        var reports = ipad.Journal.Commands.Where(command => command.AcceptedReports > 0).ToList();
        var history = (await _admin.ListCommandsAsync(ipad.Udid, cancellation)).ToDictionary(command => command.CommandUuid);
        foreach (var uuid in accepted)
            Assert.True(history.TryGetValue(uuid, out var known) && known.Finished, $"{uuid} was answered 202 and is not in the history of {ipad.Udid}.");
        foreach (var command in reports)
        {
            var stands = history.TryGetValue(command.CommandUuid, out var known) && known.Finished && known.State == command.AcceptedStatus;
            Assert.True(stands, $"The report {command.AcceptedStatus} on {command.CommandUuid} was answered 200 and is not in the history of {ipad.Udid}.");
        }

        var reported = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in ipad.Journal.Entries)
        {
            if (entry is { Kind: JournalKind.Report, HttpStatus: 200, CommandUuid: { } done } && entry.What != "NotNow") reported.Add(done);
            else if (entry is { Kind: JournalKind.Command, CommandUuid: { } again })
            {
                Assert.False(
                    reported.Contains(again),
                    $"{again} ran again on {ipad.Udid} after the server had taken a report on it. Its journal:\n" + string.Join(
                        '\n', ipad.Journal.Entries.SkipWhile(before => before.CommandUuid != again).Take(40)));
            }
        }

        var promised = accepted.ToHashSet(StringComparer.Ordinal);
        Assert.Equal(accepted, ipad.Journal.ExecutionOrder().Distinct().Where(promised.Contains));
    }

    /// <summary>The row of the table in docs/reliability.md.</summary>
    private void Tell(string fault, IReadOnlyList<TimeSpan> recovery)
    {
        var times = string.Join(", ", recovery.Select(time => time.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)));
        if (recovery.Count > 0) Note($"| {fault} | {recovery.Count} | 0 of {Accepted - _told} | {times} s |");
        _told = Accepted;
    }

    /// <summary>Prints a measurement; to the file that FLEETMDM_FAULT_TABLE names, too.</summary>
    public static void Note(string line)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(line);
        if (Environment.GetEnvironmentVariable("FLEETMDM_FAULT_TABLE") is { Length: > 0 } file) File.AppendAllText(file, line + "\n");
    }
}
