using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Grains.Automated;

/// <summary>Automated Device Enrolment: what Apple School Manager says of iPads, their enrolment profiles, and how long they are held in Setup Assistant.</summary>
/// <remarks>Owns the grains of servers, and the tables <c>automated_*</c> by its stores. The rules are <see cref="SyncPart"/> and <see cref="HoldPart"/>; an iPad's own grain lets it go.</remarks>
public static class AutomatedServices
{
    /// <summary>Section <see cref="AutomatedOptions.Section"/>, checked at start.</summary>
    public static IServiceCollection AddAutomated(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddFleetOptions<AutomatedOptions>(configuration, AutomatedOptions.Section, options => options.FindFault());
        services.AddSingleton<AppleDeviceService>();
        services.AddSingleton<ISweepDuty, AutomatedSweep>();
        services.AddSingleton<ISweepDuty, HoldSweep>();
        return services;
    }
}
