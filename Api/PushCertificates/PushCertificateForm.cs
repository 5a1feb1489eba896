using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Limits;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using Microsoft.AspNetCore.Http.Features;

namespace FleetMdm.Api.PushCertificates;

/// <summary>The form that installs or renews the push certificate, for those who have no curl at hand.</summary>
internal static class PushCertificateForm
{
    /// <summary>Of the whole form: a certificate with its key and its chain has ten kilobytes.</summary>
    private const int LargestUpload = 1024 * 1024;

    private const int MostFields = 4;
    private const int LongestPassword = 1024;

    /// <summary>Never by force: a certificate with another topic, which would strand iPads, is installed by REST only.</summary>
    public static async Task<IResult> Install(HttpContext context, IGrainFactory grains, IFleetQueries fleet, AuditTrail trail)
    {
        var upload = await ReadAsync(context.Request);
        await trail.Record(context, AuditVerbs.PushCertificateInstall, AuditTargets.PushCertificate);
        var installed = await grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).Install(upload);
        if (installed.Outcome == PushCertificateOutcome.Installed) return PageForms.See("/push-certificate");

        var problem = ApiProblem.Conflict(ProblemCodes.InvalidRequest, "The certificate was not installed", installed.Problem ?? "It cannot be used.");
        return await PushCertificatePages.Show(context, grains, fleet, problem);
    }

    private static async Task<PushCertificateUpload> ReadAsync(HttpRequest request)
    {
        RequestBody.RequireMediaType(request, "multipart/form-data");
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
