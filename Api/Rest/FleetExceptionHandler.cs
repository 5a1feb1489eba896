using FleetMdm.Api.Hosting;
using FleetMdm.Storage;
using FleetMdm.Storage.Filters;
using Microsoft.AspNetCore.Diagnostics;

namespace FleetMdm.Api.Rest;

/// <summary>Turns whatever an endpoint throws into problem details: the one place where that is decided.</summary>
internal sealed partial class FleetExceptionHandler(IHostApplicationLifetime lifetime, ILogger<FleetExceptionHandler> logger) : IExceptionHandler
{
    /// <summary>Clients that were told "not now" come back spread over these seconds.</summary>
    private const int LeastRetry = 2;
    private const int MostRetry = 10;

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (httpContext.RequestAborted.IsCancellationRequested)
        {
            httpContext.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }

        await ResultOf(httpContext, exception).ExecuteAsync(httpContext);
        return true;
    }

    /// <summary>The answer that an exception stands for.</summary>
    public IResult ResultOf(HttpContext httpContext, Exception exception)
    {
        switch (exception)
        {
            case ApiProblem problem:
                return Problems.Of(problem);

            // A group that a filter names is only known by the store.
            case FilterException filter:
                return Problems.Of(ApiProblem.Field("filter", filter.Message, ProblemCodes.InvalidFilter));

            case BadHttpRequestException bad:
                return bad.StatusCode == StatusCodes.Status413PayloadTooLarge
                    ? Problems.Of(bad.StatusCode, ProblemCodes.BodyTooLarge, "The body is too large", "The body is larger than the server takes.")
                    : Problems.Of(bad.StatusCode, ProblemCodes.InvalidRequest, "The request is not valid", bad.Message);

            case StoreRejectedException:
                LogRejected(exception, httpContext.Request.Method, LoggedPath.Of(httpContext));
                return Problems.Of(StatusCodes.Status422UnprocessableEntity, ProblemCodes.Rejected, "The database refused it",
                    "The database refused what this request would store. Repeating it cannot help.");

            default:
                if (Unavailability.Is(exception) || lifetime.ApplicationStopping.IsCancellationRequested)
                {
                    LogUnavailable(exception, httpContext.Request.Method, LoggedPath.Of(httpContext));
                    return Problems.Of(StatusCodes.Status503ServiceUnavailable, ProblemCodes.Unavailable, "Not now",
                        "The database or the cluster could not be reached. Nothing was promised; repeat the request, with the same Idempotency-Key if it has one.",
                        Random.Shared.Next(LeastRetry, MostRetry + 1));
                }

                LogFailed(exception, httpContext.Request.Method, LoggedPath.Of(httpContext));
                return Problems.Of(StatusCodes.Status500InternalServerError, ProblemCodes.InternalError, "The server failed",
                    "The server failed in a way that it did not foresee; its log says how.");
        }
    }

    [LoggerMessage(3100, LogLevel.Warning, "{Method} {Path} was answered 503: the store or the cluster is away")]
    private partial void LogUnavailable(Exception exception, string method, string path);

    [LoggerMessage(3101, LogLevel.Error, "{Method} {Path} failed")]
    private partial void LogFailed(Exception exception, string method, string path);

    [LoggerMessage(3102, LogLevel.Warning, "{Method} {Path}: the database refused a row")]
    private partial void LogRejected(Exception exception, string method, string path);
}
