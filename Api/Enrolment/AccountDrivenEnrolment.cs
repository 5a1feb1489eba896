namespace FleetMdm.Api.Enrolment;

/// <summary>
/// <c>/.well-known/com.apple.remotemanagement</c>: where an iPad looks when somebody signs in with a Managed Apple Account under "VPN &amp; Device Management". This
/// server cannot let people sign in yet, and says so, so that the iPad shows a sentence instead of a time-out
/// (developer.apple.com/documentation/devicemanagement, "Discover authentication servers").
/// </summary>
internal static class AccountDrivenEnrolment
{
    public const string Path = "/.well-known/com.apple.remotemanagement";

    /// <summary>iOS 17.5 and later show the message.</summary>
    private const string Code = "com.apple.well-known.failed";

    public static IResult Refuse(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        return Results.Json(
            new Dictionary<string, string>
            {
                ["code"] = Code,
                ["description"] = "Account-driven enrolment is not part of this version of FleetMdm.",
                ["message"] = "Your school does not enrol iPads by signing in. Ask your school for a code to scan.",
            },
            statusCode: StatusCodes.Status403Forbidden);
    }
}
