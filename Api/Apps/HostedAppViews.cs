using System.Text.Json.Serialization;
using FleetMdm.Storage.Apps;

namespace FleetMdm.Api.Apps;

/// <summary>An in-house app that is hosted here.</summary>
public sealed record HostedAppView
{
    public required string Id { get; init; }
    public required string BundleId { get; init; }
    public required string Name { get; init; }
    /// <summary>CFBundleVersion.</summary>
    public required string Version { get; init; }
    /// <summary>The version that people see.</summary>
    public string? ShortVersion { get; init; }
    /// <summary>The least iPadOS.</summary>
    public string? MinimumOs { get; init; }
    /// <summary>Bytes.</summary>
    public required long Size { get; init; }
    /// <summary>Of the whole file, in hexadecimal.</summary>
    public required string Sha256 { get; init; }
    public required DateTimeOffset UploadedAt { get; init; }
    public required string UploadedBy { get; init; }
    /// <summary>For <c>manifestURL</c> of InstallApplication. Whoever has it can download the app; only for those who may see secrets.</summary>
    public string? ManifestUrl { get; init; }

    internal static HostedAppView Of(HostedApp app, Uri? manifest) => new()
    {
        Id = app.Id,
        BundleId = app.BundleId,
        Name = app.Name,
        Version = app.Version,
        ShortVersion = app.ShortVersion,
        MinimumOs = app.MinimumOs,
        Size = app.Size,
        Sha256 = Convert.ToHexStringLower(app.Sha256),
        UploadedAt = app.UploadedAt,
        UploadedBy = app.UploadedBy,
        ManifestUrl = manifest?.AbsoluteUri,
    };

    [JsonIgnore]
    internal string Shown => ShortVersion is null || ShortVersion == Version ? Version : $"{ShortVersion} ({Version})";
}
