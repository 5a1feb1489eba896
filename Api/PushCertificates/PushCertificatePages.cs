using System.Text;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Limits;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.PushCertificates;

/// <summary>The page that leads from the request to the installed push certificate, for those who have no curl at hand.</summary>
internal static class PushCertificatePages
{
    private const string Path = "/push-certificate";

    /// <summary>Of the whole form: a certificate with its key and its chain has ten kilobytes.</summary>
    private const int LargestUpload = 1024 * 1024;

    private const int MostFields = 4;
    private const int LongestPassword = 1024;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet(Path, Show).Needs(Rights.CertificateRead);
        pages.MapGet(Path + "/request.plist", (HttpContext context, IGrainFactory grains) => Download(context, grains, request => request.Signed, "push-request.plist")).Needs(Rights.CertificateChange);
        pages.MapGet(Path + "/request.csr", (HttpContext context, IGrainFactory grains) => Download(context, grains, request => request.Pem, "push-request.csr")).Needs(Rights.CertificateChange);
        pages.MapPost(Path + "/request", Request).Needs(Rights.CertificateChange).Audit(AuditVerbs.PushCertificateRequest, AuditTargets.PushCertificate);
        pages.MapPost(Path, Install).Needs(Rights.CertificateChange).Audit(AuditVerbs.PushCertificateInstall, AuditTargets.PushCertificate);
    }

    private static Task<RazorComponentResult<PushCertificatePage>> Show(
        HttpContext context, IGrainFactory grains, IFleetQueries fleet, TimeProvider time, string? done) =>
        Page(context, grains, fleet, time, FormState.Fresh, done switch
        {
            "installed" => "The push certificate is installed. All nodes use it within seconds.",
            "requested" => "The request is made. Download it, and go on with step 2.",
            _ => null,
        });

    private static async Task<RazorComponentResult<PushCertificatePage>> Page(
        HttpContext context, IGrainFactory grains, IFleetQueries fleet, TimeProvider time, FormState form, string? done)
    {
        var user = FleetUser.Of(context);
        return new(new
        {
            User = user,
            Certificate = await PushCertificateEndpoints.Find(grains, fleet, time),
            Request = user.May(Rights.CertificateChange) ? await Grain(grains).FindRequest() : null,
            FormKey = PageForms.NewKey(),
            Form = form,
            Done = done,
        })
        {
            StatusCode = form.Status,
        };
    }

    private static async Task<IResult> Download(HttpContext context, IGrainFactory grains, Func<PushCertificateRequest, string?> content, string name)
    {
        if (await Grain(grains).FindRequest() is not { } request || content(request) is not { } text)
            throw ApiProblem.NotFound("No such request waits.");
        return TypedResults.File(Encoding.ASCII.GetBytes(text), "application/octet-stream", name);
    }

    private static async Task<IResult> Request(HttpContext context, RequestIds ids, IGrainFactory grains, AuditTrail trail)
    {
        var form = await PageForms.Read(context, ids);
        var anew = Text.Flag("anew", form.Get("anew")) ?? false;
        await trail.Record(context, AuditVerbs.PushCertificateRequest, AuditTargets.PushCertificate, detail: anew ? "anew" : null);
        await Grain(grains).BeginRequest(anew);
        return PageForms.See(Path + "?done=requested");
    }

    private static IPushCertificateGrain Grain(IGrainFactory grains) => grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key);

    /// <summary>Never by force: a certificate with another topic, which would strand iPads, is installed by REST only.</summary>
    private static async Task<IResult> Install(HttpContext context, IGrainFactory grains, AuditTrail trail, IFleetQueries fleet, TimeProvider time)
    {
        try
        {
            var upload = await ReadAsync(context.Request);
            await trail.Record(context, AuditVerbs.PushCertificateInstall, AuditTargets.PushCertificate);
            var installed = await Grain(grains).Install(upload);
            return installed.Outcome == PushCertificateOutcome.Installed
                ? PageForms.See(Path + "?done=installed")
                : throw ApiProblem.Conflict(ProblemCodes.InvalidRequest, "The certificate was not installed", installed.Problem ?? "It cannot be used.");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(context, grains, fleet, time, FormState.Refused(problem), null);
        }
    }

    private static async Task<PushCertificateUpload> ReadAsync(HttpRequest request)
    {
        RequestBody.RequireForm(request);
        if (request.ContentLength > LargestUpload) throw TooLarge();
        try
        {
            var form = await request.ReadFormAsync(
                new FormOptions { MultipartBodyLengthLimit = LargestUpload, ValueCountLimit = MostFields, ValueLengthLimit = LongestPassword },
                BodyDeadline.TokenOf(request.HttpContext));
            if (form.Files.GetFile("certificate") is not { Length: > 0 } file) throw ApiProblem.Field("certificate", "Choose a file.");

            using var content = new MemoryStream();
            await file.CopyToAsync(content, BodyDeadline.TokenOf(request.HttpContext));
            var password = form["password"].ToString();
            return new PushCertificateUpload(content.ToArray(), password.Length > 0 ? password : null, Force: false);
        }
        catch (OperationCanceledException) when (BodyDeadline.HasPassedFor(request.HttpContext))
        {
            throw new BadHttpRequestException(BodyDeadline.Message, StatusCodes.Status408RequestTimeout);
        }
        catch (InvalidDataException)
        {
            throw ApiProblem.Field("certificate", "The form is not valid, or the file is too large: a push certificate has a few kilobytes.");
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            throw ApiProblem.Field("certificate", "The form ends too early.");
        }
    }

    private static ApiProblem TooLarge() => new(
        StatusCodes.Status413PayloadTooLarge, ProblemCodes.BodyTooLarge, "The file is too large", "A push certificate has a few kilobytes.");
}
