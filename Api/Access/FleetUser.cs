using System.Security.Claims;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Access;

/// <summary>Who sent a request of the admin side: the bearer of a token, directly or by a session that was begun with it.</summary>
public sealed record FleetUser(string TokenId, string Name, AccessRole Role)
{
    /// <summary>Links of open invitations, and iPads' answers with secrets in them.</summary>
    public bool MaySeeSecrets => Role == AccessRole.Administrator;

    private const string TokenIdClaim = "fleetmdm:token";

    /// <exception cref="InvalidOperationException">The endpoint does not require authorization.</exception>
    public static FleetUser Of(HttpContext context) =>
        Find(context.User) ?? throw new InvalidOperationException("This endpoint must require authorization.");

    public static FleetUser? Find(ClaimsPrincipal principal) =>
        principal.FindFirstValue(TokenIdClaim) is { } id && Enum.TryParse<AccessRole>(principal.FindFirstValue(ClaimTypes.Role), out var role)
            ? new FleetUser(id, principal.FindFirstValue(ClaimTypes.Name) ?? "", role)
            : null;

    internal static ClaimsPrincipal Principal(TokenDescription token, string scheme) => new(new ClaimsIdentity(
        [
            new Claim(TokenIdClaim, token.Id),
            new Claim(ClaimTypes.Name, token.Name),
            new Claim(ClaimTypes.Role, token.Role.ToString()),
        ],
        scheme, ClaimTypes.Name, ClaimTypes.Role));
}
