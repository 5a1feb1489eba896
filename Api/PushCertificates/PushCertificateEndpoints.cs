using System.Text;
using FleetMdm.Api.Access;
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
        var certificate = api.MapGroup("/push-certificate").Needs(Rights.CertificateRead).WithTags("Push certificate");
        certificate.MapGet("", Get).Fails(404);
        certificate.MapPut("", Put).Needs(Rights.CertificateChange).WithQuery("force").Audit(AuditVerbs.PushCertificateInstall, AuditTargets.PushCertificate).Fails(400, 409, 413, 415, 422)
            .WithMetadata(new LargestBody(2 * LargestUpload))
            .AddOpenApiOperationTransformer(DescribeBody);
        certificate.MapGet("/request", GetRequest).Fails(404);
        certificate.MapPost("/request", MakeRequest).Needs(Rights.CertificateChange).WithQuery("anew").Idempotent()
            .Audit(AuditVerbs.PushCertificateRequest, AuditTargets.PushCertificate).Fails(400, 409, 422);
    }

    /// <summary>The push certificate: its topic, when it expires, how many iPads depend on it</summary>
    public static async Task<Ok<PushCertificateView>> Get(IGrainFactory grains, IFleetQueries fleet, TimeProvider time)
    {
        var certificate = await Find(grains, fleet, time)
            ?? throw ApiProblem.NotFound("No push certificate is installed: until one is, no iPad can be woken. Upload one with PUT.");
        return TypedResults.Ok(certificate);
    }

    /// <summary>Install or renew the push certificate</summary>
    /// <remarks>The body is the certificate with its private key: PEM, both in one file, or PKCS#12. Where the request was made here, it is the
    /// certificate alone, as Apple's portal gives it: it is joined with the key that was kept. All nodes use it within seconds,
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

    /// <summary>The request for a push certificate that waits for its certificate</summary>
    public static async Task<Ok<PushCertificateRequestView>> GetRequest(IGrainFactory grains) =>
        TypedResults.Ok(PushCertificateRequestView.Of(await Grain(grains).FindRequest()
            ?? throw ApiProblem.NotFound("No request waits: none was made, or its certificate was installed.")));

    /// <summary>Make a key and a request for a push certificate</summary>
    /// <remarks>The key stays here, sealed. With a vendor certificate (Push:VendorCertificateFile) the answer has what is uploaded at
    /// identity.apple.com/pushcert; without one, a vendor has to sign the request first. Then send what the portal gives with PUT. A request that waits is
    /// given back; the certificate in use is not changed.</remarks>
    /// <param name="anew">true: throw away the request that waits. A certificate that Apple makes from it is of no use then.</param>
    public static async Task<Created<PushCertificateRequestView>> MakeRequest(HttpContext context, IGrainFactory grains, AuditTrail trail, string? anew)
    {
        var forced = Text.Flag("anew", anew) ?? false;
        await trail.Record(context, AuditVerbs.PushCertificateRequest, AuditTargets.PushCertificate, detail: forced ? "anew" : null);
        return TypedResults.Created("/api/v1/push-certificate/request", PushCertificateRequestView.Of(await Grain(grains).BeginRequest(forced)));
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
        UnansweredAt = certificate.UnansweredAt,
        DependentDevices = await fleet.CountByTopic(certificate.Topic),
    };

    /// <summary>The server's own limit: above ours, so that it is ours that answers.</summary>
    private sealed record LargestBody(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
}

/// <summary>A request for a push certificate. Its key never leaves the server.</summary>
public sealed record PushCertificateRequestView
{
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>PKCS#10 in PEM: for a vendor who signs it.</summary>
    public required string Request { get; init; }
    /// <summary>Signed by this server's vendor certificate: the content of the file for identity.apple.com/pushcert. null: it has no vendor certificate.</summary>
    public string? SignedRequest { get; init; }

    internal static PushCertificateRequestView Of(PushCertificateRequest request) =>
        new() { CreatedAt = request.CreatedAt, Request = request.Pem, SignedRequest = request.Signed };
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
    /// <summary>When a push was last given up since APNs did not answer, and none was answered since; null: pushes are answered. Looked at for half an hour.</summary>
    public DateTimeOffset? UnansweredAt { get; init; }
    /// <summary>How many iPads are enrolled under its topic.</summary>
    public required long DependentDevices { get; init; }
}
