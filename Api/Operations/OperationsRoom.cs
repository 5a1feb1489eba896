namespace FleetMdm.Api.Operations;

/// <summary>One command for many iPads.</summary>
/// <remarks>Owns <c>/api/v1/operations</c> and <c>/operations</c>. An operation is a grain, which appends to the queues of its target in one statement. Other rooms
/// read counts by <see cref="OperationWatch"/>.</remarks>
internal static class OperationsRoom
{
    public static void AddOperations(this IServiceCollection services)
    {
        services.AddSingleton<OperationWatch>();
    }

    public static void MapOperations(this AdminRoutes routes)
    {
        OperationEndpoints.MapRest(routes.Api);
        OperationPages.MapPages(routes.Pages);
    }
}
