using FleetMdm.Api.Console;
using FleetMdm.Api.SelfService;
using FleetMdm.Api.SetUp;
using FleetMdm.Storage.Hosting;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Access;

/// <summary>Who may use the admin side: people with accounts, API tokens, and the sessions of browsers.</summary>
/// <remarks>Owns <c>/api/v1/tokens</c>, <c>/api/v1/roles</c>, <c>/api/v1/rights</c>, <c>/api/v1/accounts</c>, their pages, <c>/account</c>, <c>/sessions</c>, <c>/login</c>, <c>/set-password</c> and
/// <c>/logout</c>. Tokens and roles are the access grain's; accounts and their sessions are the tables <c>accounts</c>, <c>account_sessions</c>, <c>account_recovery_codes</c> and <c>account_passkeys</c>. Other rooms ask
/// <see cref="FleetUser"/> who sends a request, and name the right that an endpoint needs where they map it (<see cref="NeededRights"/>).</remarks>
internal static class AccessRoom
{
    /// <summary>A working day, of a session that was begun with a token. It does not grow by use: whoever leaves a browser open is asked again.</summary>
    public static readonly TimeSpan SessionLength = TimeSpan.FromHours(8);

    public const string SessionCookie = "fleetmdm-session";

    public static void AddAccess(this IServiceCollection services, IConfiguration configuration)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<TokenVerifier>();
        services.AddSingleton<TokenService>();
        services.AddSingleton<RoleService>();
        services.AddSingleton<ScopeGuard>();
        services.AddSingleton(provider => new GuessingThrottle(provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<AccountVerifier>();
        services.AddSingleton<AccountService>();
        services.AddSingleton<OwnAccountService>();
        services.AddSingleton<SignInService>();
        services.AddSingleton<PasskeyService>();
        services.AddSingleton<SignInThrottle>();
        services.AddSingleton<SignInCookies>();
        services.AddSingleton<Passwords>();
        services.AddSingleton<SignInMetrics>();
        services.AddHostedService(provider => provider.GetRequiredService<SignInMetrics>());
        services.AddSingleton(new ConsoleEntry(55, "/accounts", "Accounts", "M10 9a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM4 17a6 6 0 0 1 12 0", 'w', Rights.AccountRead));
        services.AddSingleton<IAttention, TokenAttention>();
        services.AddSingleton<ISetUp, AccountSetUp>();
        services.AddSingleton(new ConsoleEntry(60, "/tokens", "Tokens", "M13 3a4 4 0 1 0-3.6 5.8L4 14.2V17h3v-2h2v-2h1.5l1-1.2A4 4 0 0 0 13 3Z", 't', Rights.TokenRead));
        services.AddSingleton<IAuthorizationHandler, FleetPolicies.Handler>();

        // No default scheme: only endpoints that require a policy of ours are ever asked who sends them.
        services.AddAuthentication()
            .AddScheme<AuthenticationSchemeOptions, FleetAuthenticationHandler>(FleetAuthenticationHandler.Name, null)
            .AddCookie(options =>
            {
                options.Cookie.Name = SessionCookie;
                options.Cookie.HttpOnly = true;
                options.Cookie.SameSite = SameSiteMode.Strict;
                options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
                options.ExpireTimeSpan = SessionLength;
                options.SlidingExpiration = false;
            });
        services.AddSingleton<OidcSignIn>();
        var forPeople = configuration.GetValue<string>($"{SelfServiceOptions.Section}:{nameof(SelfServiceOptions.Enabled)}") is { } on && bool.TryParse(on, out var enabled) && enabled;
        services.AddFleetOptions<OidcOptions>(configuration, OidcOptions.Section, options => options.FindFault(forPeople));
        // What is wrong is said when the options are checked, which comes before anybody signs in.
        if (configuration.GetSection(OidcOptions.Section).Get<OidcOptions>() is { IsOn: true } oidc && oidc.FindFault(forPeople) is null) OidcSignIn.Add(services, oidc);
        services.AddAuthorization(FleetPolicies.Add);

        services.AddDataProtection().SetApplicationName("FleetMdm");
        services.AddSingleton<IXmlRepository, StoredKeyRing>();
        services.AddSingleton<IXmlEncryptor, SealedXmlEncryptor>();
        services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(provider =>
            new ConfigureOptions<KeyManagementOptions>(options =>
            {
                options.XmlRepository = provider.GetRequiredService<IXmlRepository>();
                options.XmlEncryptor = provider.GetRequiredService<IXmlEncryptor>();
            }));
    }

    public static void MapAccess(this AdminRoutes routes)
    {
        LoginEndpoints.MapPages(routes.Open);
        OidcSignIn.MapPages(routes.Open);
        SetPasswordPages.MapPages(routes.Open);
        AccountEndpoints.MapRest(routes.Api);
        AccountPages.MapPages(routes.Pages);
        OwnAccountPages.MapPages(routes.Pages);
        TokenEndpoints.MapRest(routes.Api);
        TokenPages.MapPages(routes.Pages);
        RoleEndpoints.MapRest(routes.Api);
        RolePages.MapPages(routes.Pages);
    }
}
