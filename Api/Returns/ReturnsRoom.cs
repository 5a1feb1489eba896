using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Returns;

namespace FleetMdm.Api.Returns;

/// <summary>Return to Service: iPads are erased, and come back without hands; those that do not stand on a list.</summary>
/// <remarks>Owns <c>/api/v1/returns</c>, <c>/api/v1/return-answer</c>, <c>/operations/returns</c>, and the tables <c>returns</c>, <c>return_devices</c> and <c>return_answer</c>. A return is an operation with
/// the command EraseDevice: it is started, paced, held and cancelled as one, and its id is the operation's. The iPad's own grain puts the Wi-Fi into the command when it leaves;
/// <see cref="ReturnProfiles"/> adds how the iPad enrols.</remarks>
internal static class ReturnsRoom
{
    public static void AddReturns(this IServiceCollection services)
    {
        services.AddSingleton<ReturnProfiles>();
        services.AddSingleton<ReturnService>();
        services.AddSingleton<IAttention, ReturnAttention>();
        services.AddSingleton(provider => new ScopedThing(["/api/v1/returns/{id}", "/operations/returns/{id}"], "id",
            async (scope, id) => Text.Uuid(id) is { } uuid && await provider.GetRequiredService<IReturnStore>().Find(scope, uuid.ToString("D")) is not null, ReturnService.NotFound));
    }

    public static void MapReturns(this AdminRoutes routes)
    {
        ReturnEndpoints.MapRest(routes.Api);
        ReturnPages.MapPages(routes.Pages);
    }
}
