using FleetMdm.Api.Admin;
using FleetMdm.Api.Auth;

namespace FleetMdm.Api.Console;

/// <summary>The web pages for people: rendered here, without scripts, so they work in every browser and read well aloud.</summary>
internal static class ConsoleServices
{
    public const string StyleSheet = "/console/style.css";

    public static void AddConsole(this IServiceCollection services) => services.AddRazorComponents();

    public static void MapConsole(this RouteGroupBuilder admin)
    {
        var style = Read("style.css");
        admin.MapGet(StyleSheet, (HttpContext context) =>
        {
            context.Response.Headers.CacheControl = "public, max-age=300";
            return TypedResults.Bytes(style, "text/css; charset=utf-8");
        }).ExcludeFromDescription();

        admin.MapGet("/docs", (Delegate)ConsolePages.Docs).ExcludeFromDescription().WithMetadata(ContentPolicy.Page);

        var pages = admin.MapGroup("").ExcludeFromDescription().WithMetadata(ContentPolicy.Page)
            .RequireAuthorization(FleetPolicies.ReadOrAdminister);
        pages.MapGet("/", ConsolePages.ShowHome);
        pages.MapGet("/ipads", ConsolePages.Devices);
        pages.MapGet("/ipads/{id}", ConsolePages.ShowDevice);
        pages.MapGet("/invitations", ConsolePages.Invitations);
        pages.MapGet("/invitations/{id}", ConsolePages.Invitation);
        pages.MapPost("/push-certificate", PushCertificateForm.Install);
        pages.MapPost("/invitations", ConsoleForms.CreateInvitation);
        pages.MapPost("/invitations/{id}/revoke", ConsoleForms.RevokeInvitation);
        pages.MapPost("/ipads/{id}/push", ConsoleForms.Push);
        pages.MapPost("/ipads/{id}/query", ConsoleForms.Query);
        pages.MapPost("/ipads/{id}/lock", ConsoleForms.Lock);
        pages.MapPost("/ipads/{id}/commands/{uuid}/cancel", ConsoleForms.Cancel);
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
