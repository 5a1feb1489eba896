using System.Globalization;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>A version of iPadOS.</summary>
internal sealed record Release(string Version, string Build)
{
    /// <summary>The newest of each year, as of the end of 2025.</summary>
    private static readonly Release[] Newest =
        [new("15.8.3", "19H386"), new("16.7.10", "20H350"), new("17.7.2", "21H221"), new("18.6.2", "22G100"), new("26.1", "23B85")];

    public string ProductKey => $"iPadOSUpdate{Build}";

    /// <summary>What an iPad with this version can be updated to; null: it has the newest of its year.</summary>
    public static Release? After(string version) => Newest.FirstOrDefault(release =>
        Major(release.Version) == Major(version) && System.Version.Parse(Long(release.Version)) > System.Version.Parse(Long(version)));

    public static int Major(string version) => int.Parse(version.AsSpan(0, version.IndexOf('.') is > 0 and var dot ? dot : version.Length), CultureInfo.InvariantCulture);

    private static string Long(string version) => version.Contains('.', StringComparison.Ordinal) ? version : version + ".0";
}

/// <summary>An update on its way.</summary>
/// <param name="DownloadedAt">When the download is or will be complete.</param>
internal sealed record PendingUpdate(Release Release, DateTimeOffset DownloadedAt)
{
    public bool Installing { get; init; }
}

/// <summary>Updates by command, for iPadOS before 27. <see href="https://developer.apple.com/documentation/devicemanagement/schedule-an-os-update"/></summary>
internal static class UpdateCommands
{
    private const long DownloadBytes = 1_800_000_000, InstalledBytes = 6_300_000_000;

    public static IPadReport Available(CommandRun run) => run.Acknowledged(("AvailableOSUpdates",
        Release.After(run.IPad.OsVersion) is not { } release
            ? new List<object>()
            :
            [
                new PlistDict
                {
                    ["ProductKey"] = release.ProductKey,
                    ["HumanReadableName"] = $"iPadOS {release.Version}",
                    ["HumanReadableNameLocale"] = "en",
                    ["ProductName"] = "iPadOS",
                    ["Version"] = release.Version,
                    ["Build"] = release.Build,
                    ["DownloadSize"] = DownloadBytes,
                    ["InstallSize"] = InstalledBytes,
                    ["IsCritical"] = false,
                    ["RestartRequired"] = true,
                    ["AllowsInstallLater"] = true,
                    ["IsSecurityResponse"] = false,
                },
            ]));

    public static IPadReport Status(CommandRun run)
    {
        if (run.IPad.Touched?.Update is not { } update)
            return run.Acknowledged(("OSUpdateStatus", new List<object>()));
        var downloaded = Downloaded(run, update);
        return run.Acknowledged(("OSUpdateStatus", new List<object>
        {
            new PlistDict
            {
                ["ProductKey"] = update.Release.ProductKey,
                ["IsDownloaded"] = downloaded,
                ["DownloadPercentComplete"] = downloaded ? 1.0 : 0.5,
                ["Status"] = update.Installing ? "Installing" : downloaded ? "Idle" : "Downloading",
            },
        }));
    }

    /// <summary>First a download, then, asked again, the installation and a restart.</summary>
    public static IPadReport Schedule(CommandRun run)
    {
        if (run.Command.Array("Updates") is not { Count: > 0 } updates || !updates.All(update => update is PlistDict asked && asked.Text("InstallAction") is not null))
            return run.FormatError();
        Action? afterwards = null;
        var results = updates.Cast<PlistDict>().Select(update => Schedule(run, update, ref afterwards)).ToList<object>();
        var report = run.Acknowledged(("UpdateResults", results));
        return afterwards is null ? report : report with
        {
            Afterwards = _ =>
            {
                afterwards();
                return Task.CompletedTask;
            },
        };
    }

    private static PlistDict Schedule(CommandRun run, PlistDict asked, ref Action? afterwards)
    {
        var (ipad, state) = (run.IPad, run.IPad.State);
        var release = Release.After(ipad.OsVersion);
        if (release is null || (asked.Text("ProductKey") is { } key && key != release.ProductKey)
            || (asked.Text("ProductVersion") is { } version && version != release.Version))
            return Result(asked.Text("ProductKey") ?? "", "Error", "Idle", AppleErrors.NoUpdate);
        var downloaded = state.Update is { } known && Downloaded(run, known);
        if (asked.Text("InstallAction") == "InstallASAP" && !downloaded)
            return Result(release.ProductKey, "Error", "Idle", AppleErrors.NotDownloaded);
        if (!downloaded || asked.Text("InstallAction") == "DownloadOnly")
        {
            state.Update ??= new PendingUpdate(release, ipad.Fleet.Options.Time.GetUtcNow() + ipad.Fleet.Options.DownloadTime);
            return Result(release.ProductKey, "DownloadOnly", Downloaded(run, state.Update) ? "Idle" : "Downloading");
        }
        state.Update = state.Update! with { Installing = true };
        afterwards = () => ipad.UpdateTo(release);
        return Result(release.ProductKey, "InstallASAP", "Installing");
    }

    private static bool Downloaded(CommandRun run, PendingUpdate update) => update.DownloadedAt <= run.IPad.Fleet.Options.Time.GetUtcNow();

    private static PlistDict Result(string productKey, string action, string status, AppleError? error = null)
    {
        var result = new PlistDict { ["ProductKey"] = productKey, ["InstallAction"] = action, ["Status"] = status };
        if (error is not null)
            result["ErrorChain"] = AppleErrors.Chain([error]);
        return result;
    }
}
