using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Sweeps;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Grains.Exams;

/// <summary>Exams: what each node holds of them, and the grain that begins and ends them.</summary>
/// <remarks>Owns <see cref="ExamGrain"/>. What is to be done on an iPad is decided by <c>ExamPart</c>, in the iPad's own grain.</remarks>
internal static class ExamServices
{
    public static IServiceCollection AddExams(this IServiceCollection services)
    {
        services.AddSingleton<ExamProfiles>();
        services.AddSingleton<ISweepDuty, ExamDuty>();
        return services;
    }
}

/// <summary>Sees to it that somebody looks after exams, whichever node died.</summary>
internal sealed class ExamDuty(IGrainFactory grains) : INodeLostDuty
{
    public TimeSpan Every => TimeSpan.FromMinutes(1);

    public Task Run(CancellationToken cancellationToken) => grains.GetGrain<IExamGrain>(0).Wake();
}
