using FleetMdm.Storage;
using FleetMdm.Storage.Webhooks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Webhooks;

/// <summary>What anybody wants to be told, as this node knows it: iPads' grains write an event only then.</summary>
/// <remarks>Any thread: an immutable snapshot, swapped whole. It is read every few seconds, and at once on the node where a webhook was changed. As long as it was never read, everything
/// is wanted: an event too many is dropped where it is dispatched, one too few would be lost.</remarks>
internal sealed partial class WebhookInterest(IWebhookStore store, TimeProvider time, ILogger<WebhookInterest> logger) : IHostedService, IDisposable
{
    private static readonly TimeSpan ReadEvery = TimeSpan.FromSeconds(5);

    private volatile Snapshot _snapshot = Snapshot.Everything;
    private ITimer? _timer;

    /// <summary>Whether somebody wants anything.</summary>
    public bool Any => _snapshot.Any;

    public bool WantsCommands => _snapshot.Commands;

    public bool WantsDevices => _snapshot.Devices;

    public bool Wants(string kind) => _snapshot.All || WebhookKinds.Wants(_snapshot.Kinds, kind);

    public async Task Refresh() => _snapshot = Snapshot.Of(await store.Wanted());

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await RefreshQuietly();
        _timer = time.CreateTimer(_ => _ = RefreshQuietly(), null, ReadEvery, Timeout.InfiniteTimeSpan);
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _timer?.Dispose();

    private async Task RefreshQuietly()
    {
        try
        {
            await Refresh();
        }
        catch (StoreUnavailableException)
        {
            // What was known goes on.
        }
        catch (Exception e)
        {
            LogFailed(logger, e);
        }
        finally
        {
            // A slow store is not asked again while it has not answered.
            _timer?.Change(ReadEvery, Timeout.InfiniteTimeSpan);
        }
    }

    private sealed record Snapshot(bool All, bool Any, bool Commands, bool Devices, IReadOnlyList<string> Kinds)
    {
        public static readonly Snapshot Everything = new(true, true, true, true, []);

        public static Snapshot Of(IReadOnlyList<string> kinds) => new(
            false, kinds.Count > 0, WebhookKinds.Wants(kinds, WebhookKinds.CommandFinished),
            WebhookKinds.OfDevices.Any(kind => kind != WebhookKinds.CommandFinished && WebhookKinds.Wants(kinds, kind)), kinds);
    }

    [LoggerMessage(2530, LogLevel.Warning, "Which events webhooks want could not be read; it is tried again in a few seconds")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
