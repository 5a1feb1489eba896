using System.Text;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.AppsAndBooks;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.AppsAndBooks;

/// <summary>The pages of Apps and Books: what is owned and left, and the locations.</summary>
internal static class ContentPages
{
    private const int RowsOnPage = 100;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/apps-and-books", Assets).Needs(Rights.AutomatedRead);
        pages.MapGet("/apps-and-books/locations", Locations).Needs(Rights.AutomatedRead);
        pages.MapPost("/apps-and-books/locations", TakeToken).Needs(Rights.AutomatedChange).Audit(AuditVerbs.ContentToken, AuditTargets.ContentLocation, AuditPlace.WithTheChange);
        pages.MapGet("/apps-and-books/locations/{id}", Location).Needs(Rights.AutomatedRead);
        pages.MapGet("/apps-and-books/locations/{id}/licences", Licences).Needs(Rights.AutomatedRead);
        pages.MapPost("/apps-and-books/locations/{id}/claim", Claim).Needs(Rights.AutomatedChange).Audit(AuditVerbs.ContentClaim, AuditTargets.ContentLocation);
        pages.MapPost("/apps-and-books/locations/{id}/sync", Sync).Needs(Rights.AutomatedChange).Audit(AuditVerbs.ContentSync, AuditTargets.ContentLocation);
        pages.MapGet("/apps-and-books/locations/{id}/delete", AskDelete).Needs(Rights.AutomatedChange);
        pages.MapPost("/apps-and-books/locations/{id}/delete", Delete).Needs(Rights.AutomatedChange).Audit(AuditVerbs.ContentDelete, AuditTargets.ContentLocation, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<ContentAssetsPage>> Assets(HttpContext context, ContentLocationService service, string? location, string? q, string? @short, string? after)
    {
        var user = FleetUser.Of(context);
        var query = new ListQuery("/apps-and-books", ("q", PeoplePages.Set(q)), ("location", PeoplePages.Set(location)), ("short", PeoplePages.Set(@short)));
        return new(new
        {
            User = user,
            Owned = await service.Assets(user, query["location"], query["q"], Text.Flag("short", query["short"]) ?? false, PeoplePages.Set(after), RowsOnPage),
            Locations = (await service.List(user)).Items,
            Query = query,
            IsLaterPage = PeoplePages.Set(after) is not null,
        });
    }

    private static Task<RazorComponentResult<ContentLocationsPage>> Locations(HttpContext context, ContentLocationService service, string? done) =>
        LocationsPage(context, service, FormState.Fresh, done == "deleted" ? "The location is removed. Licences stay with the iPads that have them." : null);

    private static async Task<RazorComponentResult<ContentLocationsPage>> LocationsPage(HttpContext context, ContentLocationService service, FormState form, string? done = null)
    {
        var user = FleetUser.Of(context);
        return new(new { User = user, Locations = (await service.List(user)).Items, FormKey = PageForms.NewKey(), Form = form, Done = done }) { StatusCode = form.Status };
    }

    private static async Task<IResult> TakeToken(HttpContext context, RequestIds ids, ContentLocationService service)
    {
        try
        {
            var form = await UploadForm.Read(context, ids, ContentToken.MaxFileBytes);
            var file = await form.File("token", context.RequestAborted);
            if (file is not { Length: > 0 }) throw ApiProblem.Field("token", "Choose the content token that you downloaded in Apple School Manager.");
            var location = await service.TakeToken(context, Encoding.UTF8.GetString(file));
            return PageForms.See($"/apps-and-books/locations/{location.Id}?done=token");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Status is StatusCodes.Status413PayloadTooLarge or StatusCodes.Status503ServiceUnavailable)
        {
            return await LocationsPage(context, service, FormState.Refused(problem));
        }
    }

    private static Task<RazorComponentResult<ContentLocationPage>> Location(string id, HttpContext context, ContentLocationService service, string? done) =>
        LocationPage(id, context, service, FormState.Fresh, done switch
        {
            "token" => "The content token is taken. What the location owns is being read.",
            "claimed" => "The location is claimed for this server.",
            "asked" => "Apple is being asked. Load the page again in a moment.",
            _ => null,
        });

    private static async Task<RazorComponentResult<ContentLocationPage>> LocationPage(string id, HttpContext context, ContentLocationService service, FormState form, string? done = null)
    {
        var user = FleetUser.Of(context);
        return new(new { User = user, Location = await service.Get(user, id), FormKey = PageForms.NewKey(), Form = form, Done = done }) { StatusCode = form.Status };
    }

    private static async Task<RazorComponentResult<ContentLicencesPage>> Licences(string id, HttpContext context, ContentLocationService service, string? adamId, string? state, string? after)
    {
        var user = FleetUser.Of(context);
        var query = new ListQuery($"/apps-and-books/locations/{Uri.EscapeDataString(id)}/licences", ("adamId", PeoplePages.Set(adamId)), ("state", PeoplePages.Set(state)));
        return new(new
        {
            User = user,
            Location = await service.Get(user, id),
            Licences = await service.Licences(user, id, query["adamId"], query["state"], PeoplePages.Set(after), RowsOnPage),
            Query = query,
            IsLaterPage = PeoplePages.Set(after) is not null,
        });
    }

    private static async Task<IResult> Claim(string id, HttpContext context, RequestIds ids, ContentLocationService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Claim(context, id, form.Get("takeOver") is not null);
            return PageForms.See($"/apps-and-books/locations/{Uri.EscapeDataString(id)}?done=claimed");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Status == StatusCodes.Status503ServiceUnavailable)
        {
            return await LocationPage(id, context, service, FormState.Refused(problem));
        }
    }

    private static async Task<IResult> Sync(string id, HttpContext context, RequestIds ids, ContentLocationService service)
    {
        await PageForms.Read(context, ids);
        await service.Sync(context, id);
        return PageForms.See($"/apps-and-books/locations/{Uri.EscapeDataString(id)}?done=asked");
    }

    private static async Task<RazorComponentResult<ContentDeletePage>> AskDelete(string id, HttpContext context, ContentLocationService service) =>
        new(new { User = FleetUser.Of(context), Location = await service.Get(FleetUser.Of(context), id), FormKey = PageForms.NewKey() });

    private static async Task<IResult> Delete(string id, HttpContext context, RequestIds ids, ContentLocationService service)
    {
        var form = await PageForms.Read(context, ids);
        var location = await service.Get(FleetUser.Of(context), id);
        try
        {
            if (form.Get("confirm")?.Trim() != location.Name) throw ApiProblem.Field("confirm", $"Type the name of the location: {location.Name}");
            await service.Delete(context, id);
            return PageForms.See("/apps-and-books/locations?done=deleted");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return new RazorComponentResult<ContentDeletePage>(new { User = FleetUser.Of(context), Location = location, FormKey = PageForms.NewKey(), Form = FormState.Refused(problem) }) { StatusCode = problem.Status };
        }
    }
}
