using FleetMdm.Grains.Interfaces;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Sweeps;

/// <summary>Something that has to be done for the whole fleet now and then, on one node at a time.</summary>
internal interface ISweepDuty
{
    /// <summary>How often, measured from start to start.</summary>
    TimeSpan Every { get; }

    /// <summary>Does a bounded piece of it; what is left comes with the next run. What it throws is logged.</summary>
    Task Run(CancellationToken cancellationToken);
}

/// <summary>A duty that also has something to do at once when a node is gone: the same, if it says nothing else.</summary>
internal interface INodeLostDuty : ISweepDuty
{
    Task NodeLost(CancellationToken cancellationToken) => Run(cancellationToken);
}

/// <summary>A duty that also has something to do when pushes were lost, with a node or by one.</summary>
internal interface IPushesLostDuty : ISweepDuty
{
    Task PushesLost(CancellationToken cancellationToken);
}

/// <summary>
/// Runs the duties that are due. They run beside each other, in the background of the tick that started them; none runs twice at a
/// time. When they last ran is kept in memory: after a move they run again at once, which is harmless for all of them.
/// </summary>
[GrainType("sweep")]
internal sealed partial class SweepGrain(IEnumerable<ISweepDuty> duties, TimeProvider time, ILogger<SweepGrain> logger) : Grain, ISweepGrain
{
    /// <summary>Ticks come from every node: the ones in between do nothing.</summary>
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromSeconds(45);

    /// <summary>The other nodes notice within moments of each other.</summary>
    private static readonly TimeSpan SameLoss = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<ISweepDuty, (long Started, Task Running)> _runs = [];
    private long? _lastTick;
    private long? _lastLoss;
    private Task _lossRunning = Task.CompletedTask;
    private Task _looking = Task.CompletedTask;
    private bool _lookWaits;

    /// <summary>Ends when every duty that is running now has ended.</summary>
    internal Task Running => Task.WhenAll([_lossRunning, _looking, .. _runs.Values.Select(run => run.Running)]);

    public Task Tick()
    {
        if (_lastTick is { } last && time.GetElapsedTime(last) < ShortestInterval)
            return Task.CompletedTask;
        _lastTick = time.GetTimestamp();
        foreach (var duty in duties)
        {
            if (_runs.TryGetValue(duty, out var run) && (!run.Running.IsCompleted || time.GetElapsedTime(run.Started) < duty.Every))
                continue;
            _runs[duty] = (time.GetTimestamp(), Run(duty, duty.Run));
        }
        return Task.CompletedTask;
    }

    public Task NodeLost()
    {
        if (_lastLoss is { } last && time.GetElapsedTime(last) < SameLoss)
            return Task.CompletedTask;
        _lastLoss = time.GetTimestamp();
        _lossRunning = Task.WhenAll([_lossRunning, .. duties.OfType<INodeLostDuty>().Select(duty => Run(duty, duty.NodeLost))]);
        return PushesLost();
    }

    public Task PushesLost()
    {
        // A look that waits to begin finds this loss too.
        if (!_lookWaits)
            _looking = LookForLost(_looking);
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await Running.WaitAsync(cancellationToken);
        _stopping.Dispose();
    }

    private async Task LookForLost(Task before)
    {
        _lookWaits = true;
        await before;
        _lookWaits = false;
        await Task.WhenAll(duties.OfType<IPushesLostDuty>().Select(duty => Run(duty, duty.PushesLost)));
    }

    private async Task Run(ISweepDuty duty, Func<CancellationToken, Task> run)
    {
        try
        {
            // Beside the tick, not in it.
            await Task.Yield();
            await run(_stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The next node goes on.
        }
        catch (Exception e) when (e is OrleansMessageRejectionException or SiloUnavailableException)
        {
            // A node has ended, and the others have not found out yet. They say so themselves, and tell the sweep (NodeLost).
            LogNodeAway(logger, duty.GetType().Name, e.Message);
        }
        catch (Exception e)
        {
            LogFailed(logger, duty.GetType().Name, e);
        }
    }

    [LoggerMessage(2450, LogLevel.Warning, "{Duty} failed; it runs again when it is next due")]
    private static partial void LogFailed(ILogger logger, string duty, Exception exception);

    [LoggerMessage(2459, LogLevel.Information, "{Duty} called a node that did not answer; it runs again when it is next due, or when that node is known to be gone: {Reason}")]
    private static partial void LogNodeAway(ILogger logger, string duty, string reason);
}
