using System.Diagnostics.Metrics;
using FleetMdm.Api.Hosting;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Limits;

/// <summary>The kinds of traffic, each with a gate of its own, so that none starves another.</summary>
public enum Traffic
{
    Device,
    /// <summary>Messages of iPads with a body so large that receiving it takes a while: reports of many apps or profiles.</summary>
    LargeDevice,
    /// <summary>Requests for identity certificates: from anybody, and dear.</summary>
    Scep,
    /// <summary>What else people and iPads ask for before they have an identity.</summary>
    Enrolment,
    Admin,
    /// <summary>Event streams: long, and nearly idle.</summary>
    Stream,
}

/// <summary>Endpoint metadata: by which gate a request comes in. The last one counts.</summary>
public sealed class AdmissionMetadata
{
    public static readonly AdmissionMetadata Device = new(Traffic.Device);
    public static readonly AdmissionMetadata Scep = new(Traffic.Scep);
    public static readonly AdmissionMetadata Enrolment = new(Traffic.Enrolment);
    public static readonly AdmissionMetadata Admin = new(Traffic.Admin);
    public static readonly AdmissionMetadata Stream = new(Traffic.Stream);

    private AdmissionMetadata(Traffic traffic) => Traffic = traffic;

    public Traffic Traffic { get; }
}

/// <summary>The gates of this node, and what is measured of them (meter <c>FleetMdm.Admission</c>).</summary>
public sealed class FleetGates : IDisposable
{
    /// <summary>Messages of iPads that keep a busy core busy, with group commits of a good size.</summary>
    private const int DevicesForEachBusyCore = 256;

    /// <summary>So much work that is ready to go on, and finds no core, says that the cores are what is waited for, not the database.</summary>
    private const int PendingForEachCore = 8;

    private readonly AdmissionGate[] _gates;
    private readonly Meter _meter;
    private readonly long[] _refused = new long[Enum.GetValues<Traffic>().Length];

    public FleetGates(IOptions<LimitsOptions> options, TimeProvider time, IMeterFactory meters)
    {
        var limits = options.Value;
        var wait = TimeSpan.FromMilliseconds(limits.QueueMilliseconds);
        var deviceWait = TimeSpan.FromMilliseconds(limits.DeviceQueueMilliseconds);
        _gates =
        [
            // In order, everybody in a flood would wait nearly as long as anybody does. And who waits does not come again meanwhile: saying no costs up to half
            // of what serving a message costs, and a flood that is told at once comes again at once.
            new AdmissionGate(
                new AdmissionRules
                {
                    Concurrency = limits.DeviceConcurrency,
                    Queue = limits.DeviceQueue,
                    LongestWait = deviceWait,
                    ShortestWait = deviceWait / 2,
                    NewestFirst = true,
                    AreCoresBusy = AreCoresBusy,
                    WhileBusy = DevicesForEachBusyCore * Environment.ProcessorCount,
                },
                time),
            InOrder(limits.LargeDeviceConcurrency, limits.LargeDeviceConcurrency, deviceWait),
            InOrder(limits.ScepConcurrency, limits.EnrolmentQueue, deviceWait),
            InOrder(limits.EnrolmentConcurrency, limits.EnrolmentQueue, deviceWait),
            InOrder(limits.AdminConcurrency, limits.AdminQueue, wait),
            InOrder(limits.AdminStreams, 0, wait),
        ];
        AdmissionGate InOrder(int concurrency, int queue, TimeSpan longestWait) =>
            new(new AdmissionRules { Concurrency = concurrency, Queue = queue, LongestWait = longestWait }, time);

        _meter = meters.Create("FleetMdm.Admission");
        _meter.CreateObservableCounter(
            "fleetmdm.admission.refused", () => Measure(traffic => Volatile.Read(ref _refused[(int)traffic])), "{request}",
            "Requests answered 503 because the node was full.");
        _meter.CreateObservableGauge(
            "fleetmdm.admission.running", () => Measure(traffic => this[traffic].Running), "{request}", "Requests being worked on.");
        _meter.CreateObservableGauge(
            "fleetmdm.admission.waiting", () => Measure(traffic => this[traffic].Waiting), "{request}", "Requests waiting for their turn.");
        _meter.CreateObservableGauge(
            "fleetmdm.admission.limit", () => Measure(traffic => this[traffic].Limit), "{request}", "Requests that may be worked on at once.");
    }

    public AdmissionGate this[Traffic traffic] => _gates[(int)traffic];

    /// <summary>The work on this request is done, and what is left is the network's: a large answer on its way to a slow iPad
    /// takes nobody's turn. To be called once, by the endpoint.</summary>
    public void LeaveEarly(HttpContext context)
    {
        var traffic = context.Features.Get<AdmittedBy>()?.Traffic ?? context.GetEndpoint()?.Metadata.GetMetadata<AdmissionMetadata>()?.Traffic;
        if (traffic is null) return;
        context.Features.Set(LeftEarly.Instance);
        this[traffic.Value].Leave();
    }

    internal void CountRefusal(Traffic traffic) => Interlocked.Increment(ref _refused[(int)traffic]);

    public void Dispose()
    {
        _meter.Dispose();
        foreach (var gate in _gates) gate.Dispose();
    }

    private static bool AreCoresBusy() => ThreadPool.PendingWorkItemCount > PendingForEachCore * Environment.ProcessorCount;

    private static IEnumerable<Measurement<long>> Measure(Func<Traffic, long> value) =>
        Enum.GetValues<Traffic>().Select(traffic =>
            new Measurement<long>(value(traffic), new KeyValuePair<string, object?>("traffic", Name(traffic))));

    private static string Name(Traffic traffic) => traffic switch
    {
        Traffic.Device => "device",
        Traffic.LargeDevice => "device-large",
        Traffic.Scep => "scep",
        Traffic.Enrolment => "enrolment",
        Traffic.Admin => "admin",
        _ => "stream",
    };
}

/// <summary>By which gate a request came in that did not come by its endpoint's.</summary>
internal sealed record AdmittedBy(Traffic Traffic);

/// <summary>Set on a request that has given its place back.</summary>
internal sealed class LeftEarly
{
    public static readonly LeftEarly Instance = new();
}

/// <summary>Registration and conventions of admission.</summary>
public static class FleetLimits
{
    private const string InPlace = "__FleetLimits";

    public static IServiceCollection AddFleetLimits(this IServiceCollection services, IConfiguration configuration)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<TrustedProxies>();
        services.TryAddSingleton<ClientAddress>();
        services.TryAddSingleton<FleetGates>();
        services.TryAddSingleton<LargeBodies>();
        services.TryAddSingleton<StreamShares>();
        services.TryAddSingleton<ConnectionLimit>();
        services.TryAddSingleton<HandshakeLimit>();
        return services.AddFleetOptions<LimitsOptions>(configuration, LimitsOptions.Section, options => options.FindFault());
    }

    /// <summary>Puts the gates before the endpoints. Called twice, it stands once.</summary>
    public static IApplicationBuilder UseFleetLimits(this IApplicationBuilder app)
    {
        if (!app.Properties.TryAdd(InPlace, true)) return app;
        return app.UseMiddleware<AdmissionMiddleware>();
    }

    /// <summary>Requests of iPads: admitted by <see cref="LimitsOptions.DeviceConcurrency"/>.</summary>
    public static TBuilder RequireDeviceAdmission<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(AdmissionMetadata.Device);

    /// <summary>Requests for certificates: admitted by <see cref="LimitsOptions.ScepConcurrency"/>.</summary>
    public static TBuilder RequireScepAdmission<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(AdmissionMetadata.Scep);

    /// <summary>The other requests of those who enrol: admitted by <see cref="LimitsOptions.EnrolmentConcurrency"/>.</summary>
    public static TBuilder RequireEnrolmentAdmission<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(AdmissionMetadata.Enrolment);

    /// <summary>Requests of administrators: admitted by <see cref="LimitsOptions.AdminConcurrency"/>.</summary>
    public static TBuilder RequireAdminAdmission<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(AdmissionMetadata.Admin);

    /// <summary>Event streams: admitted by <see cref="LimitsOptions.AdminStreams"/>.</summary>
    public static TBuilder RequireStreamAdmission<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(AdmissionMetadata.Stream);
}
