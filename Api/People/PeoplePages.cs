using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Holdings;
using FleetMdm.Api.Rest;
using FleetMdm.Api.Schools;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Holdings;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.People;

/// <summary>The list of people, the page of one, and their forms.</summary>
internal static class PeoplePages
{
    private const int RowsOnPage = 100;

    /// <summary>To choose one of. More are found by their page.</summary>
    internal const int MostChoices = 500;

    /// <summary>On a person's page: the newest.</summary>
    private const int MostIPads = 50;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages = pages.MapGroup("").WithinSchools();
        pages.MapGet("/people", List).Needs(Rights.PeopleRead);
        pages.MapGet("/people/new", AskCreate).Needs(Rights.PeopleChange);
        pages.MapGet("/people/{id}", Show).Needs(Rights.PeopleRead);
        pages.MapGet("/people/{id}/edit", AskChange).Needs(Rights.PeopleChange);
        pages.MapGet("/people/{id}/delete", AskDelete).Needs(Rights.PeopleChange);
        pages.MapPost("/people", Create).Needs(Rights.PeopleChange).Audit(AuditVerbs.PersonCreate, AuditTargets.Person, AuditPlace.WithTheChange);
        pages.MapPost("/people/{id}/edit", Change).Needs(Rights.PeopleChange).Audit(AuditVerbs.PersonChange, AuditTargets.Person, AuditPlace.WithTheChange);
        pages.MapPost("/people/{id}/delete", Delete).Needs(Rights.PeopleChange).Audit(AuditVerbs.PersonDelete, AuditTargets.Person, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<PeoplePage>> List(
        HttpContext context, PeopleService service, SchoolService schools, string? q, string? school, string? role, string? state, string? after, string? done)
    {
        var user = FleetUser.Of(context);
        bool? active = state switch { "left" => false, "all" => null, _ => true };
        return new RazorComponentResult<PeoplePage>(new
        {
            User = user,
            People = await service.List(user, PeopleService.Filter(q, school, role, active), Set(after), RowsOnPage),
            Schools = await Choices(user, schools),
            Query = new ListQuery("/people", ("q", Set(q)), ("school", Set(school)), ("role", Set(role)), ("state", Set(state))),
            IsLaterPage = Set(after) is not null,
            Done = done == "deleted" ? "The person is forgotten." : null,
        });
    }

    private static Task<RazorComponentResult<PersonPage>> Show(
        string id, HttpContext context, PeopleService service, ClassService classes, HoldingService holdings, string? done) =>
        Page(id, context, service, classes, holdings, FormState.Fresh, done switch
        {
            "created" => "The person is added.",
            "saved" => "The person is saved.",
            "class" => "The person is in the class.",
            "handed-out" => "The iPad is handed out.",
            "returned" => "The iPad is returned.",
            _ => null,
        });

    /// <summary>The page of one person, with what went wrong with the form for an iPad.</summary>
    internal static async Task<RazorComponentResult<PersonPage>> Page(
        string id, HttpContext context, PeopleService service, ClassService classes, HoldingService holdings, FormState form, string? done)
    {
        var user = FleetUser.Of(context);
        var person = await service.Get(user, id);
        return new RazorComponentResult<PersonPage>(new
        {
            User = user,
            Person = person,
            Classes = (await service.Classes(user, id)).Items,
            Choices = user.May(Rights.PeopleChange) && person.SchoolId is { } school
                ? (await classes.List(user, null, school, active: true, null, MostChoices)).Items
                : [],
            IPads = await holdings.List(user, new HoldingFilter { PersonId = person.Id }, null, MostIPads),
            FormKey = PageForms.NewKey(),
            Form = form,
            Done = done,
        })
        { StatusCode = form.Status };
    }

    private static async Task<RazorComponentResult<PersonFormPage>> AskCreate(HttpContext context, SchoolService schools, string? school) =>
        await Form(context, schools, null, FormState.Fresh, school);

    private static async Task<RazorComponentResult<PersonFormPage>> AskChange(string id, HttpContext context, PeopleService service, SchoolService schools) =>
        await Form(context, schools, await service.Get(FleetUser.Of(context), id), FormState.Fresh);

    private static async Task<RazorComponentResult<PersonDeletePage>> AskDelete(string id, HttpContext context, PeopleService service, HoldingService holdings)
    {
        var user = FleetUser.Of(context);
        var person = await service.Get(user, id);
        var has = (await holdings.List(user, new HoldingFilter { PersonId = person.Id, Current = true }, null, 1)).Items.Count > 0;
        return new(new { User = user, Person = person, HasIPads = has, FormKey = PageForms.NewKey() });
    }

    private static async Task<IResult> Create(HttpContext context, RequestIds ids, PeopleService service, SchoolService schools)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            return PageForms.See($"/people/{(await service.Create(context, Read(form, active: true))).Id}?done=created");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Form(context, schools, null, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> Change(string id, HttpContext context, RequestIds ids, PeopleService service, SchoolService schools)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var person = await service.Change(context, id, PageForms.Number(form, "version"), Read(form, form.Get("left") is null));
            return PageForms.See($"/people/{person.Id}?done=saved");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Code == ProblemCodes.Changed)
        {
            return await Form(context, schools, await service.Get(FleetUser.Of(context), id), FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> Delete(string id, HttpContext context, RequestIds ids, PeopleService service)
    {
        await PageForms.Read(context, ids);
        await service.Delete(context, id);
        return PageForms.See("/people?done=deleted");
    }

    private static async Task<RazorComponentResult<PersonFormPage>> Form(
        HttpContext context, SchoolService schools, PersonView? person, FormState form, string? school = null) => new(new
        {
            User = FleetUser.Of(context),
            Person = person,
            School = person?.SchoolId ?? school,
            Schools = await Choices(FleetUser.Of(context), schools, person?.SchoolId, person?.School),
            Form = form,
            FormKey = PageForms.NewKey(),
        })
        { StatusCode = form.Status };

    private static PersonRequest Read(FormBody form, bool active) => new()
    {
        Role = form.Get("role") ?? "",
        GivenName = form.Get("givenName"),
        FamilyName = form.Get("familyName"),
        SchoolId = form.Get("school"),
        SourceId = form.Get("sourceId"),
        Username = form.Get("username"),
        Email = form.Get("email"),
        ManagedAccount = form.Get("managedAccount"),
        Grade = form.Get("grade"),
        Active = active,
    };

    /// <summary>The schools that are open, and the one that is chosen already.</summary>
    internal static async Task<IReadOnlyList<(string Value, string Words)>> Choices(
        FleetUser user, SchoolService schools, string? chosen = null, string? chosenName = null)
    {
        var open = (await schools.List(user, null, archived: false, null, MostChoices)).Items.Select(school => (school.Id, school.Name)).ToList();
        return chosen is null || open.Exists(school => school.Id == chosen) ? open : [.. open, (chosen, chosenName ?? chosen)];
    }

    internal static string? Set(string? value) => string.IsNullOrEmpty(value) ? null : value;
}
