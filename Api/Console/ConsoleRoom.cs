using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Console;

/// <summary>What all pages share: the frame, tables, filters, forms, the style, the keys; the overview; the REST interface to read. Pages are rendered here.
/// They work without script, in every browser, and read well aloud.</summary>
/// <remarks>Owns <c>/</c>, <c>/docs</c>, <c>/theme</c> and <c>/console/</c>. A room adds its place in the navigation by <see cref="ConsoleEntry"/>, and what the
/// overview says of it by <see cref="IAttention"/>.</remarks>
internal static class ConsoleRoom
{
    private const string Forever = "public, max-age=31536000, immutable";

    public static void AddConsole(this IServiceCollection services)
    {
        services.AddRazorComponents();
        services.AddCompression();
        services.AddSingleton(new ConsoleEntry(0, "/", "Overview", "M3 9.5 10 4l7 5.5M5 8.5V16h10V8.5", 'o'));
        services.AddSingleton(new ConsoleEntry(90, "/docs", "API", "M7 6l-4 4 4 4M13 6l4 4-4 4", 'd'));
        services.AddSingleton(new ConsoleEntry(95, "/orleans/", "Cluster", "M4 4h12v5H4ZM4 11h12v5H4ZM7 6.5h.01M7 13.5h.01", 'c', Rights.ClusterRead));
    }

    public static void MapConsole(this AdminRoutes routes)
    {
        foreach (var asset in new[] { ConsoleAssets.Style, ConsoleAssets.Script })
        {
            routes.Open.MapGet($"/console/{asset.Name}", (HttpContext context) =>
            {
                // While nodes of two versions serve, one may be asked for the other's file: nobody keeps that.
                context.Response.Headers.CacheControl = context.Request.Query["v"] == asset.Version ? Forever : "no-store";
                return TypedResults.Bytes(asset.Content, asset.ContentType);
            }).ExcludeFromDescription().WithMetadata(Compressed.Instance);
        }

        routes.Open.MapGet("/docs", (Delegate)HomePages.Docs).ExcludeFromDescription().WithMetadata(ContentPolicy.Page, Compressed.Instance);
        // Changes a cookie of this browser, and nothing here: there is nothing to record.
        routes.Open.MapPost(Theme.Path, (Delegate)Theme.Choose).ExcludeFromDescription().WithMetadata(ContentPolicy.Page);
        routes.Pages.MapGet("/", HomePages.ShowHome).ForEverybodySignedIn("It shows what the reader may see.");
    }
}
