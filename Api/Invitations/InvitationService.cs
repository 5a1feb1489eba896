using System.Buffers.Text;
using System.Globalization;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Schools;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Invitations;

/// <summary>Invitations, for REST and for the console: by id, or by number.</summary>
internal sealed class InvitationService(IEnrolmentStore store, ISchoolStore schools, EnrolmentProfiles profiles, AuditTrail trail, IOptions<MdmOptions> mdm, TimeProvider time)
{
    /// <summary>128 bits: nobody guesses one.</summary>
    private const int IdBytes = 16;

    private const int DefaultDays = 30;
    private const int MostDays = 730;
    private const int MostUses = 1_000_000;
    private const int MostTargets = 1_000;

    public async Task<Invitation> Create(HttpContext context, InvitationRequest request)
    {
        var now = time.GetUtcNow();
        if (request is { ExpiresInDays: not null, ExpiresAt: not null })
            throw ApiProblem.Field("expiresAt", "Send either expiresInDays or expiresAt.");

        var expires = request.ExpiresAt?.ToUniversalTime()
            ?? now.AddDays(Text.Number("expiresInDays", request.ExpiresInDays ?? DefaultDays, 1, MostDays));
        if (expires <= now || expires > now.AddDays(MostDays + 1))
            throw ApiProblem.Field("expiresAt", $"It must lie in the future, at most {MostDays} days from now.");

        await RequireOwnSchool(FleetUser.Of(context), request);
        var invitation = new Invitation
        {
            Id = Base64Url.EncodeToString(RequestIds.NewBytes(context, "invitation", IdBytes)),
            Name = Text.Optional("name", request.Name),
            School = Text.Optional("school", request.School),
            MaxUses = request.MaxUses is { } uses ? Text.Number("maxUses", uses, 1, MostUses) : null,
            CreatedAt = now,
            ExpiresAt = expires,
            CreatedBy = FleetUser.Of(context).Name,
            OnlyFor = OnlyFor(request.OnlyFor),
            AllowReenrolment = request.AllowReenrolment ?? false,
            OfSchools = !FleetUser.Of(context).IsOfDistrict,
            AccessRights = AccessRightNames.Read("accessRights", request.AccessRights),
        };
        await store.CreateInvitation(invitation, trail.Entry(context, AuditVerbs.InvitationCreate, detail: invitation.Name ?? invitation.School));
        return await store.FindInvitation(invitation.Id) ?? invitation;
    }

    /// <summary>Who has rights for some schools invites into these, and cannot take over an iPad that is enrolled: it may be another school's.</summary>
    private async Task RequireOwnSchool(FleetUser user, InvitationRequest request)
    {
        if (user.IsOfDistrict) return;
        if (Text.Optional("school", request.School) is not { } name || await schools.FindByName(user.Scope, name) is null)
            throw ApiProblem.Field("school", "Your rights are for some schools only. Write the name of one of them.");
        if (request.AllowReenrolment == true)
            throw ApiProblem.Field("allowReenrolment", "Only a token of the whole district may allow this: whoever has the link could take over an iPad of another school. Allow the iPads themselves to enrol anew.");
    }

    /// <summary>By id or number, for these rights; null: there is none.</summary>
    public async Task<Invitation?> Find(Scope scope, string id) =>
        IsNumber(id, out var number) ? await store.FindInvitation(scope, number)
            : OneTimeChallenge.IsInvitationId(id) ? await store.FindInvitation(scope, id) : null;

    /// <summary>For whoever the address was checked for (<see cref="ScopeGuard"/>).</summary>
    /// <exception cref="ApiProblem">404.</exception>
    public async Task<Invitation> Find(string id) => await Find(Scope.District, id) ?? throw NotFound();

    internal static ApiProblem NotFound() => ApiProblem.NotFound("There is no invitation with this id.");

    /// <summary>As the sender may see it. That it shows an open link is recorded first.</summary>
    public async Task<InvitationView> Show(HttpContext context, string id)
    {
        var view = View(context, await Find(id));
        await RecordReading(context, [view]);
        return view;
    }

    public async Task<Page<InvitationView>> List(HttpContext context, string? after, int limit)
    {
        long? before = null;
        if (after is not null)
            before = IsNumber(after, out var number) ? number : throw ApiProblem.InvalidCursor();
        var rows = await store.ListInvitations(FleetUser.Of(context).Scope, before, limit + 1);
        var page = Page.Of(rows, limit, row => View(context, row), row => row.Number.ToString(CultureInfo.InvariantCulture));
        await RecordReading(context, page.Items);
        return page;
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<Invitation> Revoke(HttpContext context, string id, bool withdrawCertificates = false)
    {
        var invitation = await Find(id);
        await store.RevokeInvitation(invitation.Id, time.GetUtcNow(), withdrawCertificates, trail.Entry(context, AuditVerbs.InvitationRevoke, detail: invitation.Name ?? invitation.School));
        return invitation;
    }

    public InvitationView View(HttpContext context, Invitation invitation) =>
        InvitationView.Of(invitation, FleetUser.Of(context), mdm.Value.PublicUri, time.GetUtcNow());

    /// <summary>The enrolment profile for many iPads, as a file. That it is shown is recorded first.</summary>
    /// <exception cref="ApiProblem">403, 404; 410: the invitation is not open; 409: there is no push certificate.</exception>
    public async Task<IResult> Profile(HttpContext context, string id)
    {
        var invitation = await Find(id);
        if (!FleetUser.Of(context).MaySeeSecrets)
            throw new ApiProblem(StatusCodes.Status403Forbidden, ProblemCodes.NotAllowed, "Not allowed", "This token may not see links of invitations, and the file is as good as the link.");
        var (open, closed) = await profiles.Open(invitation.Id);
        if (open is null) throw new ApiProblem(closed!.Status, ProblemCodes.InvitationClosed, closed.Title, closed.Advice);
        await RecordReading(context, [View(context, invitation)]);
        return ProfileResult.Of(context, open.Authority, profiles.ForMany(open).ToBytes(), "enrolment");
    }

    private async Task RecordReading(HttpContext context, IReadOnlyList<InvitationView> shown)
    {
        var open = shown.Where(view => view is { IsOpen: true, Url: not null }).ToList();
        if (open.Count == 0) return;
        var one = open.Count == 1 ? open[0] : null;
        await trail.Write(trail.Entry(context, AuditVerbs.InvitationRead, AuditTargets.Invitation,
            one?.Number.ToString(CultureInfo.InvariantCulture), detail: one?.Name) with
        {
            Count = open.Count == 1 ? null : open.Count,
        });
    }

    private static bool IsNumber(string id, out long number) => long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static List<string>? OnlyFor(IReadOnlyList<string>? ids)
    {
        if (ids is null) return null;
        if (ids.Count is 0 or > MostTargets) throw ApiProblem.Field("onlyFor", $"It must have 1 to {MostTargets} serial numbers or UDIDs, but has {ids.Count}.");
        // A serial number is of the same characters as a UDID.
        return [.. ids.Select((id, i) => EnrolmentId.Device(id) ?? throw ApiProblem.Field($"onlyFor[{i}]", "It must be a serial number or a UDID."))
            .Distinct(StringComparer.OrdinalIgnoreCase)];
    }
}
