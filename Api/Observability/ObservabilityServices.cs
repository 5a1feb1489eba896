using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace FleetMdm.Api.Observability;

/// <summary>Metrics, traces and health checks.</summary>
internal static class ObservabilityServices
{
    private const string OtlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    public static void AddObservability(this IHostApplicationBuilder builder)
    {
        builder.Services.AddFleetOptions<MetricsOptions>(builder.Configuration, MetricsOptions.Section);
        builder.Services.AddSingleton<ClusterConnection>();
        builder.Services.AddSingleton<IClusterConnectionStatusObserver>(provider => provider.GetRequiredService<ClusterConnection>());
        builder.Services.AddSingleton<Readiness>();
        builder.Services.AddSingleton<FleetStatus>();

        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("fleetmdm", serviceVersion: FleetStatus.Version))
            .WithMetrics(metrics => metrics
                .AddMeter("FleetMdm.*", "Microsoft.Orleans", "Npgsql")
                // Goes through every place that is known, to say how many there are.
                .AddView("orleans-directory-cache-size", MetricStreamConfiguration.Drop)
                // Written with each request, and told by others: fleetmdm.admission.running, and the route of http.server.request.duration.
                .AddView("http.server.active_requests", MetricStreamConfiguration.Drop)
                .AddView("aspnetcore.routing.match_attempts", MetricStreamConfiguration.Drop)
                .AddAspNetCoreInstrumentation()
                .AddRuntimeInstrumentation()
                .AddPrometheusExporter());

        if (string.IsNullOrEmpty(builder.Configuration[OtlpEndpoint])) return;
        telemetry.WithTracing(tracing => tracing
            .AddSource("FleetMdm.*", "Microsoft.Orleans.Runtime", "Microsoft.Orleans.Application", "Npgsql")
            .AddAspNetCoreInstrumentation());
        telemetry.UseOtlpExporter();
    }

    public static void MapStatus(this AdminRoutes routes) => FleetStatus.MapRest(routes.Api);

    public static void MapMetrics(this RouteGroupBuilder admin)
    {
        var options = ((IEndpointRouteBuilder)admin).ServiceProvider.GetRequiredService<IOptions<MetricsOptions>>().Value;
        var metrics = admin.MapPrometheusScrapingEndpoint("/metrics").WithDisplayName("Metrics");
        if (!options.AllowAnonymous) metrics.RequireAuthorization(FleetPolicies.ByRight).Needs(Rights.StatusRead);
    }

    /// <summary>On every listener, without a token: they say yes or no and nothing else worth knowing. <c>/health/ready</c> is for people,
    /// containers and balancers of any kind. <c>/health/balancer</c> is for one that knows more than yes and no (deploy/haproxy): 404 is "no
    /// new connections, and leave those that are there alone", and it leaves the database out, which all nodes share: an iPad that
    /// is answered 503 by a node knows more than one that is not answered at all.</summary>
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        app.MapGet("/health/live", () => TypedResults.Text("alive\n")).WithMetadata(SideMetadata.Both).ExcludeFromDescription();
        app.MapGet("/health/ready", async (Readiness readiness) =>
            await readiness.FindFault() is { } fault
                ? Results.Text($"not ready: {fault}\n", statusCode: StatusCodes.Status503ServiceUnavailable)
                : Results.Text("ready\n")).WithMetadata(SideMetadata.Both).ExcludeFromDescription();
        app.MapGet("/health/balancer", (Readiness readiness) => readiness.FindNodeFault() switch
        {
            null => Results.Text("ready\n"),
            Readiness.Stopping => Results.Text("draining\n", statusCode: StatusCodes.Status404NotFound),
            var fault => Results.Text($"not ready: {fault}\n", statusCode: StatusCodes.Status503ServiceUnavailable),
        }).WithMetadata(SideMetadata.Both).ExcludeFromDescription();
    }
}
