using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Enrolment;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using QRCoder;

namespace FleetMdm.Api.Invitations;

/// <summary>The list of invitations, the page of one with its code to scan, and their forms.</summary>
internal static class InvitationPages
{
    private const int InvitationsOnPage = 50;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/invitations", Invitations);
        pages.MapGet("/invitations/{id}", Invitation);
        pages.MapPost("/invitations", CreateInvitation);
        pages.MapPost("/invitations/{id}/revoke", RevokeInvitation);
    }

    private static async Task<RazorComponentResult<InvitationsPage>> Invitations(
        HttpContext context, IEnrolmentStore store, IOptions<MdmOptions> mdm, TimeProvider time, string? after)
    {
        if (after is not null && !OneTimeChallenge.IsInvitationId(after)) throw ApiProblem.Field("after", "It must be the \"next\" of a page.", ProblemCodes.InvalidCursor);
        var rows = await store.ListInvitations(after, InvitationsOnPage + 1);
        var now = time.GetUtcNow();
        var page = Page.Of(rows, InvitationsOnPage, row => InvitationView.Of(row, mdm.Value.PublicUri, now), row => row.Id);
        return new RazorComponentResult<InvitationsPage>(new { View = new InvitationsView(FleetUser.Of(context), page, PageForms.NewKey()) });
    }

    private static async Task<RazorComponentResult<InvitationPage>> Invitation(
        string id, HttpContext context, IEnrolmentStore store, IOptions<MdmOptions> mdm, TimeProvider time)
    {
        var invitation = InvitationView.Of(await InvitationEndpoints.Find(store, id) ?? throw InvitationEndpoints.NotFound(),
            mdm.Value.PublicUri, time.GetUtcNow());
        return new RazorComponentResult<InvitationPage>(new { User = FleetUser.Of(context), Invitation = invitation, QrCode = Draw(invitation.Url) });
    }

    private static async Task<IResult> CreateInvitation(HttpContext context, RequestIds ids, InvitationService service)
    {
        var form = await PageForms.Read(context, ids);
        var invitation = await service.Create(context, new InvitationRequest
        {
            Name = form.Get("name"),
            School = form.Get("school"),
            MaxUses = PageForms.Number(form, "maxUses"),
            ExpiresInDays = PageForms.Number(form, "expiresInDays"),
        });
        return PageForms.See($"/invitations/{invitation.Id}");
    }

    private static async Task<IResult> RevokeInvitation(string id, IEnrolmentStore store, TimeProvider time)
    {
        if (!OneTimeChallenge.IsInvitationId(id) || !await store.RevokeInvitation(id, time.GetUtcNow())) throw InvitationEndpoints.NotFound();
        return PageForms.See($"/invitations/{id}");
    }

    private static string Draw(string url)
    {
        using var data = QRCodeGenerator.GenerateQrCode(url, QRCodeGenerator.ECCLevel.M);
        using var code = new SvgQRCode(data);
        return code.GetGraphic(4, "#000000", "#ffffff", drawQuietZones: true, SvgQRCode.SizingMode.ViewBoxAttribute);
    }
}
