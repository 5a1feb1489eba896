using System.Threading.Channels;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Observability;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage.Devices;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Push;

/// <summary>
/// Brings APNs' answers home: all of them to the store, in batches, and dead tokens to the grains of their enrolments.
/// </summary>
/// <remarks>
/// Threading: any thread adds, one loop writes. Bounded: <see cref="Capacity"/>; when it is full, or the store stays away for longer
/// than a few tries, answers are lost, with a metric and a log line. What that loses: the time of the last push that administrators see, and a
/// sweep that pushes once more than needed. A dead token that is lost is answered with 410 again at the next push.
/// </remarks>
internal sealed partial class PushResults(IDeviceStore store, IGrainFactory grains, PushMetrics metrics, TimeProvider time, ILogger<PushResults> logger)
{
    private const int Capacity = 50_000;
    private const int LargestBatch = 1_000;
    /// <summary>How long answers gather. Nobody waits for them, except for dead tokens, which cut it short.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(250);
    /// <summary>How many grains are told of their dead token at a time.</summary>
    private const int MostTold = 16;
    private const int MostTries = 5;
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(500);
    private const string Lost = "result-lost";

    private readonly LogThrottle _lostLog = new(time);
    private readonly Wakeup _wakeup = new(time);
    private volatile bool _completed;
    private readonly Channel<Answer> _answers = Channel.CreateBounded<Answer>(
        new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    public void Accepted(string enrolmentId) => Add(new Answer(enrolmentId, time.GetUtcNow(), PushResult.Accepted, null, null));

    public void Failed(string enrolmentId, string reason) => Add(new Answer(enrolmentId, time.GetUtcNow(), reason, null, null));

    public void TokenDead(PushOrder order, string reason, DateTimeOffset? since)
    {
        Add(new Answer(order.EnrolmentId, time.GetUtcNow(), reason, order.Token, since));
        _wakeup.Set();
    }

    /// <summary>Runs until <see cref="Complete"/> was called and everything is written, or until it is cancelled.</summary>
    public async Task Run(CancellationToken cancellationToken)
    {
        var batch = new List<Answer>(LargestBatch);
        while (await _answers.Reader.WaitToReadAsync(cancellationToken))
        {
            if (!_completed && _answers.Reader.Count < LargestBatch)
                await _wakeup.Wait(Gather, cancellationToken);
            while (batch.Count < LargestBatch && _answers.Reader.TryRead(out var answer))
                batch.Add(answer);
            await Record(batch, cancellationToken);
            await Parallel.ForEachAsync(
                batch.Where(answer => answer.DeadToken is not null),
                new ParallelOptions { MaxDegreeOfParallelism = MostTold, CancellationToken = cancellationToken },
                async (dead, stopping) => await Tell(dead, stopping));
            batch.Clear();
        }
    }

    /// <summary>No more answers will come.</summary>
    public void Complete()
    {
        _answers.Writer.TryComplete();
        _completed = true;
        _wakeup.Set();
    }

    private void Add(Answer answer)
    {
        if (!_answers.Writer.TryWrite(answer))
        {
            metrics.Count(Lost);
            if (_lostLog.Due(out var suppressed))
                LogLost(logger, suppressed, null);
        }
        else if (_answers.Reader.Count >= LargestBatch)
        {
            _wakeup.Set();
        }
    }

    private async Task Record(List<Answer> batch, CancellationToken cancellationToken)
    {
        // The last answer for each: one statement may not touch a row twice.
        var rows = batch.GroupBy(answer => answer.EnrolmentId, StringComparer.Ordinal)
            .Select(group => group.Last())
            .Select(answer => new PushRecord(answer.EnrolmentId, answer.At, answer.Result))
            .ToList();
        if (!await Try(() => store.RecordPushes(rows), cancellationToken))
            metrics.Count(Lost, rows.Count);
    }

    private async Task Tell(Answer dead, CancellationToken cancellationToken)
    {
        var told = await Try(
            () => grains.GetGrain<IDeviceGrain>(dead.EnrolmentId).PushTokenDied(dead.DeadToken!, dead.Result, dead.Since).AsTask(),
            cancellationToken);
        if (!told)
            metrics.Count(Lost);
    }

    private async Task<bool> Try(Func<Task> work, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await work();
                return true;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                if (attempt >= MostTries)
                {
                    if (_lostLog.Due(out var suppressed))
                        LogLost(logger, suppressed, e);
                    return false;
                }
            }
            await Task.Delay(Jitter.Around(FirstRetry * Math.Pow(2, attempt - 1)), time, cancellationToken);
        }
    }

    private readonly record struct Answer(string EnrolmentId, DateTimeOffset At, string Result, byte[]? DeadToken, DateTimeOffset? Since);

    [LoggerMessage(2420, LogLevel.Warning, "What APNs answered could not be recorded ({Suppressed} more since the last such line); pushes may be repeated")]
    private static partial void LogLost(ILogger logger, long suppressed, Exception? exception);
}
