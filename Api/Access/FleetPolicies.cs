using FleetMdm.Grains.Interfaces;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;

namespace FleetMdm.Api.Access;

/// <summary>Who may do what on the admin side.</summary>
public static class FleetPolicies
{
    /// <summary>Any token for reading (GET, HEAD); an administrator's for everything else. A browser's session may change something
    /// only from our own pages.</summary>
    public const string ReadOrAdminister = "fleetmdm.read-or-administer";

    /// <summary>An administrator's token, for reading too.</summary>
    public const string Administer = "fleetmdm.administer";

    internal static void Add(AuthorizationOptions options)
    {
        options.AddPolicy(ReadOrAdminister, policy => policy
            .AddAuthenticationSchemes(FleetAuthenticationHandler.Name)
            .RequireAuthenticatedUser()
            .AddRequirements(new RoleByMethod(ReadingNeeds: AccessRole.Viewer)));
        options.AddPolicy(Administer, policy => policy
            .AddAuthenticationSchemes(FleetAuthenticationHandler.Name)
            .RequireAuthenticatedUser()
            .AddRequirements(new RoleByMethod(ReadingNeeds: AccessRole.Administrator)));
    }

    internal sealed record RoleByMethod(AccessRole ReadingNeeds) : IAuthorizationRequirement;

    internal sealed class RoleByMethodHandler : AuthorizationHandler<RoleByMethod>
    {
        protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, RoleByMethod requirement)
        {
            if (context.Resource is not HttpContext http || FleetUser.Find(context.User) is not { } user) return Task.CompletedTask;

            var reads = HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method);
            if (!reads && IsSession(context) && !CrossOrigin.IsOwnPage(http.Request))
            {
                CrossOrigin.MarkRefused(http);
                return Task.CompletedTask;
            }

            var needed = reads ? requirement.ReadingNeeds : AccessRole.Administrator;
            if (user.Role >= needed) context.Succeed(requirement);
            return Task.CompletedTask;
        }

        private static bool IsSession(AuthorizationHandlerContext context) =>
            context.User.Identity?.AuthenticationType == CookieAuthenticationDefaults.AuthenticationScheme;
    }
}
