using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Identity;

/// <summary>Registration of the certificate authority, for a process that has the silo in it.</summary>
public static class IdentityServices
{
    public static IServiceCollection AddCertificateAuthority(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<CaOptions>().Bind(configuration.GetSection(CaOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<CaOptions>, CaOptionsValidator>();
        return services;
    }

    private sealed class CaOptionsValidator : IValidateOptions<CaOptions>
    {
        public ValidateOptionsResult Validate(string? name, CaOptions options) =>
            options.FindFault() is { } fault ? ValidateOptionsResult.Fail(fault) : ValidateOptionsResult.Success;
    }
}
