using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Hosting;

// A node of a cluster that is told to stop:
//
//   1. says so         /health/ready is answered 503 and /health/balancer 404, so that the balancer sends new connections elsewhere
//   2. goes on         for Cluster:DrainSeconds everything is served as before; each answer is the last one of its connection
//   3. closes          listeners and idle connections; requests under way finish
//   4. hands over      grains are deactivated, their iPads are the other nodes'; the membership says that it left
//
// A process that is the whole fleet begins with 3: there is nowhere to send anybody.

/// <summary>Steps 1 and 2.</summary>
internal sealed partial class Draining(IOptions<FleetClusterOptions> cluster, TimeProvider clock, ILogger<Draining> logger) : IHostedLifecycleService
{
    /// <summary>The host has said that it stops (step 1), and stops nothing before this ends.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (!cluster.Value.Enabled || cluster.Value.DrainSeconds == 0) return;
        LogDraining(cluster.Value.DrainSeconds);
        await Task.Delay(TimeSpan.FromSeconds(cluster.Value.DrainSeconds), clock, cancellationToken);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(3050, LogLevel.Information, "Told to stop: serving for {Seconds} s more, while the load balancer turns away")]
    private partial void LogDraining(int seconds);
}

internal static class DrainingConnections
{
    /// <summary>While the node stops, each answer asks its client to come by another connection, which the balancer takes to another
    /// node (HTTP/1.1 <c>Connection: close</c>, HTTP/2 GOAWAY): none is cut while it is in use.</summary>
    public static void UseDraining(this WebApplication app)
    {
        var stopping = app.Lifetime.ApplicationStopping;
        app.Use((context, next) =>
        {
            if (stopping.IsCancellationRequested) context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            return next(context);
        });
    }
}
