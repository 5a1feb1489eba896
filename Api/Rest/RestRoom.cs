using Microsoft.AspNetCore.Diagnostics;

namespace FleetMdm.Api.Rest;

/// <summary>What all of REST shares: problems, strict JSON, idempotency, the description (OpenAPI).</summary>
/// <remarks>Owns <c>/openapi</c>. Every room's endpoints stand on it; it knows none of them.</remarks>
internal static class RestRoom
{
    public static void AddRest(this IServiceCollection services)
    {
        services.AddSingleton<ListReading>();
        services.AddOpenApiDocument();
        services.AddProblemDetails();
        services.AddSingleton<FleetExceptionHandler>();
        services.AddSingleton<IExceptionHandler>(provider => provider.GetRequiredService<FleetExceptionHandler>());
        services.ConfigureHttpJsonOptions(options =>
        {
            options.SerializerOptions.NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict;
            options.SerializerOptions.TypeInfoResolverChain.Insert(0, AdminJson.Default);
        });
        services.AddSingleton<RequestIds>();
        services.AddSingleton<IdempotencyFilter>();
    }

    public static void MapRest(this AdminRoutes routes) => routes.Open.MapOpenApiDocument();
}
