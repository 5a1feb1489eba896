using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Authorities;

/// <summary>The list of the CAs, and a page before each change.</summary>
internal static class AuthorityPages
{
    private const string Path = "/authorities";

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet(Path, List).Needs(Rights.CertificateRead).WithQuery("done");
        pages.MapGet(Path + "/prepare", (HttpContext context) => Ask(context, "prepare", null)).Needs(Rights.CertificateChange);
        pages.MapGet(Path + "/{id}/activate", async (string id, HttpContext context, AuthorityService service) => Ask(context, "activate", await service.Find(id))).Needs(Rights.CertificateChange);
        pages.MapGet(Path + "/{id}/retire", async (string id, HttpContext context, AuthorityService service) => Ask(context, "retire", await service.Find(id))).Needs(Rights.CertificateChange);
        pages.MapPost(Path + "/prepare", Prepare).Needs(Rights.CertificateChange).Audit(AuditVerbs.AuthorityPrepare, AuditTargets.Authority);
        pages.MapPost(Path + "/{id}/activate", Activate).Needs(Rights.CertificateChange).Audit(AuditVerbs.AuthorityActivate, AuditTargets.Authority);
        pages.MapPost(Path + "/{id}/retire", Retire).Needs(Rights.CertificateChange).Audit(AuditVerbs.AuthorityRetire, AuditTargets.Authority);
    }

    private static async Task<RazorComponentResult<AuthoritiesPage>> List(HttpContext context, AuthorityService service, TimeProvider time, string? done)
    {
        var words = done switch
        {
            "prepare" => "The new CA is prepared. Activate it in ten minutes or later.",
            "activate" => "The new CA issues from now on. iPads get their new certificates by themselves.",
            "retire" => "The CA is trusted no more.",
            _ => null,
        };
        return new RazorComponentResult<AuthoritiesPage>(new { View = new AuthoritiesPageView(FleetUser.Of(context), await service.List(), words, time.GetUtcNow()) });
    }

    private static RazorComponentResult<AuthorityChangePage> Ask(HttpContext context, string change, AuthorityView? authority, FormState? form = null) =>
        new(new { View = new AuthorityChangeView(FleetUser.Of(context), change, authority, PageForms.NewKey(), form ?? FormState.Fresh) })
        {
            StatusCode = form?.Status ?? StatusCodes.Status200OK,
        };

    private static Task<IResult> Prepare(HttpContext context, RequestIds ids, AuthorityService service) =>
        Change(context, ids, "prepare", null, _ => service.Prepare(context));

    private static async Task<IResult> Activate(string id, HttpContext context, RequestIds ids, AuthorityService service) =>
        await Change(context, ids, "activate", await service.Find(id), _ => service.Activate(context, id));

    private static async Task<IResult> Retire(string id, HttpContext context, RequestIds ids, AuthorityService service)
    {
        var found = await service.Find(id);
        return await Change(context, ids, "retire", found, form =>
        {
            if (found.Devices > 0 && form.Get("confirm")?.Trim() != found.Devices.ToString(System.Globalization.CultureInfo.InvariantCulture))
                throw ApiProblem.Field("confirm", "Type the number of iPads that have to be enrolled again.");
            return service.Retire(context, id, force: found.Devices > 0);
        });
    }

    private static async Task<IResult> Change(HttpContext context, RequestIds ids, string change, AuthorityView? authority, Func<FormBody, Task> act)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await act(form);
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return Ask(context, change, authority, FormState.Refused(problem, form.Get));
        }

        return PageForms.See($"{Path}?done={change}");
    }
}
