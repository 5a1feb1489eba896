using FleetMdm.Api.Access;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Api.Inventory;

/// <summary>A page of the apps of all iPads.</summary>
public sealed record InstalledAppsView
{
    /// <summary>When they were last counted; null: they were not yet.</summary>
    public DateTimeOffset? CountedAt { get; init; }
    /// <summary>How many iPads were looked at.</summary>
    public long? Devices { get; init; }
    /// <summary>There are more apps than are counted.</summary>
    public required bool Cut { get; init; }
    public required IReadOnlyList<InstalledAppView> Items { get; init; }
    /// <summary>For the next page's <c>after</c>; null on the last page.</summary>
    public string? Next { get; init; }
}

/// <summary>An app, as it was counted.</summary>
public sealed record InstalledAppView
{
    /// <summary>Its bundle identifier.</summary>
    public required string Identifier { get; init; }
    /// <summary>As most iPads call it.</summary>
    public string? Name { get; init; }
    /// <summary>On so many enrolled iPads.</summary>
    public required long Devices { get; init; }
    /// <summary>Those on the most iPads first, 20 at most.</summary>
    public required IReadOnlyList<InstalledAppVersionView> Versions { get; init; }

    internal static InstalledAppView Of(InstalledApp app) =>
        new() { Identifier = app.Identifier, Name = app.Name, Devices = app.Devices, Versions = VersionsOf(app) };

    internal static IReadOnlyList<InstalledAppVersionView> VersionsOf(InstalledApp? app) =>
        app is null ? [] : [.. app.Versions.Select(version => new InstalledAppVersionView { Version = version.Version, Devices = version.Devices })];
}

/// <summary>A version of an app.</summary>
public sealed record InstalledAppVersionView
{
    /// <summary>Null: the iPads did not tell.</summary>
    public string? Version { get; init; }
    public required long Devices { get; init; }
}

/// <summary>An app, as it is now.</summary>
public sealed record InstalledAppDetailView
{
    /// <summary>Its bundle identifier.</summary>
    public required string Identifier { get; init; }
    /// <summary>As most iPads call it.</summary>
    public string? Name { get; init; }
    /// <summary>On so many enrolled iPads, now.</summary>
    public required long Devices { get; init; }
    /// <summary>When the versions were counted; null: not since the first iPad had it.</summary>
    public DateTimeOffset? CountedAt { get; init; }
    /// <summary>Those on the most iPads first, 20 at most.</summary>
    public required IReadOnlyList<InstalledAppVersionView> Versions { get; init; }
}

/// <summary>What the page shows.</summary>
public sealed record InstalledAppsPageView(FleetUser User, InstalledAppsView Apps, string? Q, bool IsLaterPage);
