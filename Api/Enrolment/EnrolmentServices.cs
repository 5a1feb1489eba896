using FleetMdm.Api.Hosting;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace FleetMdm.Api.Enrolment;

/// <summary>Registration of everything by which iPads enrol, for a process that has the API in it.</summary>
public static class EnrolmentServices
{
    public static IServiceCollection AddEnrolment(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddFleetOptions<ScepOptions>(configuration, ScepOptions.Section, options => options.FindFault());
        services.AddSingleton<EnrolmentAuthority>();
        services.AddHostedService(provider =>
        {
            var authority = provider.GetRequiredService<EnrolmentAuthority>();
            authority.CheckTrustedCas();
            return authority;
        });
        services.TryAddSingleton<TrustedProxies>();
        services.TryAddSingleton<ClientAddress>();
        services.AddSingleton<ServerCertificateProvider>();
        services.AddSingleton<EnrolmentMetrics>();
        services.AddSingleton<AnsweredMessages>();
        services.AddSingleton<ScepEndpoint>();
        services.AddSingleton<InvitationEndpoint>();
        services.AddSingleton<TrustEndpoints>();
        return services;
    }
}
