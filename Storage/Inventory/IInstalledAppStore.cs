namespace FleetMdm.Storage.Inventory;

/// <summary>The apps of the whole fleet: which there are, and on how many iPads. Counted from the lists of the iPads now and then, since counting
/// reads all of them; the number for one app can be had as it is now.</summary>
public interface IInstalledAppStore
{
    /// <summary>Counts all lists of enrolled iPads anew, in pieces that hold up nobody, and writes down what differs.</summary>
    /// <returns>How many apps there are.</returns>
    Task<int> CountAll(CancellationToken cancellationToken = default);

    /// <summary>The last count; null: there was none yet.</summary>
    Task<InstalledAppCount?> LastCount();

    /// <summary>Those on the most iPads first.</summary>
    /// <param name="text">A part of the name or the identifier, in whatever case; null: all.</param>
    /// <param name="after">The last one of the page before; null: from the start.</param>
    Task<IReadOnlyList<InstalledApp>> List(string? text, InstalledAppPlace? after, int limit);

    /// <summary>Apps of some enrolled iPads that these rights reach, to choose from: those on the most iPads first. Read from at most <see cref="MostSampled"/> iPads.</summary>
    Task<IReadOnlyList<(string Identifier, string? Name)>> Sample(Scope scope, int limit);

    const int MostSampled = 500;

    /// <summary>As it was counted last; null: no iPad had it.</summary>
    Task<InstalledApp?> Find(string identifier);

    /// <summary>On how many enrolled iPads it is by now.</summary>
    Task<long> CountNow(string identifier);
}

/// <param name="CountedAt">When the last count ended.</param>
/// <param name="Devices">How many iPads were looked at.</param>
/// <param name="Cut">There were more apps than are counted: those that were met last are missing.</param>
public sealed record InstalledAppCount(DateTimeOffset CountedAt, long Devices, bool Cut);

/// <summary>One app.</summary>
/// <param name="Identifier">Its bundle identifier.</param>
/// <param name="Name">As most iPads call it; null: none told one.</param>
/// <param name="Devices">On so many enrolled iPads.</param>
/// <param name="Versions">Those on the most iPads first, <see cref="MostVersions"/> at most.</param>
public sealed record InstalledApp(string Identifier, string? Name, long Devices, IReadOnlyList<InstalledAppVersion> Versions)
{
    public const int MostVersions = 20;
}

/// <param name="Version">Null: the iPads did not tell.</param>
/// <param name="Devices">On so many iPads.</param>
public sealed record InstalledAppVersion(string? Version, long Devices);

/// <summary>Where a page ended.</summary>
public sealed record InstalledAppPlace(long Devices, string Identifier);
