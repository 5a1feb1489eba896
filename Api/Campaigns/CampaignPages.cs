using FleetMdm.Api.Access;
using FleetMdm.Api.Assignments;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Groups;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Api.Schools;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Campaigns;

/// <summary>The list of campaigns, the page of one, its form, and the page where iPads are collected.</summary>
internal static class CampaignPages
{
    private const int RowsOnPage = 100;
    private const int MostChoices = 500;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages = pages.MapGroup("/campaigns").WithinSchools();
        pages.MapGet("", List).Needs(Rights.DeviceRead);
        pages.MapGet("/new", AskCreate).Needs(Rights.DeviceChange);
        pages.MapGet("/{id}", Show).Needs(Rights.DeviceRead);
        pages.MapGet("/{id}/collect", AskCollect).Needs(Rights.DeviceChange);
        pages.MapGet("/{id}/close", AskClose).Needs(Rights.DeviceChange);
        pages.MapGet("/{id}/delete", AskDelete).Needs(Rights.DeviceChange);
        pages.MapPost("", Create).Needs(Rights.DeviceChange).Audit(AuditVerbs.CampaignCreate, AuditTargets.Campaign, AuditPlace.WithTheChange);
        pages.MapPost("/{id}/collect", Collect).Needs(Rights.DeviceChange).Audit(AuditVerbs.CampaignCollect, AuditTargets.Campaign, AuditPlace.WithTheChange);
        pages.MapPost("/{id}/put-back", PutBack).Needs(Rights.DeviceChange).Audit(AuditVerbs.CampaignPutBack, AuditTargets.Campaign, AuditPlace.WithTheChange);
        pages.MapPost("/{id}/close", Close).Needs(Rights.DeviceChange).Audit(AuditVerbs.CampaignClose, AuditTargets.Campaign, AuditPlace.WithTheChange);
        pages.MapPost("/{id}/delete", Delete).Needs(Rights.DeviceChange).Audit(AuditVerbs.CampaignDelete, AuditTargets.Campaign, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<CampaignsPage>> List(HttpContext context, CampaignService service, string? after, string? done)
    {
        var user = FleetUser.Of(context);
        return new(new { User = user, Campaigns = await service.List(user, PeoplePages.Set(after), RowsOnPage), IsLaterPage = PeoplePages.Set(after) is not null, Done = done == "deleted" ? "The campaign is deleted." : null });
    }

    private static async Task<RazorComponentResult<CampaignPage>> Show(string id, HttpContext context, CampaignService service, string? part, string? school, string? after, string? done)
    {
        var user = FleetUser.Of(context);
        var shown = PeoplePages.Set(part) ?? "missing";
        return new(new
        {
            User = user,
            Campaign = await service.Get(user, id),
            Devices = await service.Devices(user, id, shown, PeoplePages.Set(school), PeoplePages.Set(after), RowsOnPage),
            Part = shown,
            School = PeoplePages.Set(school),
            IsLaterPage = PeoplePages.Set(after) is not null,
            Done = done switch
            {
                "created" => "The iPads are written down.",
                "closed" => "The campaign is closed.",
                "put-back" => "The iPad counts as missing again.",
                _ => null,
            },
        });
    }

    private static async Task<IResult> AskCreate(HttpContext context, CampaignService service, GroupService groups, SchoolService schools, ClassService classes)
    {
        string? Typed(string field) => context.Request.Query[field].FirstOrDefault() is { Length: > 0 } text ? text : null;
        if (!context.Request.Query.ContainsKey("preview")) return await Form(context, groups, schools, classes, FormState.Looked(Typed));
        try
        {
            return await Form(context, groups, schools, classes, FormState.Looked(Typed), await service.Plan(context, Read(Typed)));
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Form(context, groups, schools, classes, FormState.Refused(problem, Typed));
        }
    }

    private static async Task<IResult> Create(HttpContext context, RequestIds ids, CampaignService service, GroupService groups, SchoolService schools, ClassService classes)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            return PageForms.See($"/campaigns/{(await service.Create(context, Read(form.Get))).Id}?done=created");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Form(context, groups, schools, classes, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<RazorComponentResult<CampaignNewPage>> Form(
        HttpContext context, GroupService groups, SchoolService schools, ClassService classes, FormState form, CampaignPlanView? plan = null)
    {
        var user = FleetUser.Of(context);
        return new(new
        {
            User = user,
            Groups = (IReadOnlyList<(string, string)>)[.. (await groups.List(user, null, null, MostChoices)).Items.Select(one => (one.Name, one.Name))],
            Schools = user.May(Rights.SchoolRead) ? await PeoplePages.Choices(user, schools, null, null) : [],
            Classes = user.May(Rights.PeopleRead)
                ? (IReadOnlyList<(string, string)>)[.. (await classes.List(user, null, null, active: true, null, MostChoices)).Items.Select(one => (one.Id, $"{one.Name}, {one.School}"))] : [],
            Form = form,
            FormKey = PageForms.NewKey(),
            Plan = plan,
        })
        { StatusCode = form.Status };
    }

    private static CampaignRequest Read(Func<string, string?> get) => new()
    {
        Name = get("name") ?? "",
        SchoolId = get("schoolId"),
        ClassIds = get("classIds") is { } taught ? [taught] : null,
        Target = AssignmentPages.Target(get("group"), get("target")),
        DueOn = PageForms.Day(get, "dueOn"),
    };

    private static Task<RazorComponentResult<CampaignCollectPage>> AskCollect(string id, HttpContext context, CampaignService service, SchoolService schools, string? school, string? outcome, string? code, string? said) =>
        CollectPage(id, context, service, schools, PeoplePages.Set(school), PeoplePages.Set(outcome), PeoplePages.Set(said), FormState.Fresh);

    private static async Task<RazorComponentResult<CampaignCollectPage>> CollectPage(
        string id, HttpContext context, CampaignService service, SchoolService schools, string? school, string? outcome, string? said, FormState form)
    {
        var user = FleetUser.Of(context);
        return new(new
        {
            User = user,
            Campaign = await service.Get(user, id),
            Latest = await service.LatestOf(user, id),
            Schools = user.May(Rights.SchoolRead) ? await PeoplePages.Choices(user, schools, null, null) : [],
            School = school,
            Outcome = outcome,
            Said = said is null ? null : Text.Printable(said, 300),
            Form = form,
            FormKey = PageForms.NewKey(),
        })
        { StatusCode = form.Status };
    }

    /// <summary>A scanner types and presses Enter. The answer is a page anew, so that a reload collects nothing twice; its field has the focus again.</summary>
    private static async Task<IResult> Collect(string id, HttpContext context, RequestIds ids, CampaignService service, SchoolService schools)
    {
        var form = await PageForms.Read(context, ids);
        var school = form.Get("schoolId");
        try
        {
            var done = await service.Collect(context, id, new CollectRequest { Code = form.Get("code") ?? throw ApiProblem.Field("code", "Scan an iPad, or type its serial number or asset tag."), SchoolId = school });
            return PageForms.See($"/campaigns/{Uri.EscapeDataString(id)}/collect?outcome={done.Outcome}&said={Uri.EscapeDataString(done.Words)}{(school is null ? "" : $"&school={Uri.EscapeDataString(school)}")}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await CollectPage(id, context, service, schools, school, null, null, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> PutBack(string id, HttpContext context, RequestIds ids, CampaignService service)
    {
        var form = await PageForms.Read(context, ids);
        await service.PutBack(context, id, form.Get("device") ?? throw ApiProblem.Field("device", "The form is incomplete."));
        return PageForms.See($"/campaigns/{Uri.EscapeDataString(id)}?done=put-back&part=collected");
    }

    private static async Task<RazorComponentResult<CampaignEndPage>> AskClose(string id, HttpContext context, CampaignService service) =>
        new(new { User = FleetUser.Of(context), Campaign = await service.Get(FleetUser.Of(context), id), Deletes = false, FormKey = PageForms.NewKey() });

    private static async Task<RazorComponentResult<CampaignEndPage>> AskDelete(string id, HttpContext context, CampaignService service) =>
        new(new { User = FleetUser.Of(context), Campaign = await service.Get(FleetUser.Of(context), id), Deletes = true, FormKey = PageForms.NewKey() });

    private static async Task<IResult> Close(string id, HttpContext context, RequestIds ids, CampaignService service)
    {
        await PageForms.Read(context, ids);
        return PageForms.See($"/campaigns/{(await service.Close(context, id)).Id}?done=closed");
    }

    private static async Task<IResult> Delete(string id, HttpContext context, RequestIds ids, CampaignService service)
    {
        await PageForms.Read(context, ids);
        try
        {
            await service.Delete(context, id);
            return PageForms.See("/campaigns?done=deleted");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return new RazorComponentResult<CampaignEndPage>(new { User = FleetUser.Of(context), Campaign = await service.Get(FleetUser.Of(context), id), Deletes = true, FormKey = PageForms.NewKey(), Form = FormState.Refused(problem) })
            {
                StatusCode = problem.Status,
            };
        }
    }
}
