using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Placeholders;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Invitations;

/// <summary>The list of invitations, the page of one with its code to scan, and their forms.</summary>
internal static class InvitationPages
{
    private const int InvitationsOnPage = 50;

    /// <summary>A class.</summary>
    private const int MostOnSheet = 60;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages = pages.MapGroup("").WithinSchools();
        pages.MapGet("/invitations", Invitations).Needs(Rights.InvitationRead);
        pages.MapGet("/invitations/new", (Delegate)AskCreate).Needs(Rights.InvitationChange);
        pages.MapGet("/invitations/{id}", Invitation).Needs(Rights.InvitationRead);
        pages.MapGet("/invitations/{id}/revoke", AskRevoke).Needs(Rights.InvitationChange);
        pages.MapGet("/invitations/{id}/sheet", Sheet).Needs(Rights.InvitationRead);
        pages.MapGet("/invitations/{id}/profile", (string id, HttpContext context, InvitationService service) => service.Profile(context, id)).Needs(Rights.InvitationRead);
        pages.MapPost("/invitations", CreateInvitation).Needs(Rights.InvitationChange).Audit(AuditVerbs.InvitationCreate, AuditTargets.Invitation, AuditPlace.WithTheChange);
        pages.MapPost("/invitations/{id}/revoke", RevokeInvitation).Needs(Rights.InvitationChange).Audit(AuditVerbs.InvitationRevoke, AuditTargets.Invitation, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<InvitationsPage>> Invitations(HttpContext context, InvitationService service, string? after)
    {
        var page = await service.List(context, after, InvitationsOnPage);
        return new RazorComponentResult<InvitationsPage>(new { View = new InvitationsView(FleetUser.Of(context), page, after is not null) });
    }

    private static async Task<RazorComponentResult<InvitationPage>> Invitation(string id, HttpContext context, InvitationService service)
    {
        var invitation = await service.Show(context, id);
        return new RazorComponentResult<InvitationPage>(new
        {
            User = FleetUser.Of(context),
            Invitation = invitation,
            QrCode = invitation is { IsOpen: true, Url: { } url } ? QrImage.Svg(url) : null,
        });
    }

    private static RazorComponentResult<InvitationNewPage> AskCreate(HttpContext context) => NewPage(context, FormState.Fresh);

    /// <param name="rights">Those that are granted; null: all.</param>
    private static RazorComponentResult<InvitationNewPage> NewPage(HttpContext context, FormState form, IReadOnlyList<string>? rights = null) =>
        new(new { User = FleetUser.Of(context), FormKey = PageForms.NewKey(), Form = form, Rights = rights }) { StatusCode = form.Status };

    /// <summary>For paper. Only of an open invitation whose link may be seen.</summary>
    private static async Task<IResult> Sheet(
        string id, HttpContext context, InvitationService service, IPlaceholderStore placeholders, IOptions<MdmOptions> mdm, IOptions<HttpOptions> http)
    {
        var invitation = await service.Show(context, id);
        if (invitation is not { IsOpen: true, Url: { } url }) return PageForms.See($"/invitations/{invitation.Number}");
        var trust = http.Value.PresentsBuiltInCa ? new Uri(mdm.Value.PublicUri, TrustEndpoints.TrustPath).AbsoluteUri : null;
        var iPads = new List<Placeholder>();
        foreach (var target in (invitation.OnlyFor ?? []).Take(MostOnSheet))
            iPads.Add(await placeholders.Find(target) ?? new Placeholder { SerialNumber = target });
        return new RazorComponentResult<InvitationSheet>(new
        {
            User = FleetUser.Of(context),
            Invitation = invitation,
            QrCode = QrImage.Svg(url),
            Trust = trust,
            TrustCode = trust is null ? null : QrImage.Svg(trust),
            IPads = iPads,
        });
    }

    private static async Task<IResult> CreateInvitation(HttpContext context, RequestIds ids, InvitationService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var invitation = await service.Create(context, new InvitationRequest
            {
                Name = form.Get("name"),
                School = form.Get("school"),
                MaxUses = PageForms.Number(form, "maxUses"),
                ExpiresInDays = PageForms.Number(form, "expiresInDays"),
                OnlyFor = form.Get("onlyFor")?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } only ? only : null,
                AllowReenrolment = form.Get("allowReenrolment") is not null,
                AccessRights = AccessRights(form),
            });
            return PageForms.See($"/invitations/{invitation.Number}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return NewPage(context, FormState.Refused(problem, form.Get), AccessRights(form));
        }
    }

    /// <summary>Null: all of them. A form without a box that is ticked grants nothing, which is refused; one that does not show the boxes leaves all.</summary>
    private static IReadOnlyList<string>? AccessRights(FormBody form) => form.Get("rights") is null || form.All("accessRights") is var named && AccessRightNames.All.All(right => named.Contains(right.Name))
        ? null
        : form.All("accessRights");

    /// <summary>It shows no link: to ask is no reading of a secret.</summary>
    private static async Task<RazorComponentResult<InvitationRevokePage>> AskRevoke(string id, HttpContext context, InvitationService service) =>
        new(new { User = FleetUser.Of(context), Invitation = service.View(context, await service.Find(id)) });

    private static async Task<IResult> RevokeInvitation(string id, HttpContext context, InvitationService service)
    {
        var invitation = await service.Revoke(context, id);
        return PageForms.See($"/invitations/{invitation.Number}");
    }
}
