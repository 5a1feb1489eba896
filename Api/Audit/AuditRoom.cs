using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;

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
        services.AddSingleton<AuditTailWatch>();
        services.AddSingleton(new ConsoleEntry(50, "/audit", "Audit", "M5 3h10v14H5ZM8 7h4M8 10h4M8 13h2", 'a', Rights.AuditRead));
        services.AddSingleton(new DeviceTab(90, "history", "History", Rights.AuditRead));
        services.AddHostedService(provider => provider.GetRequiredService<Coalescer>());
    }

    public static void MapAudit(this AdminRoutes routes)
    {
        AuditEndpoints.MapRest(routes.Api);
        AuditTail.MapRest(routes.Api);
        AuditVerification.Map(routes);
        AuditPages.MapPages(routes.Pages);
    }
}
