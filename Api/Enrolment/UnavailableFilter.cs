using System.Globalization;
using FleetMdm.Api.Hosting;

namespace FleetMdm.Api.Enrolment;

/// <summary>Store or cluster away: 503, and the iPad comes again. Nothing was promised.</summary>
internal sealed partial class UnavailableFilter(ILogger<UnavailableFilter> logger) : IEndpointFilter
{
    /// <summary>Spread, so that those who met the same fault do not come back at the same moment.</summary>
    private const int LeastRetrySeconds = 5;
    private const int MostRetrySeconds = 15;

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (Exception e) when (Unavailability.Is(e, context.HttpContext))
        {
            LogUnavailable(LoggedPath.Of(context.HttpContext), e);
            context.HttpContext.Response.Headers.RetryAfter =
                Random.Shared.Next(LeastRetrySeconds, MostRetrySeconds + 1).ToString(CultureInfo.InvariantCulture);
            return Results.Text("The server cannot answer now; come again.", statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }

    [LoggerMessage(3340, LogLevel.Warning, "{Path} answered 503: store or cluster away.")]
    private partial void LogUnavailable(string path, Exception e);
}
