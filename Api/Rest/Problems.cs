using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Api.Console;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Rest;

/// <summary>Writes problem details (RFC 9457): <c>type</c>, <c>title</c>, <c>status</c>, <c>detail</c>, <c>code</c>, and
/// <c>errors</c> where fields are to blame.</summary>
internal static class Problems
{
    public const string ContentType = "application/problem+json";

    private const string TypePrefix = "urn:fleetmdm:problem:";

    public static string TypeOf(string code) => TypePrefix + code;

    public static IResult Of(ApiProblem problem) =>
        new WithRetryAfter(Result(problem.Status, problem.Code, problem.Title, problem.Message, problem.Errors, problem.Found, problem.More), problem.RetryAfter);

    public static IResult Of(int status, string code, string title, string detail, int? retryAfter = null) =>
        new WithRetryAfter(Result(status, code, title, detail, null, null, null), retryAfter);

    /// <summary>A body made once, for answers that must cost nothing.</summary>
    public static byte[] StaticBody(int status, string code, string title, string detail) =>
        JsonSerializer.SerializeToUtf8Bytes(
            new JsonObject { ["type"] = TypeOf(code), ["title"] = title, ["status"] = status, ["detail"] = detail, ["code"] = code },
            JsonSerializerOptions.Web);

    private static ProblemHttpResult Result(
        int status, string code, string title, string detail, IDictionary<string, string[]>? errors, long? found, IReadOnlyDictionary<string, object>? more)
    {
        var details = errors is null ? new ProblemDetails() : new HttpValidationProblemDetails(errors);
        details.Type = TypeOf(code);
        details.Title = title;
        details.Status = status;
        details.Detail = detail;
        details.Extensions["code"] = code;
        if (found is not null) details.Extensions["found"] = found;
        foreach (var (name, value) in more ?? new Dictionary<string, object>()) details.Extensions[name] = value;
        return TypedResults.Problem(details);
    }

    /// <summary>A person at a browser is shown a page; programs get problem details.</summary>
    private static bool WantsPage(HttpRequest request) =>
        !request.Path.StartsWithSegments("/api") && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    private sealed class WithRetryAfter(ProblemHttpResult result, int? seconds) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            if (seconds is { } value) httpContext.Response.Headers.RetryAfter = value.ToString(CultureInfo.InvariantCulture);
            httpContext.Response.Headers.CacheControl = "no-store";
            if (!WantsPage(httpContext.Request)) return result.ExecuteAsync(httpContext);

            httpContext.Response.Headers.ContentSecurityPolicy = ContentPolicy.Page.Value;
            var (heading, detail) = (result.ProblemDetails.Title ?? "", result.ProblemDetails.Detail ?? "");
            return new RazorComponentResult<ErrorPage>(new { Heading = heading, Detail = detail }) { StatusCode = result.StatusCode }
                .ExecuteAsync(httpContext);
        }
    }
}
