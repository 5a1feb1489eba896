using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Classroom;

/// <summary>The schools that use Apple's Classroom, the page of one, and the tab of an iPad.</summary>
internal static class ClassroomPages
{
    public const string Name = "classroom";

    private const int RowsOnPage = 100;

    /// <summary>Classes that are named on the page; how many there are stands beside them.</summary>
    private const int MostNamed = 50;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages = pages.MapGroup("").WithinSchools();
        pages.MapGet("/classroom", List).Needs(Rights.DeviceRead);
        pages.MapGet("/classroom/{id}", Show).Needs(Rights.DeviceRead);
        pages.MapPost("/classroom/{id}", Switch).Needs(Rights.AssignmentChange).Audit(AuditVerbs.ClassroomSwitch, AuditTargets.School, AuditPlace.WithTheChange);
        pages.MapGet($"/ipads/{{id}}/{Name}", OfDevice).Needs(Rights.DeviceRead);
    }

    private static async Task<RazorComponentResult<ClassroomSchoolsPage>> List(HttpContext context, ClassroomService service, string? after)
    {
        var user = FleetUser.Of(context);
        return new(new { User = user, Schools = await service.List(user, PeoplePages.Set(after), RowsOnPage), IsLaterPage = PeoplePages.Set(after) is not null });
    }

    private static async Task<RazorComponentResult<ClassroomSchoolPage>> Show(string id, HttpContext context, ClassroomService service, string? state, string? after, string? done)
    {
        var user = FleetUser.Of(context);
        var school = await service.Get(user, id);
        return new(new
        {
            User = user,
            School = school,
            Devices = await service.Devices(user, id, PeoplePages.Set(state), PeoplePages.Set(after), RowsOnPage),
            Without = school.ClassesWithoutTeacherIPad == 0 ? [] : await service.WithoutTeacher(user, id, MostNamed),
            State = PeoplePages.Set(state),
            IsLaterPage = PeoplePages.Set(after) is not null,
            FormKey = PageForms.NewKey(),
            Done = done switch
            {
                "on" => "Classroom is on. The iPads of this school get their classes within seconds, as soon as they come.",
                "off" => "Classroom is off. The classes of this school are being removed from iPads.",
                _ => null,
            },
        });
    }

    private static async Task<IResult> Switch(string id, HttpContext context, RequestIds ids, ClassroomService service)
    {
        var form = await PageForms.Read(context, ids);
        if (form.Get("on") is not ("yes" or "no")) throw ApiProblem.Field("on", "It is yes or no.");
        var on = form.Get("on") == "yes";
        return PageForms.See($"/classroom/{(await service.Switch(context, id, on)).SchoolId}?done={(on ? "on" : "off")}");
    }

    private static async Task<RazorComponentResult<ClassroomDevicePage>> OfDevice(string id, HttpContext context, DeviceFrames frames, ClassroomService service)
    {
        var frame = await frames.Of(context, id);
        return new(new { Frame = frame, Device = await service.OfDevice(frame.Device.Id) });
    }
}
