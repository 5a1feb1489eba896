using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Api.Schools;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Groups;

/// <summary>The list of groups, the page of one, and their forms.</summary>
internal static class GroupPages
{
    private const int RowsOnPage = 100;
    private const int DevicesOnPage = 50;
    private const int WaitingOnPage = 100;
    private const int Examples = 10;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages = pages.MapGroup("").WithinSchools();
        pages.MapGet("/groups", List).Needs(Rights.DeviceRead);
        pages.MapGet("/groups/new", AskCreate).Needs(Rights.GroupChange);
        pages.MapGet("/groups/{id}", Show).Needs(Rights.DeviceRead);
        pages.MapGet("/groups/{id}/edit", AskChange).Needs(Rights.GroupChange);
        pages.MapGet("/groups/{id}/delete", AskDelete).Needs(Rights.GroupChange);
        pages.MapPost("/groups", Create).Needs(Rights.GroupChange).Audit(AuditVerbs.GroupCreate, AuditTargets.Group, AuditPlace.WithTheChange);
        pages.MapPost("/groups/{id}/edit", Change).Needs(Rights.GroupChange).Audit(AuditVerbs.GroupChange, AuditTargets.Group, AuditPlace.WithTheChange);
        pages.MapPost("/groups/{id}/delete", Delete).Needs(Rights.GroupChange).Audit(AuditVerbs.GroupDelete, AuditTargets.Group, AuditPlace.WithTheChange);
        pages.MapPost("/groups/{id}/add", Add).Needs(Rights.GroupChange).Audit(AuditVerbs.GroupMembers, AuditTargets.Group, AuditPlace.WithTheChange);
        pages.MapPost("/groups/{id}/remove", Remove).Needs(Rights.GroupChange).Audit(AuditVerbs.GroupMembers, AuditTargets.Group, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<GroupsPage>> List(HttpContext context, GroupService service, string? q, string? after, string? done)
    {
        var user = FleetUser.Of(context);
        return new RazorComponentResult<GroupsPage>(new
        {
            User = user,
            Groups = await service.List(user, q, PeoplePages.Set(after), RowsOnPage),
            Query = new ListQuery("/groups", ("q", PeoplePages.Set(q))),
            IsLaterPage = PeoplePages.Set(after) is not null,
            Done = done == "deleted" ? "The group is deleted. Its iPads stay as they are." : null,
        });
    }

    private static Task<RazorComponentResult<GroupPage>> Show(
        string id, HttpContext context, GroupService service, IFleetQueries fleet, string? after, string? done, string? count) =>
        Render(id, context, service, fleet, FormState.Fresh, PeoplePages.Set(after), done switch
        {
            "created" => "The group is created.",
            "saved" => "The group is saved.",
            "profile" => "The enrolment profile of the group is saved. It is assigned at Apple within minutes.",
            "added" => $"{Moved(count, "is", "are")} in the group now.",
            "removed" => $"{Moved(count, "is", "are")} out of the group.",
            _ => null,
        });

    private static async Task<RazorComponentResult<GroupPage>> Render(
        string id, HttpContext context, GroupService service, IFleetQueries fleet, FormState form, string? after, string? done)
    {
        var user = FleetUser.Of(context);
        var group = await service.Get(user, id);
        var order = new DeviceOrder(DeviceSort.Name);
        DeviceOrders.CheckCursor(after, order);
        var rows = await fleet.ListDevices(FleetUser.Of(context).Scope, service.Enrolled(group.Filter), after, DevicesOnPage + 1, order);
        return new RazorComponentResult<GroupPage>(new
        {
            User = user,
            Group = group,
            Devices = Page.Of(rows, DevicesOnPage, row => DeviceSummary.Of(row, user), row => DeviceCursor.Of(row, order)),
            Waiting = group.Waiting > 0 ? await service.Waiting(user, id, null, WaitingOnPage) : new Page<WaitingMemberView>([], null),
            IsLaterPage = after is not null,
            Form = form,
            FormKey = PageForms.NewKey(),
            Done = done,
        })
        { StatusCode = form.Status };
    }

    private static Task<RazorComponentResult<GroupFormPage>> AskCreate(HttpContext context, GroupService service, SchoolService schools) =>
        Ask(context, service, schools, null);

    private static async Task<RazorComponentResult<GroupFormPage>> AskChange(string id, HttpContext context, GroupService service, SchoolService schools) =>
        await Ask(context, service, schools, await service.Get(FleetUser.Of(context), id));

    private static async Task<RazorComponentResult<GroupDeletePage>> AskDelete(string id, HttpContext context, GroupService service) =>
        new(new { User = FleetUser.Of(context), Group = await service.Get(FleetUser.Of(context), id), FormKey = PageForms.NewKey() });

    /// <summary>The form; and what its rule finds, when it came with "Show which iPads".</summary>
    private static async Task<RazorComponentResult<GroupFormPage>> Ask(HttpContext context, GroupService service, SchoolService schools, GroupView? group)
    {
        string? Typed(string field) => context.Request.Query[field].FirstOrDefault() is { Length: > 0 } text ? text : null;
        if (!context.Request.Query.ContainsKey("preview")) return await Form(context, schools, group, FormState.Fresh, Typed("rule"));
        try
        {
            var rule = Typed("rule") ?? throw ApiProblem.Field("rule", "Write a rule first.");
            var (total, some) = await service.Try(FleetUser.Of(context), rule, Examples);
            var found = new GroupPreview(total, [.. some.Select(row => DeviceSummary.Of(row, FleetUser.Of(context)))], rule);
            return await Form(context, schools, group, FormState.Looked(Typed), preview: found);
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Form(context, schools, group, FormState.Refused(problem, Typed));
        }
    }

    private static async Task<IResult> Create(HttpContext context, RequestIds ids, GroupService service, SchoolService schools)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            return PageForms.See($"/groups/{(await service.Create(context, Read(form))).Id}?done=created");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Form(context, schools, null, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> Change(string id, HttpContext context, RequestIds ids, GroupService service, SchoolService schools)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            return PageForms.See($"/groups/{(await service.Change(context, id, PageForms.Number(form, "version"), Read(form))).Id}?done=saved");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Code == ProblemCodes.Changed)
        {
            return await Form(context, schools, await service.Get(FleetUser.Of(context), id), FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> Delete(string id, HttpContext context, RequestIds ids, GroupService service)
    {
        await PageForms.Read(context, ids);
        try
        {
            await service.Delete(context, id);
            return PageForms.See("/groups?done=deleted");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            var user = FleetUser.Of(context);
            return new RazorComponentResult<GroupDeletePage>(new
            {
                User = user,
                Group = await service.Get(user, id),
                FormKey = PageForms.NewKey(),
                Form = FormState.Refused(problem),
            })
            { StatusCode = problem.Status };
        }
    }

    private static Task<IResult> Add(string id, HttpContext context, RequestIds ids, GroupService service, IFleetQueries fleet) =>
        Move(id, context, ids, service, fleet, "added", service.Add);

    private static Task<IResult> Remove(string id, HttpContext context, RequestIds ids, GroupService service, IFleetQueries fleet) =>
        Move(id, context, ids, service, fleet, "removed", service.Remove);

    private static async Task<IResult> Move(
        string id, HttpContext context, RequestIds ids, GroupService service, IFleetQueries fleet, string done,
        Func<HttpContext, string, GroupMembersRequest, Task<GroupMembersView>> move)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            // A line each; a scanner ends a line, and a column that was copied has commas or blanks at its ends.
            var names = form.Get("iPads")?.Split(['\r', '\n', ',', ';', '\t', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            var filter = form.Get("filter");
            if (names is null or [] && filter is null) throw ApiProblem.Field("iPads", "Enter serial numbers, or a filter.");
            var moved = await move(context, id, new GroupMembersRequest { IPads = names is [] ? null : names, Filter = filter });
            return PageForms.See($"/groups/{Uri.EscapeDataString(id)}?done={done}&count={moved.Changed}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Render(id, context, service, fleet, FormState.Refused(problem, form.Get), null, null);
        }
    }

    private static string Moved(string? count, string one, string more) =>
        long.TryParse(count, out var number) ? $"{DeviceOrders.IPads(number)} more {(number == 1 ? one : more)}" : "They are";

    private static async Task<RazorComponentResult<GroupFormPage>> Form(
        HttpContext context, SchoolService schools, GroupView? group, FormState form, string? rule = null, GroupPreview? preview = null) => new(new
        {
            User = FleetUser.Of(context),
            Group = group,
            Rule = group?.Rule ?? rule,
            Schools = await PeoplePages.Choices(FleetUser.Of(context), schools, group?.SchoolId, group?.School),
            Form = form,
            FormKey = PageForms.NewKey(),
            Preview = preview,
        })
        { StatusCode = form.Status };

    private static GroupRequest Read(FormBody form) => new()
    {
        Name = form.Get("name") ?? "",
        Rule = form.Get("rule"),
        SchoolId = form.Get("schoolId"),
        Note = form.Get("note"),
    };
}

/// <summary>What a rule finds, before it is saved.</summary>
/// <param name="Total">Enrolled iPads, of all schools.</param>
/// <param name="Some">By name.</param>
/// <param name="Rule">As it was looked at.</param>
public sealed record GroupPreview(long Total, IReadOnlyList<DeviceSummary> Some, string Rule);
