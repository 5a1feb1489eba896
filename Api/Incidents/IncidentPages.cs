using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Api.Schools;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Incidents;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Incidents;

/// <summary>The tab of an iPad with its notes and incidents, and the list of incidents.</summary>
internal static class IncidentPages
{
    public const string Name = "notes";

    private const int RowsOnPage = 100;

    /// <summary>Open ones of one iPad: one of each kind.</summary>
    private const int MostOpen = 10;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages = pages.MapGroup("").WithinSchools();
        pages.MapGet($"/ipads/{{id}}/{Name}", Show).Needs(Rights.DeviceRead);
        pages.MapPost($"/ipads/{{id}}/{Name}", AddNote).Needs(Rights.IncidentChange).Needs(Rights.IncidentChange).Audit(AuditVerbs.NoteWrite, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapPost($"/ipads/{{id}}/{Name}/{{note}}/remove", RemoveNote).Needs(Rights.IncidentChange).Needs(Rights.IncidentChange).Audit(AuditVerbs.NoteRemove, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapPost("/ipads/{id}/incidents", Open).Needs(Rights.IncidentChange).Needs(Rights.IncidentChange).Audit(AuditVerbs.IncidentOpen, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapPost("/ipads/{id}/incidents/{incident}", Change).Needs(Rights.IncidentChange).Audit(AuditVerbs.IncidentChange, AuditTargets.Device, AuditPlace.WithTheChange);
        pages.MapGet("/incidents", List).Needs(Rights.DeviceRead);
    }

    private static Task<RazorComponentResult<NotesPage>> Show(string id, HttpContext context, DeviceFrames frames, IncidentService service, string? after) =>
        Page(id, context, frames, service, PeoplePages.Set(after), FormState.Fresh);

    private static async Task<RazorComponentResult<NotesPage>> Page(
        string id, HttpContext context, DeviceFrames frames, IncidentService service, string? after, FormState form)
    {
        var user = FleetUser.Of(context);
        var frame = await frames.Of(context, id);
        return new RazorComponentResult<NotesPage>(new
        {
            Frame = frame,
            Open = (await service.List(user, new IncidentFilter { DeviceId = frame.Device.Id, Open = true }, null, MostOpen)).Items,
            Notes = await service.Notes(user, frame.Device.Id, after, RowsOnPage),
            IsLaterPage = after is not null,
            Form = form,
        })
        { StatusCode = form.Status };
    }

    private static Task<IResult> AddNote(string id, HttpContext context, RequestIds ids, DeviceFrames frames, IncidentService service) =>
        Do(id, context, ids, frames, service, "note", form => service.AddNote(context, id, new NoteRequest { Text = form.Get("text") ?? "" }));

    private static Task<IResult> RemoveNote(string id, string note, HttpContext context, RequestIds ids, DeviceFrames frames, IncidentService service) =>
        Do(id, context, ids, frames, service, "note-removed", _ => service.RemoveNote(context, id, note));

    private static Task<IResult> Open(string id, HttpContext context, RequestIds ids, DeviceFrames frames, IncidentService service) =>
        Do(id, context, ids, frames, service, "incident", form => service.Open(context, id, new IncidentRequest { Kind = form.Get("kind") ?? "", Text = form.Get("text") }));

    private static Task<IResult> Change(string id, string incident, HttpContext context, RequestIds ids, DeviceFrames frames, IncidentService service) =>
        Do(id, context, ids, frames, service, "incident", form => service.Change(context, incident, PageForms.Number(form, "version"), new IncidentChangeRequest
        {
            Kind = form.Get("kind") ?? "",
            Closed = form.Get("closed") is not null,
            Text = form.Get("text"),
        }));

    /// <summary>Does it and shows the tab, with what went wrong if it did.</summary>
    private static async Task<IResult> Do(
        string id, HttpContext context, RequestIds ids, DeviceFrames frames, IncidentService service, string done, Func<FormBody, Task> act)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await act(form);
            return PageForms.See($"{DeviceFrameView.PathOf(id)}/{Name}?done={done}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Code == ProblemCodes.Changed)
        {
            return await Page(id, context, frames, service, null, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<RazorComponentResult<IncidentsPage>> List(
        HttpContext context, IncidentService service, SchoolService schools, string? state, string? kind, string? school, string? after)
    {
        var user = FleetUser.Of(context);
        return new RazorComponentResult<IncidentsPage>(new
        {
            User = user,
            Incidents = await service.List(user, IncidentService.Filter(state, kind, school), PeoplePages.Set(after), RowsOnPage),
            Schools = await PeoplePages.Choices(user, schools),
            Query = new ListQuery("/incidents", ("state", PeoplePages.Set(state)), ("kind", PeoplePages.Set(kind)), ("school", PeoplePages.Set(school))),
            IsLaterPage = PeoplePages.Set(after) is not null,
        });
    }
}
