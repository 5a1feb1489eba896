namespace FleetMdm.Api.Invitations;

/// <summary>Invitations: who may enrol.</summary>
/// <remarks>Owns <c>/api/v1/invitations</c> and <c>/invitations</c>. What an iPad does with the link is the room <c>Enrolment</c>.</remarks>
internal static class InvitationsRoom
{
    public static void AddInvitations(this IServiceCollection services)
    {
        services.AddSingleton<InvitationService>();
    }

    public static void MapInvitations(this AdminRoutes routes)
    {
        InvitationEndpoints.MapRest(routes.Api);
        InvitationPages.MapPages(routes.Pages);
    }
}
