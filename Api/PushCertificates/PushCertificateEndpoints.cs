using System.Text;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace FleetMdm.Api.PushCertificates;

/// <summary><c>/api/v1/push-certificate</c>: what lets this server wake iPads.</summary>
internal static class PushCertificateEndpoints
{
    /// <summary>A certificate and a key are a few kilobytes; with a chain of certificates, ten.</summary>
    private const int LargestUpload = 1024 * 1024;

    private const string Pem = "application/x-pem-file";
    private const string Pkcs12 = "application/x-pkcs12";
    private const string PasswordHeader = "X-Certificate-Password";
    private const string CodePrefix = "push-certificate-";

    public static void MapRest(RouteGroupBuilder api)
    {
        var certificate = api.MapGroup("/push-certificate").WithTags("Push certificate");
        certificate.MapGet("", Get).Fails(404);
        certificate.MapPut("", Put).WithQuery("force").Audit(AuditVerbs.PushCertificateInstall, AuditTargets.PushCertificate).Fails(400, 409, 413, 415, 422)
            .WithMetadata(new LargestBody(2 * LargestUpload))
            .AddOpenApiOperationTransformer(DescribeBody);
    }

    /// <summary>The push certificate: its topic, when it expires, how many iPads depend on it</summary>
    public static async Task<Ok<PushCertificateView>> Get(IGrainFactory grains, IFleetQueries fleet, TimeProvider time)
    {
        var certificate = await Find(grains, fleet, time)
            ?? throw ApiProblem.NotFound("No push certificate is installed: until one is, no iPad can be woken. Upload one with PUT.");
        return TypedResults.Ok(certificate);
    }

    /// <summary>Install or renew the push certificate</summary>
    /// <remarks>The body is the certificate with its private key: PEM, both in one file, or PKCS#12. All nodes use it within seconds,
    /// without a restart. A certificate with another topic is refused with 409 while iPads depend on the present one, since they
    /// could never be woken again; force=true installs it all the same.</remarks>
    /// <param name="password">The password of the PKCS#12 file, or of the encrypted key in the PEM file.</param>
    /// <param name="force">true: install it even if iPads depend on another topic.</param>
    public static async Task<Ok<PushCertificateView>> Put(
        HttpRequest request, IGrainFactory grains, IFleetQueries fleet, AuditTrail trail, TimeProvider time,
        [FromHeader(Name = PasswordHeader)] string? password, string? force)
    {
        var forced = Text.Flag("force", force) ?? false;
        RequestBody.RequireMediaType(request, Pem, Pkcs12);
        var content = await BoundedBody.Read(request, LargestUpload) ?? throw TooLarge();
        if (content.Length == 0) throw ApiProblem.Field("body", "It is empty; send the certificate with its private key.");

        await trail.Record(request.HttpContext, AuditVerbs.PushCertificateInstall, AuditTargets.PushCertificate, detail: forced ? "by force" : null);
        var installed = await Grain(grains).Install(new PushCertificateUpload(content, password, forced));
        return installed.Outcome switch
        {
            PushCertificateOutcome.Installed => TypedResults.Ok(await View(installed.Certificate!, fleet, time)),
            PushCertificateOutcome.TopicChanged => throw ApiProblem.Conflict(
                Code(installed), "iPads depend on the topic of the present push certificate", installed.Problem!),
            _ => throw new ApiProblem(
                StatusCodes.Status422UnprocessableEntity, Code(installed), "The push certificate cannot be used", installed.Problem!),
        };
    }

    private static ApiProblem TooLarge() => new(
        StatusCodes.Status413PayloadTooLarge, ProblemCodes.BodyTooLarge, "The body is too large", $"A push certificate may have at most {LargestUpload} bytes.");

    /// <summary><c>WrongPassword</c> → <c>push-certificate-wrong-password</c>.</summary>
    private static string Code(PushCertificateInstalled installed)
    {
        var code = new StringBuilder(CodePrefix);
        foreach (var c in installed.ProblemCode!)
        {
            if (char.IsAsciiLetterUpper(c) && code.Length > CodePrefix.Length) code.Append('-');
            code.Append(char.ToLowerInvariant(c));
        }

        return code.ToString();
    }

    /// <summary>By hand: the framework's own way would answer a wrong Content-Type itself, without saying which are right.</summary>
    public static Task DescribeBody(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [Pem] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String } },
                [Pkcs12] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } },
            },
        };
        return Task.CompletedTask;
    }

    /// <summary>Null: none is installed.</summary>
    internal static async Task<PushCertificateView?> Find(IGrainFactory grains, IFleetQueries fleet, TimeProvider time) =>
        await Grain(grains).Describe() is { } certificate ? await View(certificate, fleet, time) : null;

    private static IPushCertificateGrain Grain(IGrainFactory grains) => grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key);

    private static async Task<PushCertificateView> View(PushCertificateDescription certificate, IFleetQueries fleet, TimeProvider time) => new()
    {
        Topic = certificate.Topic,
        Subject = certificate.Subject,
        SerialNumber = certificate.SerialNumber,
        NotBefore = certificate.NotBefore,
        NotAfter = certificate.NotAfter,
        DaysLeft = Math.Max(0, (int)(certificate.NotAfter - time.GetUtcNow()).TotalDays),
        InstalledAt = certificate.InstalledAt,
        Standing = certificate.Standing switch
        {
            PushCertificateStanding.Good => "good",
            PushCertificateStanding.ExpiresSoon => "expiresSoon",
            PushCertificateStanding.Expired => "expired",
            _ => "refused",
        },
        Refusal = certificate.Refusal,
        DependentDevices = await fleet.CountByTopic(certificate.Topic),
    };

    /// <summary>The server's own limit: above ours, so that it is ours that answers.</summary>
    private sealed record LargestBody(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
}

/// <summary>The push certificate as administrators see it: never its key.</summary>
public sealed record PushCertificateView
{
    /// <summary>What the iPads' enrolment profiles name.</summary>
    public required string Topic { get; init; }
    public required string Subject { get; init; }
    /// <summary>Hexadecimal.</summary>
    public required string SerialNumber { get; init; }
    public required DateTimeOffset NotBefore { get; init; }
    public required DateTimeOffset NotAfter { get; init; }
    /// <summary>Whole days until it expires; 0 when it has.</summary>
    public required int DaysLeft { get; init; }
    public required DateTimeOffset InstalledAt { get; init; }
    /// <summary>good, expiresSoon (within 30 days), expired, or refused (by APNs).</summary>
    public required string Standing { get; init; }
    /// <summary>APNs' reason when it is refused.</summary>
    public string? Refusal { get; init; }
    /// <summary>How many iPads are enrolled under its topic.</summary>
    public required long DependentDevices { get; init; }
}
