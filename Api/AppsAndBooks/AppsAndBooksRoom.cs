using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.Limits;
using FleetMdm.Api.SetUp;

namespace FleetMdm.Api.AppsAndBooks;

/// <summary>Apps and Books: the locations of Apple School Manager that this server speaks for, what they own, and who has a licence of it.</summary>
/// <remarks>Owns <c>/api/v1/apps-and-books</c> and <c>/apps-and-books</c>, and for Apple <c>/mdm/apps-and-books/{place}</c> (<see cref="ContentNotificationEndpoint"/>). The tables are
/// <c>content_*</c>; the grain of a location alone talks to Apple. Only for the whole district, and with the rights of server tokens. To assign an app is the work of Assignments.</remarks>
internal static class AppsAndBooksRoom
{
    public static void AddAppsAndBooks(this IServiceCollection services)
    {
        services.AddSingleton<ContentLocationService>();
        services.AddSingleton<ContentNotificationEndpoint>();
        services.AddSingleton<IAttention, ContentAttention>();
        services.AddSingleton<ISetUp, ContentSetUp>();
        services.AddSingleton(new ConsoleEntry(38, "/apps-and-books", "Apps and Books", "M4 5h5c1 0 1 1 1 1v9s0-1-1-1H4ZM16 5h-5c-1 0-1 1-1 1v9s0-1 1-1h5Z", 'v', Rights.AutomatedRead, ForSchools: false));
    }

    public static void MapAppsAndBooks(this AdminRoutes routes)
    {
        ContentEndpoints.MapRest(routes.Api);
        ContentPages.MapPages(routes.Pages);
    }

    /// <summary>What Apple calls.</summary>
    public static void MapContentNotifications(this IEndpointRouteBuilder device) =>
        device.MapPost($"{ContentNotificationEndpoint.Path}/{{place}}", (string place, HttpContext context, ContentNotificationEndpoint endpoint) => endpoint.Handle(place, context))
            .AllowAnonymous().ExcludeFromDescription().RequireEnrolmentAdmission();
}
