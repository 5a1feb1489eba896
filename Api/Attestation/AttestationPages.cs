using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Api.Attestation;

/// <summary>The form of the card on an iPad's page.</summary>
internal static class AttestationPages
{
    public static void MapPages(RouteGroupBuilder pages) =>
        pages.MapPost("/ipads/{id}/attestation", Ask).Needs(Rights.DeviceRefresh).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);

    private static async Task<IResult> Ask(string id, HttpContext context, RequestIds ids, AttestationService service)
    {
        await PageForms.Read(context, ids);
        await service.Ask(context, id);
        return PageForms.See($"/ipads/{Uri.EscapeDataString(id)}?done=asked");
    }
}
