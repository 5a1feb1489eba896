using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>Whether an app is managed, and how far it is.</summary>
internal enum AppState
{
    /// <summary>A person installed it.</summary>
    UserInstalled,
    /// <summary>It waits for a code that pays for it.</summary>
    NeedsRedemption,
    /// <summary>Managed: it is downloaded, or there.</summary>
    Managed,
    /// <summary>Managed, and a person deleted it.</summary>
    Deleted,
}

/// <summary>An app on an iPad.</summary>
internal sealed class App(string identifier, string name, string version)
{
    public string Identifier => identifier;
    public string Name => name;
    public string Version => version;
    public AppState State { get; set; }

    /// <summary>Null: an in-house app.</summary>
    public long? StoreId { get; init; }
    public long BundleSize { get; init; } = 412_000_000;

    /// <summary>When its download is or will be complete.</summary>
    public DateTimeOffset ReadyAt { get; set; }

    /// <summary>1: it goes with the management profile.</summary>
    public long ManagementFlags { get; set; }
    public bool OwnLicence { get; set; }
    public PlistDict? Configuration { get; set; }
    public PlistDict? Attributes { get; set; }
    public PlistDict? Feedback { get; set; }

    public bool IsManaged => State != AppState.UserInstalled;

    /// <summary>As long as it has not run, an in-house app is not validated.</summary>
    public bool IsValidated { get; set; } = true;

    public bool IsInstalling(DateTimeOffset now) => State == AppState.Managed && ReadyAt > now;

    /// <summary>It is there, or is being downloaded.</summary>
    public bool IsThere => State is AppState.UserInstalled or AppState.Managed;

    /// <summary>As ManagedApplicationList has it.</summary>
    public string Status(DateTimeOffset now) => State switch
    {
        AppState.NeedsRedemption => "NeedsRedemption",
        AppState.Deleted => "ManagedButUninstalled",
        AppState.UserInstalled => "UserInstalledApp",
        _ => IsInstalling(now) ? "Installing" : "Managed",
    };
}

/// <summary>The apps of one iPad, by bundle identifier. A new iPad has two that a person may have put there.</summary>
internal sealed class AppShelf
{
    private const long RemoveWithManagement = 1;

    /// <summary>Apps that schools have, with their numbers in the App Store.</summary>
    private static readonly Dictionary<long, (string Identifier, string Name)> Known = new()
    {
        [361309726] = ("com.apple.Pages", "Pages"),
        [361285480] = ("com.apple.Keynote", "Keynote"),
        [361304891] = ("com.apple.Numbers", "Numbers"),
        [408709785] = ("com.apple.mobilegarageband", "GarageBand"),
        [377298193] = ("com.apple.iMovie", "iMovie"),
        [1091189122] = ("com.apple.classroom", "Classroom"),
    };

    private readonly SortedDictionary<string, App> _apps = new(StringComparer.Ordinal);
    private HashSet<string>? _kept;

    public AppShelf()
    {
        Put(FromStore(361309726));
        Put(FromStore(361285480));
    }

    public IEnumerable<App> All => _apps.Values;

    public App? Find(string identifier) => _apps.GetValueOrDefault(identifier);

    public void Put(App app) => _apps[app.Identifier] = app;

    public void Remove(string identifier) => _apps.Remove(identifier);

    public static App FromStore(long storeId)
    {
        var (identifier, name) = Known.GetValueOrDefault(storeId, ($"com.example.store{storeId}", $"App {storeId}"));
        return new App(identifier, name, "14.3") { StoreId = storeId };
    }

    /// <summary>An app by its name, which the App Store knows.</summary>
    public static App FromStore(string identifier) => Known.FirstOrDefault(known => known.Value.Identifier == identifier) is { Key: not 0 and var storeId }
        ? FromStore(storeId)
        : new App(identifier, identifier[(identifier.LastIndexOf('.') + 1)..], "14.3") { StoreId = 1_000_000_000 + identifier.Aggregate(0u, static (hash, letter) => hash * 31 + letter) % 1_000_000 };

    /// <summary>The iPad moves to another management service: its managed apps stay until that has said which it wants.</summary>
    public void Keep() => _kept = [.. _apps.Values.Where(app => app is { IsManaged: true, IsThere: true }).Select(app => app.Identifier)];

    /// <summary>The move is over: those that the new service has not installed go.</summary>
    public void KeptGo()
    {
        foreach (var identifier in _kept ?? [])
        {
            if (_apps.GetValueOrDefault(identifier) is not { State: AppState.Managed }) _apps.Remove(identifier);
        }

        _kept = null;
    }

    /// <summary>The management profile is gone: some go with it, the others are their person's from now on.</summary>
    public void ManagementEnded()
    {
        foreach (var app in _apps.Values.Where(app => app.IsManaged).ToList())
        {
            if (_kept?.Contains(app.Identifier) == true)
                (app.State, app.Configuration, app.Attributes, app.Feedback) = (AppState.UserInstalled, null, null, null);
            else if (!app.IsThere || (app.ManagementFlags & RemoveWithManagement) != 0)
                _apps.Remove(app.Identifier);
            else
                (app.State, app.Configuration, app.Attributes, app.Feedback) = (AppState.UserInstalled, null, null, null);
        }
    }
}
