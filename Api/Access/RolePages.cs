using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Access;

/// <summary>Roles in the console: their list, one of them with its rights, and the forms that add, change and delete one.</summary>
internal static class RolePages
{
    public static void MapPages(RouteGroupBuilder pages)
    {
        var roles = pages.MapGroup("/roles").Needs(Rights.TokenRead);
        roles.MapGet("", List);
        roles.MapGet("/new", AskAdd).Needs(Rights.TokenChange);
        roles.MapGet("/{name}", Show);
        roles.MapGet("/{name}/edit", AskChange).Needs(Rights.TokenChange);
        roles.MapGet("/{name}/delete", AskDelete).Needs(Rights.TokenChange);
        roles.MapPost("", Add).Needs(Rights.TokenChange).Audit(AuditVerbs.RoleCreate, AuditTargets.Role);
        roles.MapPost("/{name}/edit", Change).Needs(Rights.TokenChange).Audit(AuditVerbs.RoleChange, AuditTargets.Role, AuditPlace.WithTheChange);
        roles.MapPost("/{name}/delete", Delete).Needs(Rights.TokenChange).Audit(AuditVerbs.RoleDelete, AuditTargets.Role);
    }

    private static async Task<RazorComponentResult<RolesPage>> List(HttpContext context, RoleService service, string? done) => new(new
    {
        User = FleetUser.Of(context),
        Roles = await service.List(),
        Done = done == "deleted" ? "The role is deleted." : null,
    });

    private static async Task<RazorComponentResult<RolePage>> Show(string name, HttpContext context, RoleService service, string? done) => new(new
    {
        User = FleetUser.Of(context),
        Role = await service.Get(name),
        Done = done switch { "created" => "The role is added.", "saved" => "The role is saved. Its tokens follow within seconds.", _ => null },
    });

    /// <summary>Begins with the rights of another role, if one is named.</summary>
    private static async Task<RazorComponentResult<RoleFormPage>> AskAdd(HttpContext context, RoleService service, string? like) =>
        Form(context, null, FormState.Fresh, (await service.List()).FirstOrDefault(role => role.Name == like)?.Rights);

    private static async Task<RazorComponentResult<RoleFormPage>> AskChange(string name, HttpContext context, RoleService service) =>
        Form(context, await service.Get(name), FormState.Fresh);

    private static async Task<IResult> Add(HttpContext context, RequestIds ids, RoleService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var role = await service.Add(context, new RoleRequest
            {
                Name = form.Get("name") ?? "",
                Title = form.Get("title") ?? "",
                Words = form.Get("words"),
                Rights = RightsOf(form),
            });
            return PageForms.See($"/roles/{role.Name}?done=created");
        }
        catch (ApiProblem problem) when (CanShow(problem))
        {
            return Form(context, null, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> Change(string name, HttpContext context, RequestIds ids, RoleService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Change(context, name, PageForms.Number(form, "version"), new RoleChange
            {
                Title = form.Get("title") ?? "",
                Words = form.Get("words"),
                Rights = RightsOf(form),
            });
            return PageForms.See($"/roles/{name}?done=saved");
        }
        catch (ApiProblem problem) when (CanShow(problem) || problem.Code == ProblemCodes.Changed)
        {
            // What was chosen stays. Saving once more writes it over what the other one has saved.
            return Form(context, await service.Get(name), FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<RazorComponentResult<RoleDeletePage>> AskDelete(string name, HttpContext context, RoleService service) =>
        DeletePage(context, await service.Get(name), FormState.Fresh);

    private static async Task<IResult> Delete(string name, HttpContext context, RequestIds ids, RoleService service)
    {
        await PageForms.Read(context, ids);
        try
        {
            await service.Delete(context, name);
            return PageForms.See("/roles?done=deleted");
        }
        catch (ApiProblem problem) when (CanShow(problem))
        {
            return DeletePage(context, await service.Get(name), FormState.Refused(problem));
        }
    }

    private static RazorComponentResult<RoleDeletePage> DeletePage(HttpContext context, RoleView role, FormState form) =>
        new(new { User = FleetUser.Of(context), Role = role, FormKey = PageForms.NewKey(), Form = form }) { StatusCode = form.Status };

    private static RazorComponentResult<RoleFormPage> Form(HttpContext context, RoleView? role, FormState form, IReadOnlyList<string>? like = null) =>
        new(new { User = FleetUser.Of(context), Role = role, Chosen = role?.Rights ?? like ?? [], Form = form, FormKey = PageForms.NewKey() }) { StatusCode = form.Status };

    private static bool CanShow(ApiProblem problem) => PageForms.CanShow(problem) || problem.Status == StatusCodes.Status403Forbidden;

    /// <summary>Each right is a box of its own.</summary>
    private static List<string> RightsOf(FormBody form) => [.. Rights.All.Select(right => right.Name).Where(right => form.Get(right) is not null)];
}
