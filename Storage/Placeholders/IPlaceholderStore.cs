using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Placeholders;

/// <summary>iPads that are known by their serial number before they enrol: what they get the moment they do.</summary>
public interface IPlaceholderStore
{
    /// <summary>For an iPad that enrols.</summary>
    Task<Placeholder?> Find(string serialNumber);

    /// <summary>For a person, with what has become of it.</summary>
    Task<PlaceholderStanding?> Standing(Scope scope, string serialNumber);

    /// <summary>In the order of the serial numbers, after the given one.</summary>
    /// <param name="scope">What the reader's rights cover.</param>
    /// <param name="after">The last of the page before.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="enrolled">true: only those whose iPad is enrolled; false: only those that wait; null: all.</param>
    Task<IReadOnlyList<PlaceholderStanding>> List(Scope scope, string? after, int limit, bool? enrolled);

    /// <summary>Writes these, in one transaction. What stands already is changed where it differs.</summary>
    Task<PlaceholdersWritten> Write(Scope scope, PlaceholderWrite write);

    /// <summary>The iPad with this serial number is for this person from when it enrols: they have signed in on it. Who signed in on it before and did not enrol it gets it no more.
    /// Nothing changes where they have it already.</summary>
    Task<MeantForOutcome> MeanFor(string serialNumber, string personId, DateTimeOffset at, AuditRecord? audit);

    /// <summary>Who signed in on the iPad before and did not enrol it gets it no more: it is set up for nobody.</summary>
    Task MeanForNobody(string serialNumber, AuditRecord? audit);

    /// <summary>False: there was none.</summary>
    Task<bool> Remove(Scope scope, string serialNumber, AuditRecord? audit);

    /// <summary>Serial numbers that more than one iPad says is its own, after the given one.</summary>
    Task<IReadOnlyList<SharedSerial>> Shared(string? after, int limit);

    /// <summary>The other iPads that say this serial number. At most ten.</summary>
    Task<IReadOnlyList<string>> OthersWith(string serialNumber, string deviceId);
}

/// <summary>What is known of an iPad before it enrols.</summary>
public sealed record Placeholder
{
    /// <summary>In upper case.</summary>
    public required string SerialNumber { get; init; }
    public string? Name { get; init; }
    public string? School { get; init; }
    public string? AssetTag { get; init; }
    /// <summary>Who gets it when it enrols. Read by <see cref="IPlaceholderStore.Find"/> alone; an import of iPads and a sign-in in Setup Assistant write it.</summary>
    public string? PersonId { get; init; }
    /// <summary>Who said so; null: an import of a version before this was kept.</summary>
    public PersonBy? PersonBy { get; init; }
    /// <summary>When they signed in; null: an import said so.</summary>
    public DateTimeOffset? PersonAt { get; init; }
    /// <summary>The school of who signed in: an iPad that has none gets it.</summary>
    public string? PersonSchool { get; init; }

    /// <summary>Who has signed in has so long until the iPad enrols. Then they are taken for somebody who did not finish.</summary>
    public static TimeSpan SignInLasts { get; } = TimeSpan.FromHours(2);

    public static bool IsOver(PersonBy? by, DateTimeOffset? at, DateTimeOffset now) => by == Placeholders.PersonBy.SignIn && !(at > now - SignInLasts);
}

/// <summary>Who said whom an iPad is for. Stored as a number: never renumber.</summary>
public enum PersonBy : short
{
    Import = 1,
    /// <summary>The person, who signed in on it in Setup Assistant.</summary>
    SignIn = 2,
}

/// <summary>What became of a wish to have an iPad.</summary>
public enum MeantForOutcome
{
    Written,
    /// <summary>There is no such person, or they have left.</summary>
    NoPerson,
    /// <summary>Somebody else has it.</summary>
    HeldByAnother,
    /// <summary>A list of iPads says that somebody else gets it.</summary>
    MeantForAnother,
}

/// <param name="Placeholder">What is known.</param>
/// <param name="DeviceId">The iPad with this serial number; null: none has enrolled.</param>
/// <param name="Enrolled">It is enrolled now.</param>
/// <param name="UpdatedAt">When a person last changed it.</param>
public sealed record PlaceholderStanding(Placeholder Placeholder, string? DeviceId, bool Enrolled, DateTimeOffset UpdatedAt);

/// <param name="SerialNumber">The serial number.</param>
/// <param name="DeviceIds">At most ten of the iPads.</param>
/// <param name="Count">How many iPads there are.</param>
public sealed record SharedSerial(string SerialNumber, IReadOnlyList<string> DeviceIds, long Count);

/// <summary>Placeholders to write.</summary>
public sealed record PlaceholderWrite
{
    /// <summary>No serial number twice.</summary>
    public required IReadOnlyList<Placeholder> Rows { get; init; }
    /// <summary>Which of the three are given. The others stay as they stand.</summary>
    public bool WithName { get; init; } = true;
    public bool WithSchool { get; init; } = true;
    public bool WithAssetTag { get; init; } = true;
    public required string By { get; init; }
    public required DateTimeOffset At { get; init; }
    /// <summary>Count only.</summary>
    public bool DryRun { get; init; }
    public AuditRecord? Audit { get; init; }
}

/// <param name="Created">New ones.</param>
/// <param name="Changed">Those that stood and differed.</param>
/// <param name="Unchanged">Those that stood as they are.</param>
/// <param name="Enrolled">How many of all have an iPad that is enrolled already. It keeps its name and school until it enrols again.</param>
public sealed record PlaceholdersWritten(long Created, long Changed, long Unchanged, long Enrolled)
{
    /// <summary>How many serial numbers are known for a school that the rights do not cover, or would get one: nothing was written then.</summary>
    public long Outside { get; init; }
}
