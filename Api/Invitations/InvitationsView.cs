using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Invitations;

/// <summary>What the list of invitations shows.</summary>
public sealed record InvitationsView(FleetUser User, Page<InvitationView> Page, bool IsLaterPage);
