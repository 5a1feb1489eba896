using System.Collections;

namespace FleetMdm.Api.Hosting;

/// <summary>Where options come from: <c>appsettings.json</c> in the working directory, then the environment
/// (<c>FLEETMDM__SECTION__KEY</c>), then the command line (<c>--Section:Key=value</c>); the later one wins.</summary>
public static class FleetConfiguration
{
    /// <summary>The sections that exist. A section that is not here is a typing error, and stops the start.</summary>
    public static readonly IReadOnlyList<string> Sections =
    [
        "Storage", "Secrets", "Http", "Mdm", "Cluster", "Ca", "Scep", "Push", "Enrolment", "OverTheAir", "Attestation", "Automated", "AppsAndBooks", "Renewal", "Queue", "Operations", "Limits", "Inventory", "Apps", "Profiles",
        "Webhooks", "Oidc", "SelfService", "Teaching", "LostMode", "Retention", "Metrics", "Logging",
    ];

    /// <summary>The options that are lists: one value, several with commas, or an index for each.</summary>
    public static readonly IReadOnlyList<string> Lists = ["Mdm:TrustedIdentityCas", "Mdm:TrustedProxies", "OverTheAir:DeviceCaFiles", "Attestation:RootFiles", "Oidc:Roles"];

    /// <summary>OpenTelemetry's own options keep the names that every program gives them, as <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>.</summary>
    private const string OpenTelemetryPrefix = "OTEL_";

    /// <summary>Beneath everything that a user says.</summary>
    private static readonly Dictionary<string, string?> Defaults = new()
    {
        ["Logging:LogLevel:Default"] = nameof(LogLevel.Warning),
        ["Logging:LogLevel:FleetMdm"] = nameof(LogLevel.Information),
    };

    public static void AddFleetConfiguration(this ConfigurationManager configuration, IReadOnlyList<string> arguments)
    {
        configuration.Sources.Clear();
        configuration.SetBasePath(Directory.GetCurrentDirectory());
        configuration.AddInMemoryCollection(Defaults);
        configuration.AddJsonFile("appsettings.json", optional: true, reloadOnChange: false);
        configuration.AddInMemoryCollection(OpenTelemetryVariables());
        configuration.AddEnvironmentVariables("FLEETMDM__");
        configuration.AddCommandLine([.. arguments]);
        foreach (var section in configuration.GetChildren())
        {
            if (!Sections.Contains(section.Key, StringComparer.OrdinalIgnoreCase) && !section.Key.StartsWith(OpenTelemetryPrefix, StringComparison.Ordinal))
                throw new FleetStartException($"There is no option \"{section.Key}\"; the sections are {string.Join(", ", Sections)}.");
        }

        configuration.AddInMemoryCollection([.. Lists.SelectMany(list => Separated(configuration.GetSection(list)))]);
    }

    /// <summary>The elements of a list that was written with commas, each with an index as the framework's binder wants it.</summary>
    private static IEnumerable<KeyValuePair<string, string?>> Separated(IConfigurationSection list)
    {
        var indexed = list.GetChildren().Select(element => element.Value ?? "").ToList();
        if (list.Value is not null && indexed.Count > 0)
            throw new FleetStartException($"{list.Path} is given as one value and with an index; use one of both: --{list.Path}=a,b or --{list.Path}:0=a --{list.Path}:1=b.");
        var written = list.Value is { } value ? [value] : indexed;
        if (list.Value is null && !written.Exists(element => element.Contains(','))) return [];
        return written.SelectMany(element => element.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .Select((element, index) => new KeyValuePair<string, string?>($"{list.Path}:{index}", element));
    }

    /// <summary>Variables of the environment that look like options and are none, since one underscore follows <c>FLEETMDM</c>: <c>FLEETMDM_MDM__PUBLICURL</c>.
    /// Only those that name a section. Others are somebody else's: Kubernetes writes <c>FLEETMDM_SERVICE_HOST</c> for a service of that name.</summary>
    public static IReadOnlyList<string> MisspelledVariables() =>
    [
        .. Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(name => Sections.Any(section => name.StartsWith($"FLEETMDM_{section}_", StringComparison.OrdinalIgnoreCase)))
            .Order(StringComparer.Ordinal),
    ];

    private static IEnumerable<KeyValuePair<string, string?>> OpenTelemetryVariables() =>
        from DictionaryEntry variable in Environment.GetEnvironmentVariables()
        let name = (string)variable.Key
        where name.StartsWith(OpenTelemetryPrefix, StringComparison.Ordinal)
        select new KeyValuePair<string, string?>(name, (string?)variable.Value);

    /// <summary>Refuses what the framework would silently skip: words that are not <c>--Section:Key=value</c>.</summary>
    public static void CheckArguments(IReadOnlyList<string> arguments)
    {
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (!argument.StartsWith("--", StringComparison.Ordinal) || !argument.Contains(':'))
                throw new FleetStartException($"\"{argument}\" is not understood; options look like --Http:Listen=https://*:8443. See --help.");
            if (argument.Contains('=')) continue;
            if (++i == arguments.Count) throw new FleetStartException($"The option {argument} has no value.");
        }
    }
}

/// <summary>The server cannot start; the message is one sentence for the person who started it.</summary>
public sealed class FleetStartException(string message, Exception? inner = null) : Exception(message, inner);
