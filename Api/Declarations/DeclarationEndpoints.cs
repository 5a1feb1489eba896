using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Declarations;

/// <summary><c>/api/v1/devices/{id}/declarations</c>.</summary>
internal static class DeclarationEndpoints
{
    public static void MapRest(RouteGroupBuilder api) => api.MapGet("/devices/{id}/declarations", Of).Needs(Rights.DeviceRead).WithTags("Declarations").Fails(404);

    /// <summary>The declarations of an iPad, and what it has said of itself</summary>
    /// <remarks>Each declaration that the iPad should have, and how it stands by the iPad's last status report; what the iPad has and should not; and the status items that it reports. What is
    /// declared is an assignment: see <c>/devices/{id}/assignments</c>.</remarks>
    public static async Task<Ok<DeviceDeclarationsView>> Of(string id, DeclarationService service) => TypedResults.Ok(await service.Of(id));
}
