using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using Orleans.Dashboard;

namespace FleetMdm.Api.Observability;

/// <summary>The Orleans dashboard at <c>/orleans/</c>: it shows grains, their keys and the log.</summary>
internal static class Dashboard
{
    public static void MapDashboard(this RouteGroupBuilder admin)
    {
        admin.MapOrleansDashboard("/orleans")
            .RequireAuthorization(FleetPolicies.ByRight)
            .Needs(Rights.ClusterRead)
            .WithMetadata(ContentPolicy.Dashboard)
            .ExcludeFromDescription();
    }
}
