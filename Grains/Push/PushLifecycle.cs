using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Sweeps;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Push;

/// <summary>
/// Starts the loops of pushing when the silo has become active. When it stops, the sender takes nothing more and sends what it has, while
/// the other nodes' outboxes keep theirs until the push grains have moved; the outbox of this node hands over to them as long as the
/// node has grains. Each is given <see cref="DrainFor"/>; what is left then, the sweep finds when the node is gone. It also ticks the sweep.
/// </summary>
internal sealed partial class PushLifecycle(
    PushCertificateSource certificate, PushOutbox outbox, ApnsSender sender, PushResults results, LostPushes lost, IGrainFactory grains, TimeProvider time,
    ILogger<PushLifecycle> logger) : ILifecycleParticipant<ISiloLifecycle>
{
    private static readonly TimeSpan TickEvery = TimeSpan.FromMinutes(1);
    /// <summary>The nodes of a cluster that start together need not all tick first.</summary>
    private static readonly TimeSpan FirstTick = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan DrainFor = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan DrainLook = TimeSpan.FromMilliseconds(20);

    private readonly CancellationTokenSource _stopLooking = new();
    private readonly CancellationTokenSource _stopOutbox = new();
    private readonly CancellationTokenSource _stopSender = new();
    private readonly CancellationTokenSource _stopResults = new();
    private Task _looking = Task.CompletedTask;
    private Task _outbox = Task.CompletedTask;
    private Task _sender = Task.CompletedTask;
    private Task _results = Task.CompletedTask;

    public void Participate(ISiloLifecycle lifecycle)
    {
        lifecycle.Subscribe(nameof(PushLifecycle), ServiceLifecycleStage.Active, Start, StopSending);
        lifecycle.Subscribe(nameof(PushLifecycle), ServiceLifecycleStage.GrainDeactivation, _ => Task.CompletedTask, StopOutbox);
    }

    private Task Start(CancellationToken cancellationToken)
    {
        _looking = Task.WhenAll(
            Guard("certificate", () => certificate.Run(_stopLooking.Token)),
            Guard("sweep", () => TickSweep(_stopLooking.Token)));
        _outbox = Guard("outbox", () => outbox.Run(_stopOutbox.Token));
        _sender = Guard("sender", () => sender.Dispatch(_stopSender.Token));
        _results = Guard("results", () => results.Run(_stopResults.Token));
        return Task.CompletedTask;
    }

    private async Task StopSending(CancellationToken cancellationToken)
    {
        await _stopLooking.CancelAsync();
        await _looking;
        // What waits here goes by this node still, which may be the only one.
        await Drain(() => outbox.Count == 0);
        sender.TakeNoMore();
        await Drain(() => sender.Count == 0);
        await _stopSender.CancelAsync();
        await _sender;
        results.Complete();
        await Drain(() => _results.IsCompleted);
        await _stopResults.CancelAsync();
        await _results;
    }

    private async Task StopOutbox(CancellationToken cancellationToken)
    {
        await Drain(() => outbox.Count == 0);
        await _stopOutbox.CancelAsync();
        await _outbox;
    }

    /// <summary>By the real clock, whatever the time is for the fleet: this is about the process.</summary>
    private static async Task Drain(Func<bool> isEmpty)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!isEmpty() && TimeProvider.System.GetElapsedTime(started) < DrainFor)
            await Task.Delay(DrainLook, TimeProvider.System);
    }

    private async Task TickSweep(CancellationToken cancellationToken)
    {
        await Task.Delay(FirstTick, time, cancellationToken);
        using var timer = new PeriodicTimer(TickEvery, time);
        var nodeWasGone = false;
        do
        {
            try
            {
                await grains.GetGrain<ISweepGrain>(0).Tick();
                await LookForLost();
                nodeWasGone = false;
            }
            catch (OrleansMessageRejectionException) when (!nodeWasGone)
            {
                // A node that dies is told once, and not by those who talk to it; it is worth a line when it goes on.
                nodeWasGone = true;
            }
            catch (Exception e)
            {
                LogTickFailed(logger, e);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>Once a minute while APNs fails, so that everything is out within a minute or two of its return.</summary>
    private async Task LookForLost()
    {
        // Without a certificate nothing would be sent.
        if (certificate.TryUse(out _) is null || !lost.Take())
            return;
        try
        {
            await grains.GetGrain<ISweepGrain>(0).PushesLost();
        }
        catch
        {
            lost.Note();
            throw;
        }
    }

    /// <summary>A loop ends by cancellation only. If it ever ends otherwise, it is started again: pushing must not stop silently.</summary>
    private async Task Guard(string name, Func<Task> loop)
    {
        while (true)
        {
            try
            {
                await Task.Run(loop);
                return;
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                LogLoopFailed(logger, name, e);
                await Task.Delay(FirstTick, time, CancellationToken.None);
            }
        }
    }

    [LoggerMessage(2460, LogLevel.Warning, "The sweep could not be started; every node tries again in a minute")]
    private static partial void LogTickFailed(ILogger logger, Exception exception);

    [LoggerMessage(2461, LogLevel.Error, "The loop {Name} of pushing ended unexpectedly and is started again")]
    private static partial void LogLoopFailed(ILogger logger, string name, Exception exception);
}
