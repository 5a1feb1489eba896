using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Console;

/// <summary>What all pages share: the frame, the style, the overview, the REST interface to read. Pages are rendered here, without
/// scripts, so they work in every browser and read well aloud.</summary>
/// <remarks>Owns <c>/</c> and <c>/docs</c>. The pages of a room are mapped by the room.</remarks>
internal static class ConsoleRoom
{
    public const string StyleSheet = "/console/style.css";

    public static void AddConsole(this IServiceCollection services) => services.AddRazorComponents();

    public static void MapConsole(this AdminRoutes routes)
    {
        var style = Read("style.css");
        routes.Open.MapGet(StyleSheet, (HttpContext context) =>
        {
            context.Response.Headers.CacheControl = "public, max-age=300";
            return TypedResults.Bytes(style, "text/css; charset=utf-8");
        }).ExcludeFromDescription();

        routes.Open.MapGet("/docs", (Delegate)HomePages.Docs).ExcludeFromDescription().WithMetadata(ContentPolicy.Page);
        routes.Pages.MapGet("/", HomePages.ShowHome);
    }

    private static byte[] Read(string name)
    {
        using var stream = typeof(ConsoleRoom).Assembly.GetManifestResourceStream($"FleetMdm.Api.Console.{name}")
            ?? throw new InvalidOperationException($"The page file {name} is missing from the build.");
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
