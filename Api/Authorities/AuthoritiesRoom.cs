using FleetMdm.Api.Console;

namespace FleetMdm.Api.Authorities;

/// <summary>The CA that issues iPads' identities, the one that is to follow it, and those that came before.</summary>
/// <remarks>Owns <c>/api/v1/authorities</c> and <c>/authorities</c>. The state and its keys are the grain's (<c>ICertificateAuthorityGrain</c>); which iPads
/// have a certificate of which CA stands in the store; the renewal sweep moves iPads. Viewers read, administrators change.</remarks>
internal static class AuthoritiesRoom
{
    public static void AddAuthorities(this IServiceCollection services)
    {
        services.AddSingleton<AuthorityService>();
        services.AddSingleton<IAttention, AuthorityAttention>();
    }

    public static void MapAuthorities(this AdminRoutes routes)
    {
        AuthorityEndpoints.MapRest(routes.Api);
        AuthorityPages.MapPages(routes.Pages);
    }
}
