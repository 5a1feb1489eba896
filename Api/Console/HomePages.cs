using FleetMdm.Api.Access;
using FleetMdm.Api.Observability;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Operations;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Console;

/// <summary>The overview, and the REST interface to read.</summary>
internal static class HomePages
{
    private const int NewestOperations = 5;

    public static async Task<RazorComponentResult<HomePage>> ShowHome(
        HttpContext context, FleetStatus status, IOperationStore operations, OperationWatch watch, IEnrolmentStore enrolments)
    {
        List<OperationView> newest = [];
        foreach (var row in await operations.List(null, NewestOperations))
        {
            if (await watch.Describe(row.Id) is { } operation) newest.Add(OperationView.Of(operation));
        }

        var view = new HomeView(
            FleetUser.Of(context), await status.Read(), newest, (await enrolments.ListInvitations(null, 1)).Count > 0,
            PageForms.NewKey(), await context.RequestServices.GetRequiredService<TokenService>().Hint(FleetUser.Of(context)));
        return new RazorComponentResult<HomePage>(new { View = view });
    }

    /// <summary>The REST interface to read: public, as it holds no secrets.</summary>
    public static async Task<RazorComponentResult<DocsPage>> Docs(HttpContext context)
    {
        var session = await context.AuthenticateAsync(FleetAuthenticationHandler.Name);
        var user = session.Principal is { } principal ? FleetUser.Find(principal) : null;
        return new RazorComponentResult<DocsPage>(new { User = user, Document = await OpenApiDocument.Read(context.RequestServices, context.RequestAborted) });
    }
}
