using System.Security.Claims;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Api.SelfService;
using FleetMdm.Storage;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.SelfService;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace FleetMdm.Api.Access;

// Somebody signs in by the district's provider:
//
//   1. /login/provider      to the provider, with state, nonce and the challenge of a key for the code (PKCE)
//   2. /login/oidc          back, with a code; the handler fetches the tokens and checks issuer, audience, nonce, time and signature
//   3. groups               the first entry of Oidc:Roles whose group the person has. None: a person of the district signs in for themselves, where
//                           that is on; all others are refused in words
//   4. account              of this issuer and subject; made or changed. Never found by an e-mail address, which anybody may claim
//      person               who it is, of the people of the district: by an address that the provider vouches for, once and for good
//   5. session              begun as with a password; then a page of our own leads on, since the session's cookie is sent only from our pages
//
// The scheme is no default scheme, and asks nobody by itself.

/// <summary>Signs people in by OpenID Connect.</summary>
internal sealed partial class OidcSignIn(
    IAccountStore store, AccountService accounts, RoleService roles, SignInService signIn, AccountVerifier verifier, AuditTrail trail, Coalescer refused, SignInMetrics metrics,
    IOptions<OidcOptions> options, IOptions<SelfServiceOptions> selfService, ISelfServiceStore people, TimeProvider time, ILogger<OidcSignIn> logger)
{
    public const string Scheme = "oidc";
    public const string StartPath = "/login/provider";
    public const string CallbackPath = "/login/oidc";

    private const string ReturnUrl = "fleetmdm.return-url";

    private const string Verified = "email_verified";

    /// <summary>A provider that does not answer must not hold a browser for longer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly IReadOnlyList<OidcRole> _roles = [.. options.Value.Roles.Select(entry => OidcRole.Parse(entry)!)];

    public static void Add(IServiceCollection services, OidcOptions own)
    {
        services.AddAuthentication().AddOpenIdConnect(Scheme, options =>
        {
            options.Authority = own.Authority;
            options.RequireHttpsMetadata = new Uri(own.Authority!).Scheme == Uri.UriSchemeHttps;
            options.ClientId = own.ClientId;
            options.ClientSecret = own.Secret;
            options.ResponseType = OpenIdConnectResponseType.Code;
            options.ResponseMode = OpenIdConnectResponseMode.Query;
            options.UsePkce = true;
            options.CallbackPath = CallbackPath;
            options.SignInScheme = CookieAuthenticationDefaults.AuthenticationScheme;
            options.SaveTokens = false;
            options.MapInboundClaims = false;
            options.GetClaimsFromUserInfoEndpoint = true;
            options.ClaimActions.Remove("iss");
            options.ClaimActions.MapJsonKey(own.GroupsClaim, own.GroupsClaim);
            options.ClaimActions.MapJsonKey(Verified, Verified);
            if (own.AccountClaim is { } account) options.ClaimActions.MapJsonKey(account, account);
            options.BackchannelTimeout = Patience;
            options.Scope.Clear();
            foreach (var scope in own.Scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries)) options.Scope.Add(scope);
            // They travel with a visit that the provider's page has caused.
            foreach (var cookie in (CookieBuilder[])[options.CorrelationCookie, options.NonceCookie])
                (cookie.SameSite, cookie.SecurePolicy, cookie.HttpOnly) = (SameSiteMode.Lax, CookieSecurePolicy.SameAsRequest, true);
            options.Events.OnTicketReceived = context => context.HttpContext.RequestServices.GetRequiredService<OidcSignIn>().Arrived(context);
            options.Events.OnRemoteFailure = context => context.HttpContext.RequestServices.GetRequiredService<OidcSignIn>().Failed(context);
        });
    }

    public static void MapPages(RouteGroupBuilder open)
    {
        var pages = open.MapGroup("").ExcludeFromDescription().WithMetadata(ContentPolicy.Page);
        pages.MapGet(StartPath, (HttpContext context, OidcSignIn service, string? returnUrl) => service.Start(context, LoginEndpoints.LocalPath(returnUrl)));
        // The handler answers it before; this is what the limits, the listeners and the headers know it by.
        pages.MapGet(CallbackPath, () => PageForms.See("/login"));
    }

    // 1
    private async Task<IResult> Start(HttpContext context, string returnUrl)
    {
        if (!options.Value.IsOn) return PageForms.See("/login");
        try
        {
            await context.ChallengeAsync(Scheme, new AuthenticationProperties { RedirectUri = "/", Items = { [ReturnUrl] = returnUrl } });
            return Results.Empty;
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or HttpRequestException && !context.Response.HasStarted)
        {
            ProviderAway(e, options.Value.Authority!);
            return Page(returnUrl, $"{Capital(options.Value.Name)} cannot be reached now. Try again in a minute, or sign in with user name and password.", StatusCodes.Status503ServiceUnavailable);
        }
    }

    // 2
    private Task Failed(RemoteFailureContext context)
    {
        context.HandleResponse();
        SignInFailed(context.Failure!, options.Value.Authority!);
        metrics.Count("wrong");
        return Page("/", $"Signing in by {options.Value.Name} did not work. Try again.", StatusCodes.Status401Unauthorized).ExecuteAsync(context.HttpContext);
    }

    private async Task Arrived(TicketReceivedContext context)
    {
        context.HandleResponse();
        var http = context.HttpContext;
        var person = context.Principal!;
        var (issuer, subject) = (person.FindFirstValue("iss"), person.FindFirstValue("sub"));
        if (string.IsNullOrEmpty(issuer) || string.IsNullOrEmpty(subject) || subject.Length > 255 || subject.Any(c => char.IsControl(c) || char.IsSurrogate(c)))
        {
            await Page("/", $"{Capital(options.Value.Name)} did not say who you are.", StatusCodes.Status401Unauthorized).ExecuteAsync(http);
            return;
        }

        // 3
        var groups = person.FindAll(options.Value.GroupsClaim).Select(claim => claim.Value).ToHashSet(StringComparer.Ordinal);
        var meant = _roles.FirstOrDefault(entry => groups.Contains(entry.Group));
        var self = meant is null && selfService.Value.Enabled && await Whose(person, await store.FindBySubject(issuer, subject)) is not null;
        if (self) meant = new OidcRole("", Roles.SelfService, null);
        if (meant is null || await roles.Find(meant.Role) is not { } role)
        {
            if (meant is not null) RoleMissing(meant.Role);
            await Refuse(http, subject, "no group", $"You have no access to FleetMdm: none of your groups gives a role{(selfService.Value.Enabled ? ", and you are not known as one person of the district" : "")}. Ask your administrator to add {(selfService.Value.Enabled ? "you" : "your group")}. {Capital(options.Value.Name)} says that you are {Told(person)}.");
            return;
        }

        // 4
        var account = await Settle(http, person, issuer, subject, meant with { Role = role.Name });
        if (account is null || account.Disabled || await store.FindWithKeys(account.Id) is not { } keys)
        {
            await Refuse(http, subject, "disabled", "Your account is disabled. Ask your administrator.");
            return;
        }

        // Of the last administrator the role stays: nobody has it by having no group.
        if (self && account.Role != Roles.SelfService)
        {
            await Refuse(http, subject, "no group", "You have no access to FleetMdm: none of your groups gives a role. Ask your administrator to add your group.");
            return;
        }

        if (selfService.Value.Enabled) account = await Link(http, person, account);
        if (self && account.PersonId is null)
        {
            await Refuse(http, subject, "person taken", "Somebody else signs in as the person whose address you have. Ask your administrator.");
            return;
        }

        // 5
        var result = await signIn.Begin(http, account, keys.Stamp, "provider", null, null);
        if (result.Kind != SignInKind.Done)
        {
            await Page("/", "Your account has changed meanwhile. Try again.", StatusCodes.Status401Unauthorized).ExecuteAsync(http);
            return;
        }

        var path = LoginEndpoints.LocalPath(context.Properties?.Items.TryGetValue(ReturnUrl, out var asked) == true ? asked : null);
        http.Response.Headers["Refresh"] = "0; url=" + path;
        await new RazorComponentResult<SignedInPage>(new { Path = path }).ExecuteAsync(http);
    }

    /// <summary>Who it is, of the people of the district. Whom the account is linked to already stays, whatever address they have by now; who has left is nobody.</summary>
    private async Task<string?> Whose(ClaimsPrincipal person, Account? standing) => standing?.PersonId is { } linked
        ? (await people.FindPerson(linked))?.Person.Id
        : Addresses(person) is { Count: > 0 } addresses ? (await store.FindPersonByAddress(addresses))?.Id : null;

    /// <summary>What the provider vouches for: the one e-mail address, when it says that it has verified it, and what the district alone sets. Anybody may claim the rest.</summary>
    private List<string> Addresses(ClaimsPrincipal person)
    {
        List<string> addresses = [];
        var emails = person.FindAll("email").Select(claim => claim.Value).Distinct(StringComparer.OrdinalIgnoreCase).ToList();
        var verified = person.FindAll(Verified).Select(claim => claim.Value).ToList();
        if (emails.Count == 1 && verified.Count > 0 && verified.TrueForAll(value => value.Equals("true", StringComparison.OrdinalIgnoreCase))) addresses.AddRange(emails);
        if (options.Value.AccountClaim is { } name) addresses.AddRange(person.FindAll(name).Select(claim => claim.Value));
        addresses.RemoveAll(address => address.Length is 0 or > PeopleService.LongestAddress || address.Any(char.IsControl));
        return addresses;
    }

    private async Task<Account> Link(HttpContext context, ClaimsPrincipal person, Account account)
    {
        if (account.PersonId is not null || await Whose(person, account) is not { } own) return account;
        var record = Record(context, AuditVerbs.AccountChange, account) with { Detail = Cut($"{account.UserName}, linked to the person with this address") };
        if (!await store.LinkPerson(account.Id, own, time.GetUtcNow(), Cut(options.Value.Name), record))
        {
            PersonTaken(own);
            return account;
        }

        verifier.Forget();
        return await store.FindBySubject(account.Issuer!, account.Subject!) ?? account;
    }

    /// <summary>Null: another node was faster, and its account cannot be found.</summary>
    private async Task<Account?> Settle(HttpContext context, ClaimsPrincipal person, string issuer, string subject, OidcRole meant)
    {
        var now = time.GetUtcNow();
        var name = Cut(person.FindFirstValue("name") ?? UserName(person) ?? subject);
        var by = Cut(options.Value.Name);
        if (await store.FindBySubject(issuer, subject) is { } standing)
        {
            if (standing.Disabled || (standing.Role == meant.Role && standing.Name == name && AccountService.Same(standing.Schools, meant.Schools))) return standing;
            var changed = standing with { Version = standing.Version + 1, Role = meant.Role, Schools = meant.Schools, Name = name, UpdatedAt = now, UpdatedBy = by };
            // Of the last administrator the role stays; of somebody who was changed by another node at this moment, that.
            await accounts.Write(context, Scope.District, standing, changed, Record(context, AuditVerbs.AccountChange, changed));
            return await store.FindBySubject(issuer, subject);
        }

        var account = new Account
        {
            Id = Guid.NewGuid().ToString("D"),
            Version = 1,
            UserName = UserName(person) ?? $"{subject}@{new Uri(issuer).Host}",
            Name = name,
            Role = meant.Role,
            Schools = meant.Schools,
            Issuer = issuer,
            Subject = subject,
            CreatedAt = now,
            CreatedBy = by,
            UpdatedAt = now,
            UpdatedBy = by,
        };
        // Somebody else has the name: perhaps the same person, but nobody has shown it.
        if (await store.Create(account, null, Record(context, AuditVerbs.AccountCreate, account)) == AccountOutcome.NameTaken)
        {
            account = account with { UserName = Cut($"{subject}@{new Uri(issuer).Host}").Replace(' ', '-') };
            await store.Create(account, null, Record(context, AuditVerbs.AccountCreate, account));
        }

        return await store.FindBySubject(issuer, subject);
    }

    private AuditRecord Record(HttpContext context, string verb, Account account)
    {
        var entry = trail.Entry(context, verb, AuditTargets.Account, account.Id, detail: $"{account.UserName} ({account.Role}), by {options.Value.Name}");
        return entry with { Actor = new AuditActor(ActorKind.Account, account.Id, account.Name, entry.Actor.Address) };
    }

    private async Task Refuse(HttpContext context, string subject, string why, string words)
    {
        await refused.Record(trail.Entry(context, AuditVerbs.SessionSignIn, AuditTargets.Account, detail: $"{why}: {subject}") with { Result = AuditResult.Refused });
        metrics.Count("refused");
        await Page("/", words, StatusCodes.Status403Forbidden).ExecuteAsync(context);
    }

    private static RazorComponentResult<LoginPage> Page(string returnUrl, string words, int status) => new(new { ReturnUrl = returnUrl, Error = words }) { StatusCode = status };

    /// <summary>For people to know it by; it proves nothing.</summary>
    private static string? UserName(ClaimsPrincipal person) =>
        (person.FindFirstValue("preferred_username") ?? person.FindFirstValue("email")) is { Length: > 0 and <= SignInService.LongestName } name && !name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || char.IsSurrogate(c))
            ? name
            : null;

    private static string Told(ClaimsPrincipal person) => Text.Printable(UserName(person) ?? person.FindFirstValue("name") ?? "somebody without a name", 100);

    private static string Cut(string text) => Text.Printable(text, SignInService.LongestName - 1);

    private static string Capital(string text) => Text.Capital(text);

    [LoggerMessage(2480, LogLevel.Warning, "The provider of sign-in {Authority} cannot be reached.")]
    private partial void ProviderAway(Exception exception, string authority);

    [LoggerMessage(2481, LogLevel.Warning, "A sign-in by {Authority} was refused.")]
    private partial void SignInFailed(Exception exception, string authority);

    [LoggerMessage(2550, LogLevel.Warning, "An account was not linked to the person {Person}: another account of the provider is, or the person has left. Link one of them by hand.")]
    private partial void PersonTaken(string person);

    [LoggerMessage(2482, LogLevel.Error, "Oidc:Roles names the role {Role}, which does not exist: nobody can sign in by it.")]
    private partial void RoleMissing(string role);
}
