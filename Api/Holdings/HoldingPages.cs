using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Api.Schools;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Holdings;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Holdings;

/// <summary>The tab of an iPad that says who has it, the form on a person's page, and the list of loans.</summary>
internal static class HoldingPages
{
    public const string Name = "person";

    private const int RowsOnPage = 100;

    /// <summary>People who were looked for: more are found by more letters.</summary>
    private const int MostFound = 20;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages = pages.MapGroup("").WithinSchools();
        pages.MapGet($"/ipads/{{id}}/{Name}", Show).Needs(Rights.DeviceRead, Rights.PeopleRead);
        pages.MapPost($"/ipads/{{id}}/{Name}", HandOut).Needs(Rights.DeviceChange, Rights.PeopleRead).Audit(AuditVerbs.DeviceHandOut, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapPost($"/ipads/{{id}}/{Name}/return", Return).Needs(Rights.DeviceChange).Audit(AuditVerbs.DeviceReturn, AuditTargets.Device, AuditPlace.WithTheChange);
        // The iPad is typed or scanned in the form of a person.
        pages.MapPost("/people/{person}/ipads", Give).Needs(Rights.DeviceChange, Rights.PeopleRead).Audit(AuditVerbs.DeviceHandOut, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapGet("/loans", Loans).Needs(Rights.DeviceRead, Rights.PeopleRead);
    }

    private static Task<RazorComponentResult<HoldingPage>> Show(
        string id, HttpContext context, DeviceFrames frames, HoldingService service, PeopleService people, string? q, string? after) =>
        Page(id, context, frames, service, people, PeoplePages.Set(q), PeoplePages.Set(after), FormState.Fresh, null);

    private static async Task<RazorComponentResult<HoldingPage>> Page(
        string id, HttpContext context, DeviceFrames frames, HoldingService service, PeopleService people, string? q, string? after, FormState form, ApiProblem? problem)
    {
        var user = FleetUser.Of(context);
        var frame = await frames.Of(context, id);
        return new RazorComponentResult<HoldingPage>(new
        {
            Frame = frame,
            History = await service.List(user, new HoldingFilter { DeviceId = frame.Device.Id }, after, RowsOnPage),
            Q = q,
            IsLaterPage = after is not null,
            Found = q is null || !user.May(Rights.DeviceChange) ? [] : (await people.List(user, PeopleService.Filter(q, null, null, active: true), null, MostFound)).Items,
            Form = form,
        })
        { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static async Task<IResult> HandOut(
        string id, HttpContext context, RequestIds ids, DeviceFrames frames, HoldingService service, PeopleService people)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.HandOut(context, id, Read(form, form.Get("person") ?? throw ApiProblem.Field("person", "Choose a person.")));
            return PageForms.See($"{DeviceFrameView.PathOf(id)}/{Name}?done=handed-out");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(id, context, frames, service, people, form.Get("q"), null, FormState.Refused(problem, form.Get), problem);
        }
    }

    private static async Task<IResult> Return(string id, HttpContext context, RequestIds ids, HoldingService service)
    {
        var form = await PageForms.Read(context, ids);
        await service.Return(context, id);
        return PageForms.See(Text.Uuid(form.Get("from") ?? "") is { } person ? $"/people/{person:D}?done=returned"
            : form.Get("from") == "loans" ? "/loans?done=returned"
            : $"{DeviceFrameView.PathOf(id)}/{Name}?done=returned");
    }

    private static async Task<IResult> Give(
        string person, HttpContext context, RequestIds ids, HoldingService service, PeopleService people, ClassService classes)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.HandOut(context, await service.Find(FleetUser.Of(context), form.Get("ipad")), Read(form, person));
            return PageForms.See($"/people/{Uri.EscapeDataString(person)}?done=handed-out");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await PeoplePages.Page(person, context, people, classes, service, FormState.Refused(problem, form.Get), null);
        }
    }

    private static async Task<RazorComponentResult<LoansPage>> Loans(
        HttpContext context, HoldingService service, SchoolService schools, string? school, string? state, string? after, string? done)
    {
        var user = FleetUser.Of(context);
        return new RazorComponentResult<LoansPage>(new
        {
            User = user,
            Loans = await service.List(user, state == "handback" ? HoldingService.HandBacks(school) : HoldingService.Loans(state == "overdue", service.Today, school),
                PeoplePages.Set(after), RowsOnPage),
            Schools = await PeoplePages.Choices(user, schools),
            Query = new ListQuery("/loans", ("school", PeoplePages.Set(school)), ("state", PeoplePages.Set(state))),
            IsLaterPage = PeoplePages.Set(after) is not null,
            FormKey = PageForms.NewKey(),
            Done = done == "returned" ? "The iPad is returned." : null,
        });
    }

    private static HandOutRequest Read(FormBody form, string person) => new()
    {
        PersonId = person,
        Until = PageForms.Day(form, "until"),
        ReturnFirst = form.Get("returnFirst") is not null,
    };
}
