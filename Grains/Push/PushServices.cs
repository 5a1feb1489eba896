using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Push;

/// <summary>Registration of everything that pushes, for a process that has the silo in it.</summary>
public static class PushServices
{
    /// <summary>Section <see cref="PushOptions.Section"/>, checked at start.
    /// Needs the storage's ports, its <see cref="Storage.Secrets.SecretSealer"/>, and the grain storage <c>control</c>.</summary>
    public static IServiceCollection AddPush(this IServiceCollection services, IConfiguration configuration)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddMetrics();
        services.AddFleetOptions<PushOptions>(configuration, PushOptions.Section);
        services.AddSingleton<IValidateOptions<PushOptions>, PushOptionsValidator>();

        services.AddSingleton<PushCertificateSource>();
        services.AddSingleton<VendorCertificate>();
        services.AddSingleton<ISweepDuty, PushCertificateWatch>();
        services.AddSingleton<PushMetrics>();
        services.AddSingleton<ApnsConnections>();
        services.AddSingleton<PushResults>();
        services.AddSingleton<ApnsSender>();
        services.AddSingleton(provider => new PushOutbox(
            provider.GetRequiredService<IGrainFactory>(), provider.GetRequiredService<LostPushes>(), provider.GetRequiredService<PushMetrics>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<PushOutbox>>()));

        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, PushLifecycle>();
        return services;
    }
}
