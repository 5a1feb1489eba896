using FleetMdm.Api.Access;
using FleetMdm.Api.Console;

namespace FleetMdm.Api.Invitations;

/// <summary>Invitations: who may enrol.</summary>
/// <remarks>Owns <c>/api/v1/invitations</c> and <c>/invitations</c>. What an iPad does with the link is the room <c>Enrolment</c>.</remarks>
internal static class InvitationsRoom
{
    public static void AddInvitations(this IServiceCollection services)
    {
        services.AddSingleton<InvitationService>();
        services.AddSingleton(provider => new ScopedThing(["/api/v1/invitations/{id}", "/invitations/{id}"], "id",
            async (scope, id) => await provider.GetRequiredService<InvitationService>().Find(scope, id) is not null, InvitationService.NotFound));
        services.AddSingleton(new ConsoleEntry(30, "/invitations", "Enrolment", "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM10 7v6M7 10h6", 'n', Rights.InvitationRead));
    }

    public static void MapInvitations(this AdminRoutes routes)
    {
        InvitationEndpoints.MapRest(routes.Api);
        InvitationPages.MapPages(routes.Pages);
    }
}
