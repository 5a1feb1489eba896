using FleetMdm.Api.Console;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Access;

/// <summary>Who may use the admin side: API tokens, and the sessions that browsers begin with them.</summary>
/// <remarks>Owns <c>/api/v1/tokens</c>, <c>/tokens</c>, <c>/login</c> and <c>/logout</c>. Tokens are the access grain's. Other rooms ask
/// <see cref="FleetUser"/> who sends a request, and name their right by <see cref="FleetPolicies"/>.</remarks>
internal static class AccessRoom
{
    /// <summary>A working day. A session does not grow by use: whoever leaves a browser open is asked again.</summary>
    public static readonly TimeSpan SessionLength = TimeSpan.FromHours(8);

    public const string SessionCookie = "fleetmdm-session";

    public static void AddAccess(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<TokenVerifier>();
        services.AddSingleton<TokenService>();
        services.AddSingleton<GuessingThrottle>();
        services.AddSingleton<IAttention, TokenAttention>();
        services.AddSingleton(new ConsoleEntry(60, "/tokens", "Tokens", "M13 3a4 4 0 1 0-3.6 5.8L4 14.2V17h3v-2h2v-2h1.5l1-1.2A4 4 0 0 0 13 3Z", 't', Administrators: true));
        services.AddSingleton<IAuthorizationHandler, FleetPolicies.RoleByMethodHandler>();

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
        TokenEndpoints.MapRest(routes.Api);
        TokenPages.MapPages(routes.Pages);
    }
}
