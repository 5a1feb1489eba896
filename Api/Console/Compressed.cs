using System.IO.Compression;
using Microsoft.AspNetCore.ResponseCompression;

namespace FleetMdm.Api.Console;

/// <summary>Endpoint metadata: its answer may travel compressed.</summary>
/// <remarks>Only what is the same for everybody. A page that shows a secret beside what its address says would give the secret away by its length (BREACH).</remarks>
internal sealed class Compressed
{
    public static readonly Compressed Instance = new();

    private Compressed()
    {
    }
}

internal static class Compression
{
    public static void AddCompression(this IServiceCollection services)
    {
        services.AddResponseCompression(options =>
        {
            options.EnableForHttps = true;
            options.MimeTypes = ["text/css", "text/javascript", "text/html"];
        });
        services.Configure<GzipCompressionProviderOptions>(options => options.Level = CompressionLevel.Optimal);
        services.Configure<BrotliCompressionProviderOptions>(options => options.Level = CompressionLevel.Optimal);
    }

    public static void UseCompression(this IApplicationBuilder app) =>
        app.UseWhen(context => context.GetEndpoint()?.Metadata.GetMetadata<Compressed>() is not null, compressed => compressed.UseResponseCompression());
}
