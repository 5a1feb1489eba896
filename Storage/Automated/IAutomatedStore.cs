using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Enrolment;

namespace FleetMdm.Storage.Automated;

/// <summary>Automated Device Enrolment: servers, their iPads, profiles. All of it is the district's: lists and reads take the scope of who asks all the same, and one that is for
/// some schools finds nothing.</summary>
public interface IAutomatedStore
{
    const int MostServers = 100;
    const int MostProfiles = 500;

    Task<IReadOnlyList<AutomatedServerRow>> ListServers(Scope scope);

    Task<AutomatedServerRow?> FindServer(Scope scope, string id);

    /// <param name="invitation">Of its iPads; nobody sees it.</param>
    Task<AutomatedOutcome> CreateServer(AutomatedServer server, Invitation invitation, AuditRecord? audit);

    /// <summary>Name and default profile, with a version one higher than it stands.</summary>
    Task<AutomatedOutcome> ChangeServer(AutomatedServer server, AuditRecord? audit);

    /// <summary>Another key. The token that is used stays.</summary>
    Task<AutomatedOutcome> SetKey(string id, byte[] certificate, byte[] sealedKey, DateTimeOffset at, string by, AuditRecord? audit);

    /// <summary>Its iPads stay, as released. No iPad enrols by it any more.</summary>
    Task<AutomatedOutcome> DeleteServer(string id, DateTimeOffset at, AuditRecord? audit);

    Task<IReadOnlyList<AutomatedCount>> Count(Scope scope);

    /// <param name="days">For each, how many iPads have to come within so many days.</param>
    Task<AutomatedMigrationCounts> CountMigrations(Scope scope, DateTimeOffset now, params IReadOnlyList<int> days);

    /// <summary>By serial number, after <paramref name="after"/>.</summary>
    Task<IReadOnlyList<AutomatedDeviceRow>> ListDevices(Scope scope, AutomatedDeviceFilter filter, string? after, int limit);

    Task<AutomatedDeviceRow?> FindDevice(Scope scope, string serialNumber);

    /// <summary>Chooses a profile for one iPad; null: none of its own.</summary>
    Task<AutomatedOutcome> ChooseForDevice(string serialNumber, string? profileId, DateTimeOffset at, AuditRecord? audit);

    Task<IReadOnlyList<AutomatedProfile>> ListProfiles(Scope scope);

    Task<AutomatedProfile?> FindProfile(Scope scope, string id);

    Task<AutomatedOutcome> CreateProfile(AutomatedProfile profile, AuditRecord? audit);

    Task<AutomatedOutcome> ChangeProfile(AutomatedProfile profile, AuditRecord? audit);

    /// <summary>One that is somebody's default or choice is in use.</summary>
    Task<AutomatedOutcome> DeleteProfile(string id, AuditRecord? audit);

    Task<IReadOnlyList<AutomatedSchool>> ListSchools(Scope scope);

    /// <param name="profileId">Null: none of its own.</param>
    Task<AutomatedOutcome> ChooseForSchool(string schoolId, string? profileId, AuditRecord? audit);

    /// <summary>In the order in which they count.</summary>
    Task<IReadOnlyList<AutomatedGroup>> ListGroups(Scope scope);

    /// <param name="profileId">Null: none of its own.</param>
    Task<AutomatedOutcome> ChooseForGroup(string groupId, string? profileId, int priority, DateTimeOffset at, AuditRecord? audit);

    // ---- for the nodes ----

    /// <summary>The profile that an iPad should have, with its server; null: it is on no server.</summary>
    Task<(AutomatedDevice Device, AutomatedServer Server, AutomatedProfile? Profile)?> FindForEnrolment(string serialNumber);

    /// <summary>Notes that an iPad asked for its enrolment profile.</summary>
    Task NoteAsked(string serialNumber, DateTimeOffset at, string? osVersion, string answer);

    /// <summary>Says where iPads reach this server. A change has all profiles defined anew.</summary>
    /// <returns>Whether it changed.</returns>
    Task<bool> SetAddress(AutomatedAddress address);

    Task<AutomatedAddress?> FindAddress();
}

/// <summary>What the grain of a server writes: guarded by <see cref="AutomatedServer.Revision"/>, so that two never write over each other.</summary>
public interface IAutomatedSyncStore
{
    /// <summary>Servers that have something to do.</summary>
    Task<IReadOnlyList<string>> ListDue(DateTimeOffset now, int limit);

    Task<AutomatedServer?> Load(string id);

    /// <summary>A token that was checked; what stood in the way is over.</summary>
    Task<AutomatedOutcome> SetToken(string id, AutomatedToken token, DateTimeOffset nextAt);

    /// <summary>What a page tells and where the list goes on, or nothing.</summary>
    /// <returns>False: somebody else has written; read anew.</returns>
    Task<bool> TakePage(AutomatedServer standing, AutomatedPage page);

    /// <summary>Begins a fetch anew with the next page.</summary>
    Task<bool> DropCursor(AutomatedServer standing, DateTimeOffset nextAt);

    /// <summary>Writes what else the grain knows: account, problem, times.</summary>
    Task<bool> Save(AutomatedServer standing, AutomatedServer next);

    /// <summary>The profiles that iPads of a server should have.</summary>
    Task<IReadOnlyList<AutomatedProfile>> ListWanted(string serverId);

    Task<IReadOnlyList<AutomatedDefinition>> ListDefinitions(string serverId);

    Task<bool> SetDefinition(AutomatedServer standing, AutomatedDefinition definition, DateTimeOffset at);

    /// <summary>It is defined anew when it is next wanted: Apple does not know it.</summary>
    Task ForgetDefinition(string serverId, string appleUuid);

    /// <summary>Looks at which iPads lack their profile, and marks them; the server's mark is taken away.</summary>
    /// <returns>False: somebody else has written.</returns>
    Task<bool> Review(AutomatedServer standing, DateTimeOffset now);

    Task<IReadOnlyList<AutomatedOrder>> ListOrders(string serverId, DateTimeOffset now, int limit);

    Task TakeAnswers(string serverId, string uuid, IReadOnlyList<AutomatedAnswer> answers, DateTimeOffset now);

    /// <summary>When the next assignment is due; null: none waits.</summary>
    Task<DateTimeOffset?> NextOrderAt(string serverId);
}

/// <summary>iPads that wait in Setup Assistant.</summary>
public interface IAutomatedHoldStore
{
    /// <summary>An iPad waits. One that is known since it enrolled stays as it stands.</summary>
    Task<AutomatedHold> Hold(string deviceId, string? serialNumber, DateTimeOffset enrolledAt, DateTimeOffset untilAt);

    Task<AutomatedHold?> Find(string deviceId);

    /// <summary>Those whose time is over, the longest first; with those that were told to go, and wait no more, although nobody wrote it down.</summary>
    Task<IReadOnlyList<string>> ListDue(DateTimeOffset now, int limit);

    Task Write(AutomatedHold hold);

    Task<IReadOnlyList<AutomatedHoldRow>> List(Scope scope, HoldState? state, string? after, int limit);

    Task<(long Held, long Incomplete)> Count(Scope scope);

    /// <summary>A person has seen that it was let go without everything.</summary>
    /// <returns>False: there is none.</returns>
    Task<bool> Dismiss(string deviceId, AuditRecord? audit);
}
