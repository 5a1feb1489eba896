namespace FleetMdm.Api.Audit;

/// <summary>Who did what: the records of everything that changes something, signs in, or shows a secret.</summary>
/// <remarks>Owns <c>/api/v1/audit</c> and <c>/audit</c>. Other rooms name what they do by <see cref="Audited.Audit"/> where they map it, and write a record by <see cref="AuditTrail"/>
/// where no transaction carries it. The table is the store's (<c>IAuditStore</c>); grains know the caller by <c>Caller</c>.</remarks>
internal static class AuditRoom
{
    public static void AddAudit(this IServiceCollection services)
    {
        services.AddSingleton<AuditTrail>();
        services.AddSingleton<Coalescer>();
        services.AddHostedService(provider => provider.GetRequiredService<Coalescer>());
    }

    public static void MapAudit(this AdminRoutes routes)
    {
        AuditEndpoints.MapRest(routes.Api);
        AuditPages.MapPages(routes.Pages);
    }
}
