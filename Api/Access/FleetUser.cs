using System.Collections.Frozen;
using System.Security.Claims;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage;
using FleetMdm.Storage.Access;

namespace FleetMdm.Api.Access;

/// <summary>Who sent a request of the admin side: the bearer of a token, directly or by a session that was begun with it; or a person with an account.</summary>
/// <param name="TokenId">Of the token, or of the account: no two have the same. By it one sender is told from another.</param>
/// <param name="Name">For people.</param>
/// <param name="RoleTitle">For people.</param>
/// <param name="Rights">What they may do.</param>
/// <param name="SessionId">Of the browser's session; null for the bearer of a token.</param>
/// <param name="Scope">Which schools the rights cover.</param>
public sealed record FleetUser(string TokenId, string Name, string RoleTitle, IReadOnlySet<string> Rights, string? SessionId, Scope Scope)
{
    private const string AccountClaim = "fleetmdm:account";
    private const string TokenIdClaim = "fleetmdm:token";
    private const string SessionClaim = "fleetmdm:session";

    /// <summary>Of the person; null: a token sends it.</summary>
    public string? AccountId { get; init; }

    /// <summary>Who it is, of the people of the district, as the account says; null: nobody said, or a token sends it.</summary>
    public string? PersonId { get; init; }

    /// <summary>They see their own things, and nothing of the console.</summary>
    public bool IsForOneself => Rights.Count > 0 && Rights.All(right => right is Access.Rights.SelfUse or Access.Rights.ClassTeach);

    /// <summary>The page that they begin with.</summary>
    public string HomePath => !IsForOneself ? "/" : May(Access.Rights.ClassTeach) ? "/teach" : "/my";

    /// <summary>Links of open invitations, and iPads' answers with secrets in them.</summary>
    public bool MaySeeSecrets => May(Access.Rights.SecretRead);

    /// <summary>Not a right that is for the whole district, when theirs are for some schools.</summary>
    public bool May(string right) => Rights.Contains(right) && (IsOfDistrict || Access.Rights.Of(right).ForSchools);

    public bool IsOfDistrict => Scope.SchoolIds is null;

    /// <summary>Whether one of these is enough.</summary>
    public bool MayOneOf(IEnumerable<string> rights) => rights.Any(May);

    /// <exception cref="ApiProblem">403: what is missing, in words.</exception>
    internal void Require(string right)
    {
        if (!May(right)) throw FleetPolicies.Lacks(this, [right]);
    }

    /// <exception cref="InvalidOperationException">The endpoint does not require authorization.</exception>
    public static FleetUser Of(HttpContext context) =>
        Find(context.User) ?? throw new InvalidOperationException("This endpoint must require authorization.");

    /// <summary>A cookie alone says who, and no rights: these come from the token or the account each time.</summary>
    public static FleetUser? Find(ClaimsPrincipal principal)
    {
        foreach (var identity in principal.Identities)
        {
            if (identity is KnownIdentity known) return known.User;
        }

        return (principal.FindFirstValue(TokenIdClaim) ?? principal.FindFirstValue(AccountClaim)) is { } id
            ? new FleetUser(id, principal.FindFirstValue(ClaimTypes.Name) ?? "", "", FrozenSet<string>.Empty, principal.FindFirstValue(SessionClaim), Scope.Of([]))
            {
                AccountId = principal.FindFirstValue(AccountClaim),
            }
            : null;
    }

    internal static ClaimsPrincipal Principal(TokenDescription token, string scheme, string? sessionId = null)
    {
        var role = TokenRole.Of(token);
        var user = new FleetUser(token.Id, token.Name, role.Title, RightSets.Of(role.Rights), sessionId, ScopeOf(token.Schools?.Ids));
        return new ClaimsPrincipal(new KnownIdentity(user, Who(token, sessionId), scheme));
    }

    /// <summary>For a browser's cookie: who it is, and no rights.</summary>
    internal static ClaimsPrincipal Cookie(TokenDescription token, string scheme, string sessionId) =>
        new(new ClaimsIdentity(Who(token, sessionId), scheme, ClaimTypes.Name, ClaimTypes.Role));

    /// <summary>For a browser's cookie: who it is, and no rights. A node of the version before finds nobody in it.</summary>
    /// <param name="session">What nobody else knows.</param>
    internal static ClaimsPrincipal Cookie(Account account, string scheme, string session) =>
        new(new ClaimsIdentity(Who(account, session), scheme, ClaimTypes.Name, ClaimTypes.Role));

    internal static ClaimsPrincipal Principal(SignedInAccount found, string scheme, string session)
    {
        var account = found.Account;
        var user = new FleetUser(account.Id, account.Name, found.Role.Title, RightSets.Of(found.Role.Rights), session, ScopeOf(account.Schools))
        {
            AccountId = account.Id,
            PersonId = account.PersonId,
        };
        return new ClaimsPrincipal(new KnownIdentity(user, Who(account, session), scheme));
    }

    private static IEnumerable<Claim> Who(Account account, string session) =>
        [new Claim(AccountClaim, account.Id), new Claim(ClaimTypes.Name, account.Name), new Claim(SessionClaim, session)];

    /// <summary>Nodes of the version before read the role from the cookie.</summary>
    private static IEnumerable<Claim> Who(TokenDescription token, string? sessionId) =>
    [
        new Claim(TokenIdClaim, token.Id),
        new Claim(ClaimTypes.Name, token.Name),
        new Claim(ClaimTypes.Role, token.Role.ToString()),
        .. sessionId is null ? Array.Empty<Claim>() : [new Claim(SessionClaim, sessionId)],
    ];

    private static Scope ScopeOf(IEnumerable<string>? schools) => schools is null ? Scope.District : Scope.Of(schools);

    /// <summary>Of somebody whose rights are known: they are read once for a request, and not again by each who asks.</summary>
    private sealed class KnownIdentity(FleetUser user, IEnumerable<Claim> claims, string scheme) : ClaimsIdentity(claims, scheme, ClaimTypes.Name, ClaimTypes.Role)
    {
        public FleetUser User => user;
    }
}
