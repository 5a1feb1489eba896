using System.Text.Encodings.Web;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Access;

/// <summary>
/// The scheme of the admin side: <c>Authorization: Bearer …</c>, or the session of a browser. It is no default scheme: only
/// endpoints that require one of our policies ask it, so that no path of an iPad can ever answer 401.
/// </summary>
internal sealed class FleetAuthenticationHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder,
    TokenVerifier tokens, AccountVerifier accounts, GuessingThrottle throttle, ClientAddress clients, AuditTrail trail, Coalescer refused)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string Name = "fleetmdm";

    private const string Bearer = "Bearer ";

    private string? _wrong;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization;
        if (header.Count == 0) return await FromSession();

        if (header.Count != 1 || header[0] is not { } value || !value.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            return Wrong("The Authorization header must be \"Bearer\" and an API token.");

        var token = value[Bearer.Length..].Trim();
        var address = clients.Of(Context);
        // What looks right is looked up first: many may share an address (a school's, a proxy's), and one of them may be hostile. Nobody can guess
        // one of 256 bits, so only failures count.
        if (ApiToken.LooksRight(token) && await tokens.FindBySecret(token) is { } found)
            return AuthenticateResult.Success(new AuthenticationTicket(FleetUser.Principal(found, Name), Name));

        var throttled = throttle.IsThrottled(address);
        throttle.CountFailure(address);
        await refused.Record(trail.Entry(Context, AuditVerbs.TokenReject) with { Result = AuditResult.Refused });
        if (throttled) throw TooManyFailures();
        return Wrong("The API token is unknown, revoked or expired.");
    }

    public static ApiProblem TooManyFailures() =>
        new(StatusCodes.Status429TooManyRequests, ProblemCodes.TooManyFailures, "Too many wrong tokens",
            "Too many wrong API tokens came from this address; try again in a minute.")
        {
            RetryAfter = (int)GuessingThrottle.Span.TotalSeconds,
        };

    /// <summary>Browsers are sent to the login page; programs get 401.</summary>
    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (IsBrowser() && _wrong is null)
        {
            Response.Headers.CacheControl = "no-store";
            Response.Redirect("/login?returnUrl=" + UrlEncoder.Default.Encode(Request.Path + Request.QueryString));
            return Task.CompletedTask;
        }

        Response.Headers.WWWAuthenticate = "Bearer";
        return Problems.Of(StatusCodes.Status401Unauthorized, ProblemCodes.NotSignedIn, "Not signed in",
            _wrong ?? "Send an API token: \"Authorization: Bearer fleetmdm_…\".").ExecuteAsync(Context);
    }

    protected override async Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        if (Context.GetEndpoint()?.Metadata.GetMetadata<AuditedMetadata>() is { } audited)
        {
            var record = trail.Entry(Context, audited.Verb, audited.TargetKind, Audited.TargetOf(Context, audited), detail: ProblemCodes.NotAllowed);
            await refused.Record(record with { Result = AuditResult.Refused });
        }

        var user = FleetUser.Of(Context);
        var problem = CrossOrigin.IsRefused(Context)
            ? Problems.Of(StatusCodes.Status403Forbidden, ProblemCodes.CrossOrigin, "From another page",
                "A browser's session may change something only from this server's own pages.")
            : Problems.Of(FleetPolicies.Lacks(user, FleetPolicies.Missing(Context.GetEndpoint(), user, FleetPolicies.Reads(Request)) ?? []));
        await problem.ExecuteAsync(Context);
    }

    private async Task<AuthenticateResult> FromSession()
    {
        var session = await Context.AuthenticateAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        if (session.Principal is not { } principal || FleetUser.Find(principal) is not { } user) return AuthenticateResult.NoResult();

        if (user.AccountId is not null)
        {
            return user.SessionId is { } secret && await accounts.FindBySession(secret) is { } account && account.Account.Id == user.AccountId
                ? AuthenticateResult.Success(new AuthenticationTicket(FleetUser.Principal(account, CookieAuthenticationDefaults.AuthenticationScheme, secret), Name))
                : AuthenticateResult.NoResult();
        }

        // The session ends when it is signed out, wherever its cookie was copied to; and with its token.
        return user.SessionId is { } id && await tokens.FindBySession(id) is { } token && token.Id == user.TokenId
            ? AuthenticateResult.Success(new AuthenticationTicket(FleetUser.Principal(token, CookieAuthenticationDefaults.AuthenticationScheme, id), Name))
            : AuthenticateResult.NoResult();
    }

    private AuthenticateResult Wrong(string message)
    {
        _wrong = message;
        return AuthenticateResult.Fail(message);
    }

    private bool IsBrowser() =>
        (HttpMethods.IsGet(Request.Method) || HttpMethods.IsHead(Request.Method)) &&
        !Request.Path.StartsWithSegments("/api") &&
        Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);
}
