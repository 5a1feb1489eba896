using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FleetMdm.Storage.Hosting;

/// <summary>The one way in which a section of options is registered, whichever project it belongs to.</summary>
public static class FleetOptions
{
    /// <summary>Binds a section and checks it at start: a key that no option has is refused, then what
    /// <paramref name="findFault"/> finds.</summary>
    /// <param name="findFault">A sentence on what is wrong, or null. Left out where the options have a validator of their own.</param>
    public static IServiceCollection AddFleetOptions<T>(
        this IServiceCollection services, IConfiguration configuration, string section, Func<T, string?>? findFault = null) where T : class
    {
        var values = configuration.GetSection(section);
        services.AddOptions<T>().Bind(values).ValidateOnStart();
        return services.AddSingleton<IValidateOptions<T>>(new Validation<T>(values, findFault));
    }

    private sealed class Validation<T>(IConfigurationSection section, Func<T, string?>? findFault) : IValidateOptions<T> where T : class
    {
        private static readonly HashSet<string> Known =
            typeof(T).GetProperties().Where(property => property.SetMethod is { IsPublic: true }).Select(property => property.Name)
                .ToHashSet(StringComparer.OrdinalIgnoreCase);

        public ValidateOptionsResult Validate(string? name, T options)
        {
            var unknown = section.GetChildren().Select(child => child.Key).FirstOrDefault(key => !Known.Contains(key));
            if (unknown is not null)
                return ValidateOptionsResult.Fail($"There is no option {section.Key}:{unknown}; docs/configuration.md lists them.");
            return findFault?.Invoke(options) is { } fault ? ValidateOptionsResult.Fail(fault) : ValidateOptionsResult.Success;
        }
    }
}
