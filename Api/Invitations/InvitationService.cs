using System.Buffers.Text;
using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Enrolment;

namespace FleetMdm.Api.Invitations;

/// <summary>Makes invitations, for REST and for the console.</summary>
internal sealed class InvitationService(IEnrolmentStore store, TimeProvider time)
{
    /// <summary>128 bits: nobody guesses one.</summary>
    private const int IdBytes = 16;

    private const int DefaultDays = 30;
    private const int MostDays = 730;
    private const int MostUses = 1_000_000;

    public async Task<Invitation> Create(HttpContext context, InvitationRequest request)
    {
        var now = time.GetUtcNow();
        if (request is { ExpiresInDays: not null, ExpiresAt: not null })
            throw ApiProblem.Field("expiresAt", "Send either expiresInDays or expiresAt.");

        var expires = request.ExpiresAt?.ToUniversalTime()
            ?? now.AddDays(Text.Number("expiresInDays", request.ExpiresInDays ?? DefaultDays, 1, MostDays));
        if (expires <= now || expires > now.AddDays(MostDays + 1))
            throw ApiProblem.Field("expiresAt", $"It must lie in the future, at most {MostDays} days from now.");

        var invitation = new Invitation
        {
            Id = Base64Url.EncodeToString(RequestIds.NewBytes(context, "invitation", IdBytes)),
            Name = Text.Optional("name", request.Name),
            School = Text.Optional("school", request.School),
            MaxUses = request.MaxUses is { } uses ? Text.Number("maxUses", uses, 1, MostUses) : null,
            CreatedAt = now,
            ExpiresAt = expires,
            CreatedBy = FleetUser.Of(context).Name,
        };
        if (await store.CreateInvitation(invitation)) return invitation;

        // Made by the same request before.
        return await store.FindInvitation(invitation.Id) ?? invitation;
    }
}
