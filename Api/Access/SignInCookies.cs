using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace FleetMdm.Api.Access;

/// <summary>Two cookies beside the session's: that this browser has signed in before, and that somebody has shown the password and owes a code.</summary>
internal sealed class SignInCookies(IDataProtectionProvider protection, TimeProvider time)
{
    private const string DeviceCookie = "fleetmdm-device";
    private const string SecondCookie = "fleetmdm-second";

    /// <summary>Of one browser that several people use.</summary>
    private const int MostAccounts = 8;

    private const int NonceBytes = 16;

    private static readonly TimeSpan DeviceLasts = TimeSpan.FromDays(180);
    private static readonly TimeSpan SecondLasts = TimeSpan.FromMinutes(5);

    private readonly IDataProtector _device = protection.CreateProtector("sign-in.device");
    private readonly IDataProtector _second = protection.CreateProtector("sign-in.second");

    /// <summary>What tells this browser from others; null: this account has not signed in here.</summary>
    public string? KnownDevice(HttpContext context, string accountId) =>
        Open(_device, context.Request.Cookies[DeviceCookie])?.Split(' ') is [var nonce, .. var accounts] && accounts.Contains(accountId) ? nonce : null;

    public void RememberDevice(HttpContext context, string accountId)
    {
        var parts = Open(_device, context.Request.Cookies[DeviceCookie])?.Split(' ') ?? [Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NonceBytes))];
        IEnumerable<string> accounts = [.. parts[1..].Where(id => id != accountId).TakeLast(MostAccounts - 1), accountId];
        Append(context, DeviceCookie, _device.Protect($"{parts[0]} {string.Join(' ', accounts)}"), "/login", DeviceLasts);
    }

    /// <summary>The password was right.</summary>
    public void OweCode(HttpContext context, string accountId, string stamp, string returnUrl)
    {
        var until = (time.GetUtcNow() + SecondLasts).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        Append(context, SecondCookie, _second.Protect($"{accountId}\n{stamp}\n{until}\n{returnUrl}"), "/login", SecondLasts);
    }

    /// <summary>Null: nobody owes a code here, or it took too long.</summary>
    public OwedCode? Owed(HttpContext context) =>
        Open(_second, context.Request.Cookies[SecondCookie])?.Split('\n') is [var account, var stamp, var until, var returnUrl]
        && long.Parse(until, CultureInfo.InvariantCulture) > time.GetUtcNow().ToUnixTimeSeconds()
            ? new OwedCode(account, stamp, returnUrl)
            : null;

    public void ForgetOwed(HttpContext context)
    {
        if (context.Request.Cookies.ContainsKey(SecondCookie)) context.Response.Cookies.Delete(SecondCookie, Options(context, "/login", null));
    }

    private static void Append(HttpContext context, string name, string value, string path, TimeSpan lasts) => context.Response.Cookies.Append(name, value, Options(context, path, lasts));

    private static CookieOptions Options(HttpContext context, string path, TimeSpan? lasts) =>
        new() { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = context.Request.IsHttps, IsEssential = true, MaxAge = lasts, Path = path };

    /// <summary>Null: there is none, it is too old, or this server has not written it.</summary>
    internal static string? Open(IDataProtector protector, string? value)
    {
        if (string.IsNullOrEmpty(value)) return null;
        try
        {
            return protector.Unprotect(value);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}

/// <param name="Stamp">Of the account, when the password was shown.</param>
internal sealed record OwedCode(string AccountId, string Stamp, string ReturnUrl);
