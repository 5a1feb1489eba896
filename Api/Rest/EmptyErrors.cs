using Microsoft.AspNetCore.WebUtilities;

namespace FleetMdm.Api.Rest;

/// <summary>Gives a body to errors that the framework answers with none: no such path, wrong method.</summary>
internal static class EmptyErrors
{
    public static Task Fill(Microsoft.AspNetCore.Diagnostics.StatusCodeContext context)
    {
        var http = context.HttpContext;
        var status = http.Response.StatusCode;
        var problem = status switch
        {
            StatusCodes.Status401Unauthorized => (ProblemCodes.NotSignedIn, "Send an API token: \"Authorization: Bearer fleetmdm_…\"."),
            StatusCodes.Status403Forbidden => (ProblemCodes.NotAllowed, "This needs the role administrator; the token has the role viewer."),
            StatusCodes.Status404NotFound => (ProblemCodes.NotFound, "There is nothing at this path."),
            StatusCodes.Status405MethodNotAllowed => (ProblemCodes.MethodNotAllowed, $"This path takes {http.Response.Headers.Allow}."),
            StatusCodes.Status415UnsupportedMediaType => (ProblemCodes.UnsupportedMediaType, "This content type is not taken here."),
            _ => (ProblemCodes.InvalidRequest, "The request cannot be served."),
        };
        var title = ReasonPhrases.GetReasonPhrase(status);
        return Problems.Of(status, problem.Item1, title, problem.Item2).ExecuteAsync(http);
    }
}
