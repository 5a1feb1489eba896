using System.Security.Cryptography;

namespace FleetMdm.Api.Console;

/// <summary>A file that pages load: embedded in the build, and named by its content, so that a browser keeps it until it changes.</summary>
internal sealed record ConsoleAsset(string Name, string ContentType, byte[] Content)
{
    private const int HashLength = 12;

    /// <summary>The hash of its content: an upgrade has another one.</summary>
    public string Version { get; } = Convert.ToHexStringLower(SHA256.HashData(Content))[..HashLength];

    public string Path => $"/console/{Name}?v={Version}";
}

internal static class ConsoleAssets
{
    public static readonly ConsoleAsset Style = Read("style.css", "text/css; charset=utf-8");

    /// <summary>Our own, and all that there is: a page works without it.</summary>
    public static readonly ConsoleAsset Script = Read("console.js", "text/javascript; charset=utf-8");

    private static ConsoleAsset Read(string name, string contentType)
    {
        using var stream = typeof(ConsoleAssets).Assembly.GetManifestResourceStream($"FleetMdm.Api.Console.{name}")
            ?? throw new InvalidOperationException($"The page file {name} is missing from the build.");
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return new ConsoleAsset(name, contentType, bytes.ToArray());
    }
}
