using FleetMdm.Grains.Devices;
using FleetMdm.Grains.Identity;
using FleetMdm.Grains.Nodes;
using FleetMdm.Grains.Push;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Hosting;

/// <summary>Registration of all grains and what they stand on, for a process that has the silo in it. The store
/// (<c>AddFleetStorage</c>) and the storage provider <c>control</c> are the host's to add.</summary>
public static class GrainServices
{
    public static ISiloBuilder AddFleetGrains(this ISiloBuilder silo, IConfiguration configuration)
    {
        silo.AddPlacementDirector<NodePlacement, NodePlacementDirector>();

        var services = silo.Services;
        services.AddOptions<QueueOptions>()
            .Bind(configuration.GetSection(QueueOptions.Section), binder => binder.ErrorOnUnknownConfiguration = true)
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<QueueOptions>, QueueOptionsValidation>();
        services.AddSingleton<QueueEpoch>();
        services.AddSingleton<QueueAnnouncer>();
        services.AddSingleton<SeenBuffer>();
        services.AddHostedService(provider => provider.GetRequiredService<SeenBuffer>());
        services.AddPush(configuration);
        services.AddCertificateAuthority(configuration);
        return silo;
    }

    private sealed class QueueOptionsValidation : IValidateOptions<QueueOptions>
    {
        public ValidateOptionsResult Validate(string? name, QueueOptions options) =>
            options.FindFault() is { } fault
                ? ValidateOptionsResult.Fail(fault)
                : ValidateOptionsResult.Success;
    }
}
