using System.Security.Claims;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Access;

/// <summary>Who sent a request of the admin side: the bearer of a token, directly or by a session that was begun with it.</summary>
/// <param name="SessionId">Of the browser's session; null for the bearer of a token.</param>
/// <param name="MaySeeSecrets">Links of open invitations, and iPads' answers with secrets in them.</param>
public sealed record FleetUser(string TokenId, string Name, AccessRole Role, bool MaySeeSecrets, string? SessionId = null)
{
    private const string TokenIdClaim = "fleetmdm:token";
    private const string SessionClaim = "fleetmdm:session";
    private const string SecretsClaim = "fleetmdm:secrets";

    /// <exception cref="InvalidOperationException">The endpoint does not require authorization.</exception>
    public static FleetUser Of(HttpContext context) =>
        Find(context.User) ?? throw new InvalidOperationException("This endpoint must require authorization.");

    public static FleetUser? Find(ClaimsPrincipal principal) =>
        principal.FindFirstValue(TokenIdClaim) is { } id && Enum.TryParse<AccessRole>(principal.FindFirstValue(ClaimTypes.Role), out var role)
            ? new FleetUser(id, principal.FindFirstValue(ClaimTypes.Name) ?? "", role,
                role == AccessRole.Administrator || principal.HasClaim(claim => claim.Type == SecretsClaim), principal.FindFirstValue(SessionClaim))
            : null;

    internal static ClaimsPrincipal Principal(TokenDescription token, string scheme, string? sessionId = null) => new(new ClaimsIdentity(
        [
            new Claim(TokenIdClaim, token.Id),
            new Claim(ClaimTypes.Name, token.Name),
            new Claim(ClaimTypes.Role, token.Role.ToString()),
            .. token.Secrets ? [new Claim(SecretsClaim, "true")] : Array.Empty<Claim>(),
            .. sessionId is null ? Array.Empty<Claim>() : [new Claim(SessionClaim, sessionId)],
        ],
        scheme, ClaimTypes.Name, ClaimTypes.Role));
}
