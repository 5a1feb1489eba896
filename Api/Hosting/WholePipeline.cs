namespace FleetMdm.Api.Hosting;

/// <summary>What <see cref="WebApplication"/> would put before every endpoint by itself.</summary>
internal static class WholePipeline
{
    /// <summary>
    /// A web application that has authentication services runs authentication and authorization for each request, unless it finds these marks
    /// of its own. The admin side brings both, for its own requests; an iPad's must not pay for them, and not be touched by them.
    /// </summary>
    public static void LeaveAuthenticationToTheAdminSide(this WebApplication app)
    {
        var properties = ((IApplicationBuilder)app).Properties;
        properties["__AuthenticationMiddlewareSet"] = true;
        properties["__AuthorizationMiddlewareSet"] = true;
    }
}
