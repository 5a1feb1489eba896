using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Grains.Push;

/// <summary>Registration of everything that pushes and sweeps, for a process that has the silo in it.</summary>
public static class PushServices
{
    public static IServiceCollection AddPush(this IServiceCollection services, IConfiguration configuration)
    {
        _ = configuration;
        services.AddSingleton<PushOutbox>();
        return services;
    }
}
