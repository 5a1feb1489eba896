using FleetMdm.Api.Auth;
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

        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("fleetmdm", serviceVersion: Admin.FleetStatus.Version))
            .WithMetrics(metrics => metrics
                .AddMeter("FleetMdm.*", "Microsoft.Orleans", "Npgsql")
                .AddAspNetCoreInstrumentation()
                .AddRuntimeInstrumentation()
                .AddPrometheusExporter());

        if (string.IsNullOrEmpty(builder.Configuration[OtlpEndpoint])) return;
        telemetry.WithTracing(tracing => tracing
            .AddSource("FleetMdm.*", "Microsoft.Orleans.Runtime", "Microsoft.Orleans.Application", "Npgsql")
            .AddAspNetCoreInstrumentation());
        telemetry.UseOtlpExporter();
    }

    public static void MapMetrics(this RouteGroupBuilder admin)
    {
        var options = ((IEndpointRouteBuilder)admin).ServiceProvider.GetRequiredService<IOptions<MetricsOptions>>().Value;
        var metrics = admin.MapPrometheusScrapingEndpoint("/metrics").WithDisplayName("Metrics");
        if (!options.AllowAnonymous) metrics.RequireAuthorization(FleetPolicies.ReadOrAdminister);
    }

    /// <summary>For load balancers, on every listener, without a token: they say yes or no and nothing else worth knowing.</summary>
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        app.MapGet("/health/live", () => TypedResults.Text("alive\n")).WithMetadata(SideMetadata.Both).ExcludeFromDescription();
        app.MapGet("/health/ready", async (Readiness readiness) =>
            await readiness.FindFault() is { } fault
                ? Results.Text($"not ready: {fault}\n", statusCode: StatusCodes.Status503ServiceUnavailable)
                : Results.Text("ready\n")).WithMetadata(SideMetadata.Both).ExcludeFromDescription();
    }
}
