namespace FleetMdm.Api;

/// <summary>Where a room of the admin side maps itself.</summary>
/// <param name="Api">REST, below <c>/api/v1</c>: needs a token or a session, and the right that each endpoint names.</param>
/// <param name="Pages">The console's pages and forms: they need the same.</param>
/// <param name="Open">What is served to everybody: the sign-in, the style, the description of REST.</param>
internal sealed record AdminRoutes(RouteGroupBuilder Api, RouteGroupBuilder Pages, RouteGroupBuilder Open);
