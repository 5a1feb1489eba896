using FleetMdm.Api.Rest;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;

namespace FleetMdm.Api.Access;

/// <summary>Who may do what on the admin side: who is signed in and has the rights that the endpoint names.</summary>
public static class FleetPolicies
{
    /// <summary>The rights that the endpoint names (<see cref="NeededRights"/>). A browser's session may change something only from our own pages.</summary>
    public const string ByRight = "fleetmdm.by-right";

    internal static void Add(AuthorizationOptions options) =>
        options.AddPolicy(ByRight, policy => policy
            .AddAuthenticationSchemes(FleetAuthenticationHandler.Name)
            .RequireAuthenticatedUser()
            .AddRequirements(new RightsOfTheEndpoint()));

    /// <summary>What this user lacks for this endpoint; empty: nothing. Null: the endpoint names no right, and nobody may.</summary>
    internal static IReadOnlyList<string>? Missing(Endpoint? endpoint, FleetUser user, bool reads)
    {
        var needed = endpoint?.Metadata.GetOrderedMetadata<NeededRights>() ?? [];
        if (needed.Count == 0) return endpoint?.Metadata.GetMetadata<ForEverybodySignedIn>() is null ? null : [];
        // What changes something names a right that does more than read; to look at a secret is recorded like a change.
        if (!reads && needed.All(one => one.OneOf.Any(right => Rights.OnlyReads(right) && right is not (Rights.SecretRead or Rights.LocationRead)))) return null;
        return needed.FirstOrDefault(one => !one.OneOf.Any(user.May))?.OneOf ?? [];
    }

    internal static bool Reads(HttpRequest request) => HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);

    /// <summary>403, in words.</summary>
    /// <param name="rights">One of them is needed. None, for somebody with rights for some schools: what it is about is the district's.</param>
    internal static ApiProblem Lacks(FleetUser user, IReadOnlyList<string> rights) => !user.IsOfDistrict && rights.All(right => !Rights.Of(right).ForSchools)
        ? ForTheDistrict(rights)
        : new(StatusCodes.Status403Forbidden, ProblemCodes.NotAllowed, "Not allowed", rights.Count == 0
            ? "This address names no right. Nobody may use it: it is a fault of the server."
            : $"This needs the right {string.Join(" or ", rights.Select(right => $"{right} ({Rights.Of(right).Words})"))}. {(user.AccountId is null ? "Your token has" : "You have")} the role {user.RoleTitle}, which lacks it.")
        {
            More = rights.Count == 0 ? null : new Dictionary<string, object> { ["missingRights"] = rights.ToArray() },
        };

    private static ApiProblem ForTheDistrict(IReadOnlyList<string> rights) => new(StatusCodes.Status403Forbidden, ProblemCodes.NeedsDistrict, "For the whole district only",
        (rights.Count == 0 ? "This is about the whole district." : $"This needs the right {string.Join(" or ", rights.Select(right => $"{right} ({Rights.Of(right).Words})"))}, which nobody has for single schools.") +
        " Your rights are for some schools only.")
    {
        More = rights.Count == 0 ? null : new Dictionary<string, object> { ["missingRights"] = rights.ToArray() },
    };

    internal sealed class RightsOfTheEndpoint : IAuthorizationRequirement;

    internal sealed class Handler(ScopeGuard guard) : AuthorizationHandler<RightsOfTheEndpoint>
    {
        protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, RightsOfTheEndpoint requirement)
        {
            if (context.Resource is not HttpContext http || FleetUser.Find(context.User) is not { } user) return Task.CompletedTask;

            var reads = Reads(http.Request);
            if (!reads && IsSession(context) && !CrossOrigin.IsOwnPage(http.Request))
            {
                CrossOrigin.MarkRefused(http);
                return Task.CompletedTask;
            }

            if (Missing(http.GetEndpoint(), user, reads) is { Count: 0 } && (user.IsOfDistrict || guard.IsForSchools(http.GetEndpoint()))) context.Succeed(requirement);
            return Task.CompletedTask;
        }

        private static bool IsSession(AuthorizationHandlerContext context) =>
            context.User.Identity?.AuthenticationType == CookieAuthenticationDefaults.AuthenticationScheme;
    }
}
