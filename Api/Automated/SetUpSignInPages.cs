using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Automated;

/// <summary>What an iPad in Setup Assistant shows where somebody is to sign in: a page that takes what the iPad says of itself, the sign-in, and one that gives the enrolment profile.</summary>
internal static class SetUpSignInPages
{
    /// <summary>The page that iPads open.</summary>
    public const string Begin = "/my/out-of-the-box";

    private const string Person = Begin + "/person";

    public static void MapPages(RouteGroupBuilder open, RouteGroupBuilder pages)
    {
        open.MapGet(Begin, Open).ExcludeFromDescription().WithMetadata(ContentPolicy.Page);
        pages.MapGet(Person, Ask).Needs(Rights.SelfUse).WithinSchools();
        pages.MapPost(Person, Take).Needs(Rights.SelfUse).WithinSchools().Audit(AuditVerbs.AutomatedSignIn, AuditTargets.Placeholder, AuditPlace.WithTheChange);
    }

    private static async Task<IResult> Open(HttpContext context, SetUpSignIn service)
    {
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            if (context.Request.Headers[SetUpSignIn.Header] is [{ Length: > 0 } header])
                return await service.Begin(context, header) ?? PageForms.See(Person);
            // The iPad says it once; whoever goes back is where they were.
            return service.Asking(context) is not null ? PageForms.See(Person) : Closed(StatusCodes.Status400BadRequest, SetUpClosedPage.NoIPad);
        }
        catch (AskingRefusedException e)
        {
            return Closed(e.Status, e.OnPage);
        }
    }

    private static async Task<IResult> Ask(HttpContext context, SetUpSignIn service)
    {
        if (service.Asking(context) is not { } asking) return Closed(StatusCodes.Status400BadRequest, SetUpClosedPage.NoIPad);
        return Page(await service.Choices(context, asking), asking, FormState.Fresh);
    }

    private static async Task<IResult> Take(HttpContext context, RequestIds ids, SetUpSignIn service)
    {
        var form = await PageForms.Read(context, ids);
        if (service.Asking(context) is not { } asking) return Closed(StatusCodes.Status400BadRequest, SetUpClosedPage.NoIPad);
        try
        {
            return await service.Take(context, asking, forNobody: form.Get("whose") == "nobody");
        }
        catch (AskingRefusedException e)
        {
            return Closed(e.Status, e.OnPage);
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Code == ProblemCodes.NoPerson)
        {
            return Page(await service.Choices(context, asking), asking, FormState.Refused(problem, form.Get));
        }
    }

    private static RazorComponentResult<SetUpPersonPage> Page(SetUpChoices choices, AskingIPad asking, FormState form) =>
        new(new { Choices = choices, asking.Device.SerialNumber, FormKey = PageForms.NewKey(), Form = form }) { StatusCode = form.Status };

    private static RazorComponentResult<SetUpClosedPage> Closed(int status, string words) => new(new { Message = words }) { StatusCode = status };
}
