using FleetMdm.Grains.Declarations;
using FleetMdm.Grains.Sweeps;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Grains.Assignments;

/// <summary>What iPads should have: the plan that each node holds, and the grain that looks after it.</summary>
/// <remarks>Owns <see cref="PlanGrain"/>. What is to be done on an iPad is decided by <c>PlanPart</c>, in the iPad's own grain.</remarks>
internal static class AssignmentServices
{
    public static IServiceCollection AddAssignments(this IServiceCollection services)
    {
        services.AddSingleton<PlanHolder>();
        services.AddSingleton<RollOutPacer>();
        services.AddSingleton<DeclarationSets>();
        services.AddSingleton<ISweepDuty, PlanDuty>();
        return services;
    }
}
