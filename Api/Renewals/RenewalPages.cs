using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Renewals;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Renewals;

/// <summary>The list of identity certificates that end soon, and the form that renews one now.</summary>
internal static class RenewalPages
{
    private const int RenewalsOnPage = 50;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/certificates", List).Needs(Rights.CertificateRead).WithQuery("problem", "after").AddEndpointFilter((invocation, next) => QueryNames.Check(invocation, next));
        pages.MapPost("/ipads/{id}/renewal", Start).Needs(Rights.DeviceChange).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<CertificatesPage>> List(HttpContext context, IRenewalStore store, string? problem, string? after)
    {
        var only = Text.Flag("problem", problem) ?? false;
        var rows = await store.List(only, RenewalEndpoints.Place(after), RenewalsOnPage + 1);
        var page = Page.Of(rows, RenewalsOnPage, RenewalView.Of, RenewalEndpoints.NextOf);
        return new RazorComponentResult<CertificatesPage>(new { View = new CertificatesView(FleetUser.Of(context), page, only, await store.Count()) });
    }

    private static async Task<IResult> Start(string id, HttpContext context, RequestIds ids, DeviceLookup lookup, IRenewalStore store)
    {
        await PageForms.Read(context, ids);
        await RenewalEndpoints.Request(id, lookup, store);
        return PageForms.See($"/ipads/{Uri.EscapeDataString(id)}?done=renewal");
    }
}
