using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Nodes;
using FleetMdm.Grains.Push;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage.Exams;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Exams;

// An exam, from its beginning to the last iPad that is released:
//
//   1. Saved: the profile that locks is made once, under an identifier of its own, and kept with the exam. Nothing is sent.
//   2. Begins: a row is written for each iPad that the target finds now. From here on groups, people, classes and schools change nothing: a person who is deleted frees nobody.
//   3. An iPad comes: its own grain reads its rows (DeviceSnapshot.ExamDueAt) and sends the lock. The command expires with the exam, and is read once more before it is handed over.
//   4. The profile removes itself a quarter of an hour after the end, on the iPad, whatever becomes of this server. A later end is a new version of the profile.
//   5. Ends, by its time or by somebody: each row that was ever sent a lock is to be released. The grain of the iPad does it by the clock too, when this one is late.
//   6. Only the iPad says that it is released: by its answer to RemoveProfile, or by a list of profiles without it. Or it was erased, or left management.
//   7. Until then it stands on the list, with the reason, and is woken again and again: after 1, 2, 5, 10, 20, 40 minutes, then each hour.
//
// Every few seconds this grain does what time has brought: it begins and ends exams, tells the nodes, and wakes iPads. All of it is in the store: it may be lost at any moment, and
// another one goes on.

/// <inheritdoc cref="IExamGrain"/>
[GrainType("exam")]
internal sealed partial class ExamGrain(
    IExamStore store, QueueAnnouncer announcer, PushOutbox outbox, IOptions<RetentionOptions> retention, TimeProvider clock, ILogger<ExamGrain> logger) : Grain, IExamGrain
{
    private const int PushPage = 500;

    /// <summary>As many go out ahead of the pace of operations: a class that is to be released does not wait for the district.</summary>
    private const int AheadOfOthers = 200;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan CloseEvery = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan ForgetEvery = TimeSpan.FromHours(1);

    private IGrainTimer? _timer;
    private bool _announced;
    private bool _looking;
    private bool _again;
    private DateTimeOffset _closeAt;
    private DateTimeOffset _forgetAt;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        (_closeAt, _forgetAt) = (clock.GetUtcNow(), clock.GetUtcNow());
        _timer = this.RegisterGrainTimer(
            static (grain, stopping) => grain.Look(stopping), this, new GrainTimerCreationOptions(LookEvery, LookEvery) { Interleave = true, KeepAlive = true });
        return Task.CompletedTask;
    }

    public Task Wake() => Task.CompletedTask;

    public async Task Changed()
    {
        await announcer.Announce(CancellationToken.None);
        _timer!.Change(TimeSpan.Zero, LookEvery);
    }

    private async Task Look(CancellationToken stopping)
    {
        if (_looking)
        {
            _again = true;
            return;
        }

        _looking = true;
        try
        {
            do
            {
                _again = false;
                await LookOnce(stopping);
            }
            while (_again);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Another node goes on.
        }
        catch (Exception e)
        {
            LogFailed(e);
        }
        finally
        {
            _looking = false;
        }
    }

    private async Task LookOnce(CancellationToken stopping)
    {
        var now = clock.GetUtcNow();

        // 2, 5
        var turned = await store.Turn(now);
        if (turned is not { Begun: 0, Ended: 0 })
        {
            LogTurned(turned.Begun, turned.Ended);
            _announced = false;
        }

        // Whoever turned before, and died before it told anybody.
        if (!_announced)
        {
            await announcer.Announce(stopping);
            _announced = true;
        }

        if (now >= _closeAt)
        {
            await store.CloseGone(now);
            _closeAt = now + CloseEvery;
        }

        // 7
        var pushed = 0;
        while (await store.TakePushes(clock.GetUtcNow(), PushPage) is { Count: > 0 } page)
        {
            if (pushed + page.Count > AheadOfOthers || !page.All(outbox.TryAdd)) await outbox.AddAsync(page, stopping);
            pushed += page.Count;
        }

        if (now >= _forgetAt)
        {
            if (retention.Value.HistoryDays > 0) await store.Forget(now - TimeSpan.FromDays(retention.Value.HistoryDays));
            _forgetAt = now + ForgetEvery;
        }
    }

    [LoggerMessage(2503, LogLevel.Information, "{Begun} exams began, {Ended} ended")]
    private partial void LogTurned(int begun, int ended);

    [LoggerMessage(2504, LogLevel.Warning, "Looking after exams failed; it goes on in a few seconds")]
    private partial void LogFailed(Exception exception);
}
