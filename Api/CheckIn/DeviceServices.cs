using FleetMdm.Api.Limits;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace FleetMdm.Api.CheckIn;

/// <summary>Composition of the device side.</summary>
public static class DeviceServices
{
    public static IServiceCollection AddDeviceEndpoints(this IServiceCollection services)
    {
        services.TryAddSingleton<MessageBodyReader>();
        services.TryAddSingleton<LargeAnswers>();
        services.TryAddSingleton<LargeSenders>();
        services.TryAddSingleton<DeviceMetrics>();
        services.TryAddSingleton<DeviceIdentity>();
        services.TryAddSingleton<ForgottenRenewals>();
        services.TryAddSingleton<DeviceGrains>();
        services.TryAddSingleton<CheckInEndpoints>();
        return services;
    }

    public static void MapDeviceEndpoints(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/mdm").ExcludeFromDescription();
        var endpoints = routes.ServiceProvider.GetRequiredService<CheckInEndpoints>();
        group.WithMetadata(new LargeBodyMetadata(endpoints.AdmitLarge));
        group.MapPut("/checkin", (RequestDelegate)endpoints.Handle);
        group.MapPut("/connect", (RequestDelegate)endpoints.Handle);
        group.MapPut("", (RequestDelegate)endpoints.Handle);
    }
}
