using FleetMdm.Api.Attestation;
using FleetMdm.Api.Automated;
using FleetMdm.Api.Hosting;
using FleetMdm.Protocol.Attestation;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

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
            // Read now, so that a file that cannot be used stops the start.
            _ = provider.GetRequiredService<DeviceCertificates>();
            _ = provider.GetRequiredService<DeviceAttestations>();
            return authority;
        });
        services.TryAddSingleton<TrustedProxies>();
        services.TryAddSingleton<ClientAddress>();
        services.AddSingleton<ServerCertificateProvider>();
        services.AddSingleton<EnrolmentMetrics>();
        services.AddSingleton<AnsweredMessages>();
        services.AddSingleton<ScepEndpoint>();
        services.AddSingleton<EnrolmentProfiles>();
        services.AddSingleton<InvitationEndpoint>();
        services.AddFleetOptions<OverTheAirOptions>(configuration, OverTheAirOptions.Section, options => options.FindFault());
        services.AddSingleton(provider => DeviceCas.Load(provider.GetRequiredService<IOptions<OverTheAirOptions>>().Value));
        services.AddFleetOptions<AttestationOptions>(configuration, AttestationOptions.Section, options => options.FindFault());
        services.AddSingleton(provider => new DeviceAttestations(
            PemCas.Load(provider.GetRequiredService<IOptions<AttestationOptions>>().Value.RootFiles, AttestationOptions.Section, nameof(AttestationOptions.RootFiles))));
        services.AddSingleton<AttestationPolicy>();
        services.AddSingleton<AcmeEndpoint>();
        services.AddSingleton<ProfileServiceEndpoint>();
        services.AddSingleton<AutomatedEnrolmentEndpoint>();
        services.AddSingleton<TrustEndpoints>();
        return services;
    }
}
