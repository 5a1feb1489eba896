using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>
/// What an iPad has on it beside its enrolment and its profiles. Each part is made when it is first touched, so that an iPad that only polls has none.
/// An erase forgets it. Guarded by <see cref="VirtualIPad.StateLock"/>.
/// </summary>
internal sealed class IPadState
{
    private AppShelf? _apps;
    private List<Book>? _books;
    private Dictionary<string, ProvisioningProfile>? _provisioning;
    private Dictionary<string, SharedUser>? _users;
    private PlistDict? _facts;

    /// <summary>Null: it is not lost.</summary>
    public LostMode? Lost { get; set; }

    /// <summary>The update that is downloaded or installed now.</summary>
    public PendingUpdate? Update { get; set; }

    /// <summary>Deleted on this iPad; there is no other until it is erased.</summary>
    public bool BypassCodeCleared { get; set; }

    /// <summary>The iPadOS that came by an update.</summary>
    public Release? Updated { get; set; }

    /// <summary>The pictures behind the lock screen and the Home Screen.</summary>
    public byte[]? LockWallpaper { get; set; }
    public byte[]? HomeWallpaper { get; set; }
    public bool BluetoothOff { get; set; }

    /// <summary>Of a Shared iPad: each login is held until UserConfigured comes.</summary>
    public bool HoldsUsers { get; set; }

    public AppShelf Apps => _apps ??= new AppShelf();
    public List<Book> Books => _books ??= [];
    public Dictionary<string, ProvisioningProfile> Provisioning => _provisioning ??= new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Users of a Shared iPad that have data on it, by their Managed Apple Account.</summary>
    public Dictionary<string, SharedUser> Users => _users ??= new(StringComparer.Ordinal);

    /// <summary>What settings changed, by the query of DeviceInformation that tells it.</summary>
    public PlistDict Facts => _facts ??= [];

    public object? Fact(string query) => _facts?.GetValueOrDefault(query);

    public void KeptAppsGo() => _apps?.KeptGo();

    /// <summary>What the management installed goes with it.</summary>
    public void ManagementEnded()
    {
        _apps?.ManagementEnded();
        _books = null;
        _provisioning = null;
        Lost = null;
    }
}

/// <summary>What the lock screen of a lost iPad shows.</summary>
internal sealed record LostMode(string? Message, string? PhoneNumber, string? Footnote)
{
    public bool Sounding { get; set; }
}

/// <summary>Somebody with data on a Shared iPad.</summary>
internal sealed record SharedUser(long DataUsed)
{
    public bool HasDataToSync { get; set; }
    /// <summary>The profiles of the user's channel: they stay from one login to the next.</summary>
    public Dictionary<string, InstalledProfile> Profiles { get; } = new(StringComparer.Ordinal);
}
