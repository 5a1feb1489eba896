using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Api.Schools;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.People;

/// <summary>The list of classes, the page of one with its people, and their forms.</summary>
internal static class ClassPages
{
    private const int RowsOnPage = 100;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages = pages.MapGroup("").WithinSchools();
        pages.MapGet("/classes", List).Needs(Rights.PeopleRead);
        pages.MapGet("/classes/new", AskCreate).Needs(Rights.PeopleChange);
        pages.MapGet("/classes/{id}", Show).Needs(Rights.PeopleRead);
        pages.MapGet("/classes/{id}/edit", AskChange).Needs(Rights.PeopleChange);
        pages.MapGet("/classes/{id}/delete", AskDelete).Needs(Rights.PeopleChange);
        pages.MapPost("/classes", Create).Needs(Rights.PeopleChange).Audit(AuditVerbs.ClassCreate, AuditTargets.Class, AuditPlace.WithTheChange);
        pages.MapPost("/classes/{id}/edit", Change).Needs(Rights.PeopleChange).Audit(AuditVerbs.ClassChange, AuditTargets.Class, AuditPlace.WithTheChange);
        pages.MapPost("/classes/{id}/delete", Delete).Needs(Rights.PeopleChange).Audit(AuditVerbs.ClassDelete, AuditTargets.Class, AuditPlace.WithTheChange);
        // The class is chosen in the form of a person.
        pages.MapPost("/people/{person}/class", Join).Needs(Rights.PeopleChange).Audit(AuditVerbs.ClassMember, AuditTargets.Class, AuditPlace.WithTheChange);
        pages.MapPost("/classes/{id}/members/{person}/remove", Leave).Needs(Rights.PeopleChange).Audit(AuditVerbs.ClassMember, AuditTargets.Class, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<ClassesPage>> List(
        HttpContext context, ClassService service, SchoolService schools, string? q, string? school, string? state, string? after, string? done)
    {
        var user = FleetUser.Of(context);
        bool? active = state switch { "ended" => false, "all" => null, _ => true };
        return new RazorComponentResult<ClassesPage>(new
        {
            User = user,
            Classes = await service.List(user, q, school, active, PeoplePages.Set(after), RowsOnPage),
            Schools = await PeoplePages.Choices(user, schools),
            Query = new ListQuery("/classes", ("q", PeoplePages.Set(q)), ("school", PeoplePages.Set(school)), ("state", PeoplePages.Set(state))),
            IsLaterPage = PeoplePages.Set(after) is not null,
            Done = done == "deleted" ? "The class is deleted. Its people stay." : null,
        });
    }

    private static async Task<RazorComponentResult<ClassPage>> Show(string id, HttpContext context, ClassService service, string? after, string? done)
    {
        var user = FleetUser.Of(context);
        return new RazorComponentResult<ClassPage>(new
        {
            User = user,
            Class = await service.Get(user, id),
            Members = await service.Members(user, id, PeoplePages.Set(after), RowsOnPage),
            IsLaterPage = PeoplePages.Set(after) is not null,
            FormKey = PageForms.NewKey(),
            Done = done switch
            {
                "created" => "The class is created.",
                "saved" => "The class is saved.",
                "left" => "The person is out of the class.",
                _ => null,
            },
        });
    }

    private static async Task<RazorComponentResult<ClassFormPage>> AskCreate(HttpContext context, SchoolService schools, string? school) =>
        await Form(context, schools, null, FormState.Fresh, school);

    private static async Task<RazorComponentResult<ClassFormPage>> AskChange(string id, HttpContext context, ClassService service, SchoolService schools) =>
        await Form(context, schools, await service.Get(FleetUser.Of(context), id), FormState.Fresh);

    private static async Task<RazorComponentResult<ClassDeletePage>> AskDelete(string id, HttpContext context, ClassService service) =>
        new(new { User = FleetUser.Of(context), Class = await service.Get(FleetUser.Of(context), id), FormKey = PageForms.NewKey() });

    private static async Task<IResult> Create(HttpContext context, RequestIds ids, ClassService service, SchoolService schools)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            return PageForms.See($"/classes/{(await service.Create(context, Read(form, active: true))).Id}?done=created");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Form(context, schools, null, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> Change(string id, HttpContext context, RequestIds ids, ClassService service, SchoolService schools)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var changed = await service.Change(context, id, PageForms.Number(form, "version"), Read(form, form.Get("ended") is null));
            return PageForms.See($"/classes/{changed.Id}?done=saved");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Code == ProblemCodes.Changed)
        {
            return await Form(context, schools, await service.Get(FleetUser.Of(context), id), FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> Delete(string id, HttpContext context, RequestIds ids, ClassService service)
    {
        await PageForms.Read(context, ids);
        await service.Delete(context, id);
        return PageForms.See("/classes?done=deleted");
    }

    private static async Task<IResult> Join(string person, HttpContext context, RequestIds ids, ClassService service)
    {
        var form = await PageForms.Read(context, ids);
        await service.SetMember(context, form.Get("class") ?? throw ApiProblem.Field("class", "Choose a class."), person, new MemberRequest { Role = form.Get("role") ?? "pupil" });
        return PageForms.See($"/people/{Uri.EscapeDataString(person)}?done=class");
    }

    private static async Task<IResult> Leave(string id, string person, HttpContext context, RequestIds ids, ClassService service)
    {
        await PageForms.Read(context, ids);
        await service.RemoveMember(context, id, person);
        return PageForms.See($"/classes/{Uri.EscapeDataString(id)}?done=left");
    }

    private static async Task<RazorComponentResult<ClassFormPage>> Form(
        HttpContext context, SchoolService schools, ClassView? @class, FormState form, string? school = null) => new(new
        {
            User = FleetUser.Of(context),
            Class = @class,
            School = @class?.SchoolId ?? school,
            Schools = await PeoplePages.Choices(FleetUser.Of(context), schools, @class?.SchoolId, @class?.School),
            Form = form,
            FormKey = PageForms.NewKey(),
        })
        { StatusCode = form.Status };

    private static ClassRequest Read(FormBody form, bool active) => new()
    {
        Name = form.Get("name") ?? "",
        SchoolId = form.Get("schoolId") ?? throw ApiProblem.Field("schoolId", "Choose a school."),
        Code = form.Get("code"),
        SourceId = form.Get("sourceId"),
        EndsOn = PageForms.Day(form, "endsOn"),
        Active = active,
    };
}
