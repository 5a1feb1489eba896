using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Limits;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace FleetMdm.Api.Rest;

/// <summary>Reads bodies of administrators' requests: bounded, once, with errors that name the field.</summary>
internal static partial class RequestBody
{
    public const string Json = "application/json";
    public const string Xml = "application/xml";

    public const string Multipart = "multipart/form-data";

    /// <summary>RFC 2046, 5.1.1.</summary>
    private const int LongestBoundary = 70;

    private static readonly object ReadBefore = new();

    /// <summary>The media type in lower case without its parameters; null when there is none.</summary>
    public static string? MediaType(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type) ? type.MediaType.Value?.ToLowerInvariant() : null;

    /// <summary>The whole body. Asked again, it gives the same bytes.</summary>
    /// <exception cref="ApiProblem">413; 415 for a compressed one.</exception>
    public static async ValueTask<ReadOnlyMemory<byte>> ReadAsync(HttpContext context)
    {
        if (context.Items[ReadBefore] is byte[] before) return before;

        var request = context.Request;
        if (request.Headers.ContentEncoding is { Count: > 0 } encoding && encoding != "identity")
        {
            throw new ApiProblem(StatusCodes.Status415UnsupportedMediaType, ProblemCodes.UnsupportedMediaType, "Unsupported content encoding",
                "Send the body uncompressed: no Content-Encoding.");
        }

        var limit = BodyLimitMetadata.BytesFor(context, context.RequestServices.GetRequiredService<IOptions<LimitsOptions>>().Value);
        Allow(context, limit);
        var bytes = await BoundedBody.Read(request, limit) ?? throw TooLarge(limit);
        context.Items[ReadBefore] = bytes;
        return bytes;
    }

    /// <summary>The server's own bound is for messages of iPads, and lower than what some bodies may have.</summary>
    public static void Allow(HttpContext context, long bytes)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false, MaxRequestBodySize: { } most } feature && most < bytes)
            feature.MaxRequestBodySize = bytes;
    }

    /// <summary>The body as JSON of exactly this shape: unknown, repeated and missing fields and wrong types are refused.</summary>
    public static async ValueTask<T> ReadJsonAsync<T>(HttpContext context, JsonTypeInfo<T> type) where T : class
    {
        RequireMediaType(context.Request, Json);
        var body = await ReadAsync(context);
        if (body.Length == 0) throw BadJson(null, "The body is empty; it must be a JSON object.");

        try
        {
            if (JsonNulls.InList(body.Span) is { } nothing) throw BadJson(nothing, "It must not be null.");
            return JsonSerializer.Deserialize(body.Span, type) ?? throw BadJson(null, "The body is null; it must be a JSON object.");
        }
        catch (JsonException e)
        {
            throw Missing(e) ?? BadJson(FieldOf(e.Path), Explain(e));
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            // A string that is not Unicode (half a surrogate pair).
            throw BadJson(null, "The body holds text that is not valid Unicode.");
        }
    }

    /// <summary>A form with files, whose parts can be told apart.</summary>
    /// <exception cref="ApiProblem">400, 415.</exception>
    public static void RequireForm(HttpRequest request, params ReadOnlySpan<string> otherwise)
    {
        RequireMediaType(request, [Multipart, .. otherwise]);
        if (MediaType(request) != Multipart) return;
        var boundary = MediaTypeHeaderValue.TryParse(request.ContentType, out var type) ? HeaderUtilities.RemoveQuotes(type.Boundary) : default;
        if (boundary.Length is 0 or > LongestBoundary)
            throw new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidRequest, "The form is not valid", "Its Content-Type has no boundary, or one of more than 70 characters.");
    }

    public static void RequireMediaType(HttpRequest request, params ReadOnlySpan<string> accepted)
    {
        var type = MediaType(request);
        foreach (var one in accepted)
        {
            if (type == one) return;
        }

        throw new ApiProblem(StatusCodes.Status415UnsupportedMediaType, ProblemCodes.UnsupportedMediaType, "Unsupported content type",
            $"Send the body with Content-Type: {string.Join(" or ", accepted.ToArray())}.");
    }

    private static ApiProblem TooLarge(int limit) =>
        new(StatusCodes.Status413PayloadTooLarge, ProblemCodes.BodyTooLarge, "The body is too large", $"The body may have at most {limit} bytes.");

    private static ApiProblem BadJson(string? field, string message) => field is null
        ? new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidJson, "The body is not valid JSON", message)
        : ApiProblem.Field(field, message, ProblemCodes.InvalidJson);

    /// <summary>Names each required field that is not there; null: something else is wrong.</summary>
    private static ApiProblem? Missing(JsonException e)
    {
        if (!e.Message.Contains("missing required", StringComparison.Ordinal)) return null;
        var within = FieldOf(e.Path) is { } path ? path + "." : "";
        var fields = QuotedName().Matches(e.Message[(e.Message.LastIndexOf(':') + 1)..]).Select(name => within + name.Groups[1].Value).Distinct().ToList();
        if (fields.Count == 0) return null;
        return new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidJson, "The request is not valid",
            $"{(fields.Count == 1 ? "A required field is missing" : "Required fields are missing")}: {string.Join(", ", fields)}.")
        {
            Errors = fields.ToDictionary(field => field, _ => (string[])["It is required."]),
        };
    }

    [GeneratedRegex("'([^']+)'")]
    private static partial Regex QuotedName();

    /// <summary><c>$.target.ids[3]</c> → <c>target.ids[3]</c>.</summary>
    private static string? FieldOf(string? path) =>
        path is { Length: > 2 } && path.StartsWith("$.", StringComparison.Ordinal) ? Text.Printable(path[2..], 200) : null;

    /// <summary>What System.Text.Json found, without the names of our types.</summary>
    private static string Explain(JsonException e)
    {
        var place = e.LineNumber is { } line && e.BytePositionInLine is { } column ? $" (line {line + 1}, byte {column + 1})" : "";
        var message = e.Message;
        if (message == TimeWithOffset.Words) return message;
        if (message.Contains("could not be mapped", StringComparison.Ordinal)) return "There is no such field.";
        if (message.Contains("uplicate", StringComparison.Ordinal)) return $"A field stands twice{place}.";
        if (message.Contains("could not be converted", StringComparison.Ordinal)) return "The value has the wrong type, or is out of range.";
        if (message.Contains("maximum", StringComparison.Ordinal) && message.Contains("depth", StringComparison.Ordinal)) return "It is nested too deeply.";
        return $"The body is not valid JSON{place}.";
    }
}
