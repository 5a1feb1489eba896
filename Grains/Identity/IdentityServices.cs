using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Grains.Identity;

/// <summary>Registration of the certificate authority, for a process that has the silo in it.</summary>
public static class IdentityServices
{
    public static IServiceCollection AddCertificateAuthority(this IServiceCollection services, IConfiguration configuration) =>
        services.AddFleetOptions<CaOptions>(configuration, CaOptions.Section, options => options.FindFault());
}
