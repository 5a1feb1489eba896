using System.Text;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.PushCertificates;

/// <summary>What the page of the push certificate shows.</summary>
/// <param name="Request">That waits for its certificate; for administrators.</param>
/// <param name="Dependants">How many iPads are enrolled under its topic.</param>
/// <param name="Problem">Why what was just uploaded was not installed.</param>
public sealed record PushCertificatePageView(
    FleetUser User, PushCertificateDescription? Certificate, PushCertificateRequest? Request, long Dependants, string? Problem, string FormKey);

/// <summary>The page that leads from the request to the installed certificate.</summary>
internal static class PushCertificatePages
{
    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/push-certificate", (HttpContext context, IGrainFactory grains, IFleetQueries fleet) => Show(context, grains, fleet, null));
        pages.MapGet("/push-certificate/request.plist", (HttpContext context, IGrainFactory grains) => Download(context, grains, request => request.Signed, "push-request.plist"));
        pages.MapGet("/push-certificate/request.csr", (HttpContext context, IGrainFactory grains) => Download(context, grains, request => request.Pem, "push-request.csr"));
        pages.MapPost("/push-certificate/request", Request).Audit(AuditVerbs.PushCertificateRequest, AuditTargets.PushCertificate);
        pages.MapPost("/push-certificate", PushCertificateForm.Install).Audit(AuditVerbs.PushCertificateInstall, AuditTargets.PushCertificate);
    }

    /// <param name="problem">What became of a form.</param>
    public static async Task<RazorComponentResult<PushCertificatePage>> Show(HttpContext context, IGrainFactory grains, IFleetQueries fleet, ApiProblem? problem)
    {
        var (user, grain) = (FleetUser.Of(context), Grain(grains));
        var certificate = await grain.Describe();
        var view = new PushCertificatePageView(
            user, certificate, user.Role == AccessRole.Administrator ? await grain.FindRequest() : null,
            certificate is null ? 0 : await fleet.CountByTopic(certificate.Topic), problem?.Message, PageForms.NewKey());
        return new RazorComponentResult<PushCertificatePage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static async Task<IResult> Download(HttpContext context, IGrainFactory grains, Func<PushCertificateRequest, string?> content, string name)
    {
        if (FleetUser.Of(context).Role != AccessRole.Administrator || await Grain(grains).FindRequest() is not { } request || content(request) is not { } text)
            throw ApiProblem.NotFound("No such request waits.");
        return TypedResults.File(Encoding.ASCII.GetBytes(text), "application/octet-stream", name);
    }

    private static async Task<IResult> Request(HttpContext context, RequestIds ids, IGrainFactory grains, AuditTrail trail)
    {
        var form = await PageForms.Read(context, ids);
        var anew = Text.Flag("anew", form.Get("anew")) ?? false;
        await trail.Record(context, AuditVerbs.PushCertificateRequest, AuditTargets.PushCertificate, detail: anew ? "anew" : null);
        await Grain(grains).BeginRequest(anew);
        return PageForms.See("/push-certificate");
    }

    private static IPushCertificateGrain Grain(IGrainFactory grains) => grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key);
}
