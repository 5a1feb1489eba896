using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>Apps: to install and to remove, and what a managed one is told and tells.</summary>
internal static class AppCommands
{
    private const long AssignedLicence = 1;

    /// <summary>Bytes: more is no manifest.</summary>
    private const int LargestManifest = 1 << 20;

    /// <summary>As many as it takes to see that there is an archive.</summary>
    private const int FirstBytes = 1024;

    // 1. What is meant: a number, a name or a manifest. 2. An app that is there is updated, taken over, or left alone. 3. A licence lets it install by
    // itself; without one it waits for a code.
    public static async Task<IPadReport> InstallAsync(CommandRun run, CancellationToken cancellation)
    {
        var (storeId, identifier, manifest) = (run.Command.Integer("iTunesStoreID"), run.Command.Text("Identifier"), run.Command.Text("ManifestURL"));
        if ((storeId is null ? 0 : 1) + (identifier is null ? 0 : 1) + (manifest is null ? 0 : 1) != 1)
            return run.FormatError();
        var (app, error) = manifest is not null
            ? await FetchAsync(run, manifest, cancellation)
            : storeId is <= 0 || identifier is ""
            ? (null, AppleErrors.BadStoreId)
            : (storeId is { } number ? AppShelf.FromStore(number) : AppShelf.FromStore(identifier!), null);
        if (app is null)
            return Rejected(run, error!, identifier, manifest is null ? "CouldNotVerifyAppID" : "Other");
        lock (run.IPad.StateLock)
            return Install(run, app);
    }

    private static IPadReport Install(CommandRun run, App app)
    {
        var (shelf, command, now) = (run.IPad.State.Apps, run.Command, Now(run));
        var known = shelf.Find(app.Identifier);
        if (known is { State: AppState.UserInstalled } && command.Text("ChangeManagementState") != "Managed")
            return Rejected(run, AppleErrors.AppInstalled(app.Identifier), app.Identifier, "AppAlreadyInstalled");
        if (known?.IsInstalling(now) == true)
            return Rejected(run, AppleErrors.AppInstalled(app.Identifier), app.Identifier, "AppAlreadyQueued");
        // Its licence is looked for at Apple at that moment, whatever it had before.
        if (app.StoreId is { } storeId && command.Dict("Options")?.Integer("PurchaseMethod") == AssignedLicence
            && run.IPad.Fleet.Options.AppsAndBooks is { } apple && !apple.HasLicence(storeId, run.IPad.Description.SerialNumber))
            return run.Error([AppleErrors.NoLicence(app.Identifier)], ("Identifier", app.Identifier));
        var licensed = app.StoreId is null || command.Dict("Options")?.Integer("PurchaseMethod") == AssignedLicence;
        app.State = licensed || known is { IsThere: true } ? AppState.Managed : AppState.NeedsRedemption;
        app.ReadyAt = known is { IsThere: true } ? now : now + run.IPad.Fleet.Options.DownloadTime;
        app.OwnLicence = app.StoreId is not null && licensed;
        app.IsValidated = app.StoreId is not null;
        app.ManagementFlags = command.Integer("ManagementFlags") ?? 0;
        app.Configuration = command.Dict("Configuration") ?? known?.Configuration;
        app.Attributes = command.Dict("Attributes") ?? known?.Attributes;
        app.Feedback = known?.Feedback;
        shelf.Put(app);
        return run.Acknowledged(("Identifier", app.Identifier), ("State", app.Status(now)));
    }

    public static IPadReport ApplyRedemptionCode(CommandRun run)
    {
        if (run.Command.Text("Identifier") is not { Length: > 0 } identifier || run.Command.Text("RedemptionCode") is not { } code)
            return run.FormatError();
        if (run.IPad.State.Apps.Find(identifier) is not { State: AppState.NeedsRedemption } app)
            return run.Error(AppleErrors.NotWaiting(identifier));
        if (code.Length == 0)
            return run.Error(AppleErrors.BadCode);
        (app.State, app.ReadyAt) = (AppState.Managed, Now(run) + run.IPad.Fleet.Options.DownloadTime);
        return run.Acknowledged();
    }

    public static IPadReport Remove(CommandRun run)
    {
        if (run.Command.Text("Identifier") is not { Length: > 0 } identifier)
            return run.FormatError();
        if (run.IPad.State.Apps.Find(identifier) is not { IsManaged: true })
            return run.Error(AppleErrors.NotManagedApp(identifier));
        run.IPad.State.Apps.Remove(identifier);
        return run.Acknowledged();
    }

    public static IPadReport Installed(CommandRun run)
    {
        var now = Now(run);
        var wanted = run.Command.Array("Identifiers")?.OfType<string>().ToHashSet(StringComparer.Ordinal);
        var items = run.Command.Array("Items")?.OfType<string>().ToHashSet(StringComparer.Ordinal);
        return run.Acknowledged(("InstalledApplicationList", run.IPad.State.Apps.All
            .Where(app => app.IsThere && (wanted is not { Count: > 0 } || wanted.Contains(app.Identifier)) && (app.IsManaged || run.Command.Flag("ManagedAppsOnly") != true))
            .Select(app => (object)Entry(app, items, now)).ToList()));
    }

    private static PlistDict Entry(App app, HashSet<string>? items, DateTimeOffset now)
    {
        var entry = new PlistDict();
        foreach (var (key, value) in (ReadOnlySpan<(string, object?)>)
        [
            ("Identifier", app.Identifier), ("Name", app.Name), ("Version", app.Version), ("ShortVersion", app.Version),
            ("BundleSize", app.BundleSize), ("DynamicSize", 8192), ("Installing", app.IsInstalling(now)), ("IsValidated", app.IsValidated),
            ("AppStoreVendable", app.StoreId is not null), ("DeviceBasedVPP", app.OwnLicence), ("BetaApp", false), ("AdHocCodeSigned", false),
            ("HasUpdateAvailable", false), ("IsAppClip", false), ("ExternalVersionIdentifier", app.StoreId),
        ])
        {
            if (value is not null && items?.Contains(key) != false)
                entry[key] = value;
        }
        return entry;
    }

    public static IPadReport Managed(CommandRun run)
    {
        var now = Now(run);
        var list = new PlistDict();
        foreach (var app in Asked(run))
        {
            var entry = new PlistDict
            {
                ["Status"] = app.Status(now),
                ["ManagementFlags"] = app.ManagementFlags,
                ["HasConfiguration"] = app.Configuration is not null,
                ["HasFeedback"] = app.Feedback is not null,
                ["IsValidated"] = app.IsValidated,
            };
            if (app.StoreId is { } version)
                entry["ExternalVersionIdentifier"] = version;
            list[app.Identifier] = entry;
        }
        return run.Acknowledged(("ManagedApplicationList", list));
    }

    public static IPadReport Configuration(CommandRun run) => Told(run, "ApplicationConfigurations", "Configuration", app => app.Configuration);

    public static IPadReport Attributes(CommandRun run) => Told(run, "ApplicationAttributes", "Attributes", app => app.Attributes);

    public static IPadReport Feedback(CommandRun run)
    {
        var report = Told(run, "ManagedApplicationFeedback", "Feedback", app => app.Feedback);
        if (report.Status == "Acknowledged" && run.Command.Flag("DeleteFeedback") == true)
        {
            foreach (var app in Asked(run))
                app.Feedback = null;
        }
        return report;
    }

    /// <summary>The iPad asks Apple, which says yes.</summary>
    public static IPadReport Validate(CommandRun run)
    {
        foreach (var app in Asked(run))
            app.IsValidated = true;
        return run.Acknowledged();
    }

    /// <summary>One part of each managed app that was asked for and has it.</summary>
    private static IPadReport Told(CommandRun run, string list, string key, Func<App, PlistDict?> part)
    {
        if (run.Command.Array("Identifiers") is not { } identifiers || !identifiers.All(identifier => identifier is string))
            return run.FormatError();
        return run.Acknowledged((list, Asked(run).Where(app => part(app) is not null)
            .Select(app => (object)new PlistDict { ["Identifier"] = app.Identifier, [key] = part(app)! }).ToList()));
    }

    /// <summary>The managed apps that the command names; all, when it names none.</summary>
    private static List<App> Asked(CommandRun run)
    {
        var wanted = run.Command.Array("Identifiers")?.OfType<string>().ToHashSet(StringComparer.Ordinal);
        return [.. run.IPad.State.Apps.All.Where(app => app.IsManaged && (wanted is not { Count: > 0 } || wanted.Contains(app.Identifier)))];
    }

    /// <summary>An in-house app: its manifest, and the beginning of what it points to. Only the server's own are fetched: there is no other network here.</summary>
    private static async Task<(App?, AppleError?)> FetchAsync(CommandRun run, string address, CancellationToken cancellation)
    {
        if (!SmallCommands.IsHttps(address))
            return (null, AppleErrors.NotHttps);
        var http = run.IPad.Fleet.Http;
        var manifestUrl = new Uri(address);
        if (!IsServer(manifestUrl))
            return (null, AppleErrors.ManifestNotReached($"{manifestUrl.Host} is out of reach."));
        var answer = await http.GetStartAsync(manifestUrl, LargestManifest, cancellation);
        if (!answer.Success)
            return (null, AppleErrors.ManifestNotReached($"it was answered {answer}."));
        try
        {
            if (PlistReader.ReadDict(answer.Body).Array("items") is not { Count: > 0 } items)
                return (null, AppleErrors.BadManifest("The manifest has no items."));
            if (items.Count > 1)
                return (null, AppleErrors.ManyApps);
            if (items[0] is not PlistDict item || item.Dict("metadata") is not { } metadata || metadata.Text("bundle-identifier") is not { Length: > 0 } identifier
                || metadata.Text("bundle-version") is not { Length: > 0 } version
                || (item.Array("assets") ?? []).OfType<PlistDict>().FirstOrDefault(asset => asset.Text("kind") == "software-package")?.Text("url") is not { } package)
                return (null, AppleErrors.BadManifest("The manifest lacks a bundle-identifier, a bundle-version or a software-package."));
            if (!SmallCommands.IsHttps(package) || !IsServer(new Uri(package)))
                return (null, AppleErrors.ManifestNotReached("the app itself is out of reach."));
            var archive = await http.GetStartAsync(new Uri(package), FirstBytes, cancellation);
            // An .ipa is a ZIP archive.
            return archive is { Success: true, Body: [(byte)'P', (byte)'K', ..] }
                ? (new App(identifier, metadata.Text("title") ?? identifier, version), null)
                : (null, AppleErrors.BadManifest($"The app itself was answered {archive}, and is no archive."));
        }
        catch (PlistException e)
        {
            return (null, AppleErrors.BadManifest(e.Message));
        }

        bool IsServer(Uri url) => url.Authority == run.IPad.Profile?.ServerUrl.Authority;
    }

    private static IPadReport Rejected(CommandRun run, AppleError error, string? identifier, string reason) => identifier is null
        ? run.Error([error], ("RejectionReason", reason))
        : run.Error([error], ("Identifier", identifier), ("RejectionReason", reason));

    private static DateTimeOffset Now(CommandRun run) => run.IPad.Fleet.Options.Time.GetUtcNow();
}
