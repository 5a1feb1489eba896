using FleetMdm.Grains.Audit;
using FleetMdm.Grains.Inventory;
using FleetMdm.Grains.Observability;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Grains.Sweeps;

/// <summary>What looks after the whole fleet now and then: pushes that were lost, operations that were not announced, what is kept too long.</summary>
/// <remarks>Owns the sweep grain. A duty is a class of its own and one line below; any room may bring one.</remarks>
public static class SweepServices
{
    /// <summary>Section <see cref="RetentionOptions.Section"/>, checked at start.</summary>
    public static IServiceCollection AddSweeps(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddFleetOptions<RetentionOptions>(configuration, RetentionOptions.Section, options => options.FindFault());
        services.AddSingleton<LostPushes>();
        services.AddSingleton<FleetMetrics>();
        services.AddSingleton<ISweepDuty, SilentPushSweep>();
        services.AddSingleton<ISweepDuty, LostPushSweep>();
        services.AddSingleton<ISweepDuty, OperationSweep>();
        services.AddSingleton<ISweepDuty, RepeatSweep>();
        services.AddSingleton<ISweepDuty, HistoryRetention>();
        services.AddSingleton<ISweepDuty, AuditRetention>();
        services.AddSingleton<ISweepDuty, AuditChainDuty>();
        services.AddSingleton<ISweepDuty, IdempotencyRetention>();
        services.AddSingleton<ISweepDuty, EnrolmentRetention>();
        services.AddSingleton<ISweepDuty, CampaignRetention>();
        services.AddSingleton<ISweepDuty, ReturnRetention>();
        services.AddSingleton<ISweepDuty, FleetCensus>();
        services.AddSingleton<ISweepDuty, InstalledAppSweep>();
        return services;
    }
}
