using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Api.Operations;

/// <summary>One command for many iPads.</summary>
/// <remarks>Owns <c>/api/v1/operations</c>, <c>/api/v1/repeating-operations</c> and <c>/operations</c>. An operation is a grain, which appends to the queues of its target in one statement. Other rooms
/// read counts by <see cref="OperationWatch"/>.</remarks>
internal static class OperationsRoom
{
    public static void AddOperations(this IServiceCollection services)
    {
        services.AddSingleton<OperationWatch>();
        services.AddSingleton<OperationConfirmations>();
        services.AddSingleton<OperationPlans>();
        services.AddSingleton<OperationSteering>();
        services.AddSingleton<RepeatingOperations>();
        services.AddSingleton<IAttention, OperationAttention>();
        services.AddSingleton(provider => new ScopedThing(["/api/v1/operations/{id}", "/operations/{id}"], "id",
            async (scope, id) => Text.Uuid(id) is { } uuid && await provider.GetRequiredService<IOperationStore>().Find(scope, uuid.ToString("D")) is not null, OperationEndpoints.NotFound));
        services.AddSingleton(new ConsoleEntry(20, "/operations", "Operations", "M3 5l1.5 1.5L7 4M3 10l1.5 1.5L7 9M3 15l1.5 1.5L7 14M10 5h7M10 10h7M10 15h7", 'p', Rights.OperationRead));
    }

    public static void MapOperations(this AdminRoutes routes)
    {
        OperationEndpoints.MapRest(routes.Api);
        RepeatingOperations.MapRest(routes.Api);
        OperationPages.MapPages(routes.Pages);
        RepeatingPages.MapPages(routes.Pages);
    }
}
