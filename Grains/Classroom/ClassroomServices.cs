using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Sweeps;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Grains.Classroom;

/// <summary>Apple's Classroom: what iPads should know of their classes, and the certificates by which they believe each other.</summary>
/// <remarks>Owns <see cref="ClassroomGrain"/> and <see cref="ClassroomAuthorityGrain"/>. Sending is the business of the plan: it is an assignment like every other.</remarks>
internal static class ClassroomServices
{
    public static IServiceCollection AddClassroom(this IServiceCollection services)
    {
        services.AddSingleton<ClassroomProfiles>();
        services.AddSingleton<ISweepDuty, ClassroomDuty>();
        return services;
    }
}

/// <summary>Sees to it that somebody looks after it, whichever node died.</summary>
internal sealed class ClassroomDuty(IGrainFactory grains) : INodeLostDuty
{
    public TimeSpan Every => TimeSpan.FromMinutes(1);

    public Task Run(CancellationToken cancellationToken) => grains.GetGrain<IClassroomGrain>(0).Wake();
}
