using System.Collections.Frozen;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>
/// The items of the Settings command. Each succeeds or fails alone, and says so. What they change, DeviceInformation tells afterwards.
/// <see href="https://developer.apple.com/documentation/devicemanagement/settings-command"/>
/// </summary>
internal static class SettingsCommands
{
    private const long LockScreen = 1, HomeScreen = 2, BothScreens = 3;

    /// <summary>When an item is for an iPad.</summary>
    /// <param name="Change">Null: done.</param>
    private sealed record Item(Func<VirtualIPad, PlistDict, AppleError?> Change)
    {
        public bool Supervised { get; init; }
        public OnShared Shared { get; init; }
        public bool Cellular { get; init; }
        public int Until { get; init; } = int.MaxValue;
    }

    private static readonly FrozenDictionary<string, Item> Items = new Dictionary<string, Item>
    {
        ["Wallpaper"] = new(Wallpaper) { Supervised = true },
        ["DataRoaming"] = new(Flag("Enabled", "DataRoamingEnabled")) { Cellular = true },
        ["VoiceRoaming"] = new(Flag("Enabled", "VoiceRoamingEnabled")) { Cellular = true },
        ["PersonalHotspot"] = new(Flag("Enabled", "PersonalHotspotEnabled")) { Cellular = true },
        ["Bluetooth"] = new(Bluetooth) { Supervised = true },
        ["ApplicationConfiguration"] = new((ipad, item) => App(ipad, item, app => app.Configuration = item.Dict("Configuration"))),
        ["ApplicationAttributes"] = new((ipad, item) => App(ipad, item, app => app.Attributes = item.Dict("Attributes"))),
        ["DeviceName"] = new(Name) { Supervised = true },
        ["OrganizationInfo"] = new(OrganizationInfo),
        ["DefaultApplications"] = new(static (_, _) => null) { Shared = OnShared.Never },
        ["MDMOptions"] = new(Dictionary("MDMOptions", "MDMOptions")),
        ["MaximumResidentUsers"] = new(MaximumUsers) { Shared = OnShared.Only },
        ["SharedDeviceConfiguration"] = new(SharedDevice) { Shared = OnShared.Only },
        ["DiagnosticSubmission"] = new(Flag("Enabled", "DiagnosticSubmissionEnabled")) { Shared = OnShared.Only },
        ["AppAnalytics"] = new(Flag("Enabled", "AppAnalyticsEnabled")) { Shared = OnShared.Only },
        ["PasscodeLockGracePeriod"] = new(Value<long>("PasscodeLockGracePeriod", "PasscodeLockGracePeriod")) { Shared = OnShared.Only },
        ["TimeZone"] = new(TimeZone) { Supervised = true },
        ["SoftwareUpdateSettings"] = new(UpdateSettings) { Supervised = true, Until = 27 },
        ["AccessibilitySettings"] = new(Accessibility) { Supervised = true },
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static IPadReport Change(CommandRun run)
    {
        if (run.Command.Array("Settings") is not { } items || !items.All(item => item is PlistDict))
            return run.FormatError();
        return run.Acknowledged(("Settings", items.Cast<PlistDict>().Select(item => Change(run.IPad, item)).ToList<object>()));
    }

    private static PlistDict Change(VirtualIPad ipad, PlistDict asked)
    {
        var name = asked.Text("Item") ?? "";
        var error = Items.GetValueOrDefault(name) switch
        {
            { Supervised: true } when !ipad.Description.Supervised => AppleErrors.ItemNeedsSupervision,
            { } item when ipad.MajorVersion < item.Until && (!item.Cellular || ipad.Description.Cellular)
                && item.Shared != (ipad.Description.Shared ? OnShared.Never : OnShared.Only) => item.Change(ipad, asked),
            _ => AppleErrors.UnknownItem(name),
        };
        var answer = new PlistDict { ["Item"] = name, ["Status"] = error is null ? "Acknowledged" : "Error" };
        if (asked.Text("Identifier") is { } identifier)
            answer["Identifier"] = identifier;
        if (error is not null)
            answer["ErrorChain"] = AppleErrors.Chain([error]);
        return answer;
    }

    private static AppleError? Wallpaper(VirtualIPad ipad, PlistDict item)
    {
        if (item.Data("Image") is not ([0x89, (byte)'P', (byte)'N', (byte)'G', ..] or [0xff, 0xd8, 0xff, ..]) || item.Integer("Where") is not (>= LockScreen and <= BothScreens and var where))
            return AppleErrors.BadWallpaper;
        var image = item.Data("Image");
        if (where is LockScreen or BothScreens)
            ipad.State.LockWallpaper = image;
        if (where is HomeScreen or BothScreens)
            ipad.State.HomeWallpaper = image;
        return null;
    }

    private static AppleError? Bluetooth(VirtualIPad ipad, PlistDict item)
    {
        if (item.Flag("Enabled") is not { } on)
            return Missing(item);
        ipad.State.BluetoothOff = !on;
        return null;
    }

    private static AppleError? Name(VirtualIPad ipad, PlistDict item)
    {
        if (item.Text("DeviceName") is not { } name)
            return Missing(item);
        ipad.Name = name;
        return null;
    }

    private static AppleError? App(VirtualIPad ipad, PlistDict item, Action<App> change)
    {
        if (item.Text("Identifier") is not { } identifier)
            return Missing(item);
        if (ipad.State.Apps.Find(identifier) is not { IsManaged: true } app)
            return AppleErrors.NotManagedApp(identifier);
        change(app);
        return null;
    }

    /// <summary>Without its dictionary it is taken away.</summary>
    private static AppleError? OrganizationInfo(VirtualIPad ipad, PlistDict item)
    {
        if (item.Dict("OrganizationInfo") is { } info)
            ipad.State.Facts["OrganizationInfo"] = info;
        else
            ipad.State.Facts.Remove("OrganizationInfo");
        return null;
    }

    /// <summary>Apple: only while the iPad waits in Setup Assistant.</summary>
    private static AppleError? MaximumUsers(VirtualIPad ipad, PlistDict item) =>
        ipad.AwaitsConfiguration ? Value<long>("MaximumResidentUsers", "MaximumResidentUsers")(ipad, item) : AppleErrors.QuotaTooLate;

    /// <summary>Quota or users, not both, and only as long as nobody is on it. A session ends after 30 seconds at the earliest. Nothing of an item that is wrong is taken.</summary>
    private static AppleError? SharedDevice(VirtualIPad ipad, PlistDict item)
    {
        var (quota, residents) = (item.ContainsKey("QuotaSize"), item.ContainsKey("ResidentUsers"));
        if ((quota && residents) || new[] { "QuotaSize", "ResidentUsers" }.Any(key => item.ContainsKey(key) && item.Integer(key) is not > 0)
            || new[] { "UserSessionTimeout", "TemporarySessionTimeout" }.Any(key => item.ContainsKey(key) && item.Integer(key) is not (0 or >= 30))
            || (item.Dict("PasscodePolicy")?.Integer("AutoLockTime") is < 120))
            return Missing(item);
        if ((quota || residents) && ipad.State.Users.Count > 0)
            return AppleErrors.QuotaTooLate;
        if (item.Dict("AwaitUserConfiguration")?.Flag("Enabled") is { } holds)
            ipad.State.HoldsUsers = holds;
        foreach (var (key, value) in item.Where(part => part.Key is not ("Item" or "AwaitUserConfiguration" or "PasscodePolicy")))
            ipad.State.Facts[key] = value;
        foreach (var (key, value) in item.Dict("PasscodePolicy") ?? [])
            ipad.State.Facts[key] = value;
        return null;
    }

    private static AppleError? TimeZone(VirtualIPad ipad, PlistDict item)
    {
        if (item.Text("TimeZone") is not { } zone || !TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _))
            return Missing(item);
        ipad.State.Facts["TimeZone"] = zone;
        return null;
    }

    private static AppleError? UpdateSettings(VirtualIPad ipad, PlistDict item)
    {
        if (item.Integer("RecommendationCadence") is not { } cadence)
            return Missing(item);
        ipad.State.Facts["SoftwareUpdateSettings"] = new PlistDict { ["RecommendationCadence"] = cadence };
        return null;
    }

    /// <summary>What is left out stays as it is.</summary>
    private static AppleError? Accessibility(VirtualIPad ipad, PlistDict item)
    {
        var all = ipad.State.Fact("AccessibilitySettings") as PlistDict ?? new PlistDict { ["TextSize"] = 4L };
        foreach (var (key, value) in item.Where(part => part.Key != "Item"))
            all[key] = value;
        ipad.State.Facts["AccessibilitySettings"] = all;
        return null;
    }

    private static Func<VirtualIPad, PlistDict, AppleError?> Flag(string key, string query) => Value<bool>(key, query);

    private static Func<VirtualIPad, PlistDict, AppleError?> Dictionary(string key, string query) => Value<PlistDict>(key, query);

    private static Func<VirtualIPad, PlistDict, AppleError?> Value<T>(string key, string query) where T : notnull => (ipad, item) =>
    {
        if (item.GetValueOrDefault(key) is not T value)
            return Missing(item);
        ipad.State.Facts[query] = value;
        return null;
    };

    /// <summary>A key that is missing or wrong. Apple names no code for it.</summary>
    private static AppleError Missing(PlistDict item) => AppleErrors.UnknownItem(item.Text("Item") ?? "");
}
