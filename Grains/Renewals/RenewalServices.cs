using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Grains.Renewals;

/// <summary>Identity certificates of iPads are renewed before they end.</summary>
/// <remarks>Owns the table <c>renewals</c>, by <c>IRenewalStore</c>. The rules are <see cref="RenewalPart"/>; the iPad's grain carries them out, the
/// sweep asks it to.</remarks>
public static class RenewalServices
{
    /// <summary>Section <see cref="RenewalOptions.Section"/>, checked at start.</summary>
    public static IServiceCollection AddRenewals(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddFleetOptions<RenewalOptions>(configuration, RenewalOptions.Section, options => options.FindFault());
        services.AddSingleton<RenewalMetrics>();
        services.AddSingleton<ISweepDuty, RenewalSweep>();
        return services;
    }
}
