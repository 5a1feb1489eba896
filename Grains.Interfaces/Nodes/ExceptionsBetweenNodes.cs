using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace FleetMdm.Grains.Interfaces;

/// <summary>What a node may throw at another: our own exceptions, with what the database's driver threw inside them. One that cannot cross would
/// arrive as the failure to send it, and be answered 500 instead of 503.</summary>
public static class ExceptionsBetweenNodes
{
    public static IServiceCollection AddExceptionsBetweenNodes(this IServiceCollection services) =>
        services.Configure<ExceptionSerializationOptions>(options => options.SupportedNamespacePrefixes.UnionWith(["FleetMdm", "Npgsql"]));
}
