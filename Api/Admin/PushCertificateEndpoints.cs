using System.Buffers;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Queries;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace FleetMdm.Api.Admin;

/// <summary>The push certificate, without which no iPad can be woken.</summary>
internal static class PushCertificateEndpoints
{
    /// <summary>A certificate and a key are a few kilobytes; with a chain of certificates, ten.</summary>
    private const int LargestUpload = 1024 * 1024;

    private const string Pem = "application/x-pem-file";
    private const string Pkcs12 = "application/x-pkcs12";
    private const string PasswordHeader = "X-Certificate-Password";

    /// <summary>Maps <c>push-certificate</c> under the group that is passed in.</summary>
    public static IEndpointRouteBuilder MapPushCertificate(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("push-certificate", Get)
            .WithName("GetPushCertificate")
            .WithTags("Push certificate")
            .WithSummary("The push certificate: its topic, when it expires, and how many iPads depend on it")
            .ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapPut("push-certificate", Put)
            .WithName("PutPushCertificate")
            .WithTags("Push certificate")
            .WithSummary("Installs or renews the push certificate")
            .WithDescription("The body is the certificate with its private key: PEM, both in one file, or PKCS#12. It is used at once, without a restart. "
                + "A certificate with another topic is refused with 409 while iPads depend on the present one, since they could never be woken again; force=true installs it all the same.")
            .AddOpenApiOperationTransformer(DescribeBody)
            .WithMetadata(new LargestBody(2 * LargestUpload))
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        return routes;
    }

    private static async Task<Results<Ok<PushCertificateView>, ProblemHttpResult>> Get(
        IClusterClient cluster, IFleetQueries fleet, TimeProvider time)
    {
        if (await Grain(cluster).Describe() is not { } certificate)
            return TypedResults.Problem(
                statusCode: StatusCodes.Status404NotFound,
                title: "No push certificate is installed",
                detail: "Until one is, no iPad can enrol or be woken. Upload one with PUT.");
        return TypedResults.Ok(View(certificate, await fleet.CountByTopic(certificate.Topic), time));
    }

    /// <param name="password">The password of the PKCS#12 file or of the encrypted PEM key.</param>
    /// <param name="force">Install it even if iPads depend on another topic.</param>
    private static async Task<Results<Ok<PushCertificateView>, ProblemHttpResult>> Put(
        HttpRequest request, IClusterClient cluster, IFleetQueries fleet, TimeProvider time,
        [FromHeader(Name = PasswordHeader)] string? password, bool force = false)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !(type.MediaType.Equals(Pem, StringComparison.OrdinalIgnoreCase) || type.MediaType.Equals(Pkcs12, StringComparison.OrdinalIgnoreCase)))
            return TypedResults.Problem(
                statusCode: StatusCodes.Status415UnsupportedMediaType,
                title: "Neither PEM nor PKCS#12",
                detail: $"Set Content-Type to {Pem} or to {Pkcs12}.");
        if (await ReadBody(request) is not { } content)
            return TypedResults.Problem(
                statusCode: StatusCodes.Status413PayloadTooLarge,
                title: "The file is too large",
                detail: $"A push certificate has at most {LargestUpload} bytes.");
        if (content.Length == 0)
            return TypedResults.Problem(
                statusCode: StatusCodes.Status400BadRequest,
                title: "The body is empty",
                detail: "Send the certificate with its private key as the body.");

        var installed = await Grain(cluster).Install(new PushCertificateUpload(content, password, force));
        return installed.Outcome switch
        {
            PushCertificateOutcome.Installed =>
                TypedResults.Ok(View(installed.Certificate!, await fleet.CountByTopic(installed.Certificate!.Topic), time)),
            PushCertificateOutcome.TopicChanged => TypedResults.Problem(
                statusCode: StatusCodes.Status409Conflict,
                title: "iPads depend on the topic of the present push certificate",
                detail: installed.Problem,
                extensions: [new("problem", installed.ProblemCode), new("topic", installed.Certificate!.Topic), new("dependentDevices", installed.Dependants)]),
            _ => TypedResults.Problem(
                statusCode: StatusCodes.Status422UnprocessableEntity,
                title: "The push certificate cannot be used",
                detail: installed.Problem,
                extensions: [new("problem", installed.ProblemCode)]),
        };
    }

    /// <summary>By hand: the framework's own way would answer a wrong Content-Type itself, without saying which are right.</summary>
    private static Task DescribeBody(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
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

    /// <summary>The body, or null when it is larger than allowed.</summary>
    private static async Task<byte[]?> ReadBody(HttpRequest request)
    {
        if (request.ContentLength > LargestUpload)
            return null;
        var cancellationToken = request.HttpContext.RequestAborted;
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(cancellationToken);
            if (read.Buffer.Length > LargestUpload)
                return null;
            if (read.IsCompleted)
                return read.Buffer.ToArray();
            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static IPushCertificateGrain Grain(IClusterClient cluster) =>
        cluster.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key);

    private static PushCertificateView View(PushCertificateDescription certificate, long dependants, TimeProvider time) => new(
        certificate.Topic,
        certificate.Subject,
        certificate.SerialNumber,
        certificate.NotBefore,
        certificate.NotAfter,
        Math.Max(0, (int)(certificate.NotAfter - time.GetUtcNow()).TotalDays),
        certificate.InstalledAt,
        certificate.Standing.ToString(),
        certificate.Refusal,
        dependants);

    /// <summary>The server's own limit: above ours, so that it is ours that answers.</summary>
    private sealed record LargestBody(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
}

/// <summary>The push certificate as administrators see it: never its key.</summary>
/// <param name="Topic">What the iPads' enrolment profiles name.</param>
/// <param name="DaysLeft">Whole days until it expires; 0 when it has.</param>
/// <param name="Standing">Good, ExpiresSoon (within 30 days), Expired, or Refused (by APNs).</param>
/// <param name="Refusal">APNs' reason when it is refused.</param>
/// <param name="DependentDevices">How many iPads are enrolled under its topic.</param>
internal sealed record PushCertificateView(
    string Topic,
    string Subject,
    string SerialNumber,
    DateTimeOffset NotBefore,
    DateTimeOffset NotAfter,
    int DaysLeft,
    DateTimeOffset InstalledAt,
    string Standing,
    string? Refusal,
    long DependentDevices);
