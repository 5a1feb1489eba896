namespace FleetMdm.Api.Console;

/// <summary>The web pages for people: rendered here, without scripts.</summary>
internal static class ConsoleServices
{
    public const string StyleSheet = "/console/style.css";

    public static void AddConsole(this IServiceCollection services)
    {
        services.AddRazorComponents();
    }

    public static void MapConsole(this RouteGroupBuilder admin)
    {
        var style = Read("style.css");
        admin.MapGet(StyleSheet, (HttpContext context) =>
        {
            context.Response.Headers.CacheControl = "public, max-age=300";
            return TypedResults.Bytes(style, "text/css; charset=utf-8");
        }).ExcludeFromDescription();
    }

    private static byte[] Read(string name)
    {
        using var stream = typeof(ConsoleServices).Assembly.GetManifestResourceStream($"FleetMdm.Api.Console.{name}")
            ?? throw new InvalidOperationException($"The page file {name} is missing from the build.");
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
