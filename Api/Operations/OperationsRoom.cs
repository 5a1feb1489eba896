using FleetMdm.Api.Console;

namespace FleetMdm.Api.Operations;

/// <summary>One command for many iPads.</summary>
/// <remarks>Owns <c>/api/v1/operations</c> and <c>/operations</c>. An operation is a grain, which appends to the queues of its target in one statement. Other rooms
/// read counts by <see cref="OperationWatch"/>.</remarks>
internal static class OperationsRoom
{
    public static void AddOperations(this IServiceCollection services)
    {
        services.AddSingleton<OperationWatch>();
        services.AddSingleton<IAttention, OperationAttention>();
        services.AddSingleton(new ConsoleEntry(20, "/operations", "Operations", "M3 5l1.5 1.5L7 4M3 10l1.5 1.5L7 9M3 15l1.5 1.5L7 14M10 5h7M10 10h7M10 15h7", 'p'));
    }

    public static void MapOperations(this AdminRoutes routes)
    {
        OperationEndpoints.MapRest(routes.Api);
        OperationPages.MapPages(routes.Pages);
    }
}
