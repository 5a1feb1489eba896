using FleetMdm.Storage.Hosting;

namespace FleetMdm.Api.Observability;

/// <summary>Whether this node should be sent requests: it is not stopping, the store answers, and its silo (or its connection to
/// the silos) is there.</summary>
/// <remarks>The store is asked at most once a second, whoever asks us how often: a health check must not become a load.</remarks>
internal sealed class Readiness(
    IStoreControl store, IHostApplicationLifetime lifetime, IServiceProvider services, ClusterConnection connection, TimeProvider time)
{
    /// <summary>The node was told to stop.</summary>
    public const string Stopping = "stopping";

    private static readonly TimeSpan BelieveFor = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StoreAnswersWithin = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new();
    private Task<string?> _check = Task.FromResult<string?>(null);
    private long _checkedAt = long.MinValue;

    /// <summary>A word on what keeps this node itself from serving; null: nothing.</summary>
    public string? FindNodeFault()
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested) return Stopping;
        if (!lifetime.ApplicationStarted.IsCancellationRequested) return "starting";
        return IsInCluster() ? null : "cluster";
    }

    /// <summary>A word on what is missing; null: ready.</summary>
    public Task<string?> FindFault()
    {
        if (FindNodeFault() is { } fault) return Task.FromResult<string?>(fault);

        lock (_lock)
        {
            var fresh = _checkedAt != long.MinValue && time.GetElapsedTime(_checkedAt) < BelieveFor;
            if (_check.IsCompleted && !fresh)
            {
                _checkedAt = time.GetTimestamp();
                _check = CheckStore();
            }

            return _check;
        }
    }

    private async Task<string?> CheckStore()
    {
        // Off the caller's lock.
        await Task.Yield();
        try
        {
            using var patience = new CancellationTokenSource(StoreAnswersWithin, time);
            await store.Check(patience.Token).WaitAsync(patience.Token);
            return null;
        }
        catch (Exception)
        {
            return "store";
        }
    }

    private bool IsInCluster() => services.GetService<ISiloStatusOracle>() is { } silo
        ? silo.CurrentStatus == SiloStatus.Active
        : connection.IsUp;
}

/// <summary>Whether a node in the role <c>api</c> has a silo to talk to.</summary>
internal sealed class ClusterConnection : IClusterConnectionStatusObserver
{
    private volatile bool _lost;

    public bool IsUp => !_lost;

    public void NotifyClusterConnectionLost() => _lost = true;

    public void NotifyGatewayCountChanged(int currentNumberOfGateways, int previousNumberOfGateways, bool connectionRecovered)
    {
        if (currentNumberOfGateways > 0) _lost = false;
    }
}
