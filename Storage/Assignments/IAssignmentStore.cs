using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Storage.Assignments;

/// <summary>What iPads should have, and how it stands on each of them.</summary>
/// <remarks>
/// A change writes, in its own transaction, a row for each iPad that comes under an assignment, and marks those that leave it: what is to be done is never lost, and an iPad that
/// is not touched costs nothing. The grain of an iPad does it when the iPad comes (<see cref="DeviceSnapshot.PlanDueAt"/>).
/// </remarks>
public interface IAssignmentStore
{
    const int MostAssignments = 2_000;

    /// <summary>By name.</summary>
    Task<IReadOnlyList<AssignmentRow>> List(Scope scope, string? text, string? after, int limit);

    Task<AssignmentRow?> Find(Scope scope, string id);

    /// <summary>Those with these ids, deleted ones too.</summary>
    Task<IReadOnlyList<AssignmentRow>> FindAll(IReadOnlyList<string> ids);

    /// <summary>On enrolled iPads.</summary>
    Task<IReadOnlyList<AssignmentCount>> Count(IReadOnlyList<string> ids);

    /// <summary>Enrolled iPads on which something that is assigned failed.</summary>
    Task<long> CountFailed(Scope scope);

    /// <summary>The names of some that are in force or coming and use this profile, or this app.</summary>
    Task<IReadOnlyList<string>> ListUsers(string reference, int limit);

    /// <summary>What an assignment would do, now.</summary>
    /// <param name="scope">Of the one who asks: other groups do not exist for the target.</param>
    /// <param name="id">Of the one that it would change; null: a new one.</param>
    /// <exception cref="FilterException">Its target cannot be used.</exception>
    Task<AssignmentPlan> Plan(Scope scope, string? id, AssignmentTarget target, IReadOnlyList<DeviceRequirement> requirements, int examples, AssignedLicence? licence = null);

    /// <exception cref="FilterException">Its target cannot be used.</exception>
    Task<AssignmentOutcome> Create(Scope scope, Assignment assignment, AuditRecord? audit);

    /// <summary>Writes it as a whole, with a version one higher than it stands.</summary>
    /// <exception cref="FilterException">Its target cannot be used.</exception>
    Task<AssignmentOutcome> Change(Scope scope, Assignment assignment, AuditRecord? audit);

    /// <summary>It is for no iPad any more. It is forgotten when the last iPad has heard of it.</summary>
    Task<AssignmentOutcome> Delete(Scope scope, string id, DateTimeOffset at, AuditRecord? audit);

    /// <summary>By the id of the iPad, after <paramref name="after"/>.</summary>
    Task<IReadOnlyList<AssignmentDeviceRow>> ListDevices(Scope scope, string id, AssignmentState? state, string? after, int limit);

    /// <summary>All of the users of one iPad that have a channel, by user and name.</summary>
    Task<IReadOnlyList<AssignmentUserRow>> ListOfUsers(string deviceId);

    /// <summary>Which of those in force are for the users of this iPad, now, whether or not it has any.</summary>
    Task<IReadOnlyList<string>> MatchUsersOf(string deviceId, DateTimeOffset now);

    /// <summary>All of one iPad.</summary>
    Task<IReadOnlyList<AssignmentStandingRow>> ListOfDevice(string deviceId);

    /// <summary>What assignments did on one iPad, newest first, as long as its history of commands holds it.</summary>
    /// <param name="before">Only what is older than this place in the history; null: all.</param>
    Task<IReadOnlyList<AssignmentHistoryRow>> ListHistory(string deviceId, long? before, int limit);

    /// <summary>Tries again at once, on all iPads where it failed.</summary>
    /// <returns>On how many.</returns>
    Task<long> Retry(Scope scope, string id, DateTimeOffset at, Func<long, AuditRecord?> audit);

    // ---- for the nodes ----

    /// <summary>The number of the newest plan.</summary>
    Task<long> Number();

    /// <summary>All that are not forgotten, with the number that they are of.</summary>
    Task<(long Number, IReadOnlyList<AssignmentRow> Rows)> Load();

    /// <summary>All of one iPad, for its grain.</summary>
    /// <returns>With the number of a plan that is not older than they are.</returns>
    Task<(IReadOnlyList<AssignmentStandingRow> Rows, long Number)> Standings(string deviceId);

    /// <summary>Which of those in force this iPad, or this user of one, comes under, now. To be asked after <see cref="Standings"/>: what changed in between is then in it.</summary>
    /// <returns>With the number of a plan that is not older.</returns>
    Task<(IReadOnlyList<string> Ids, long Number)> Match(string deviceId, DateTimeOffset now);

    /// <summary>Writes what a grain has worked out for its iPad: all of it, or nothing when somebody has changed one of them in between.</summary>
    /// <returns>False: nothing was written; read anew.</returns>
    Task<bool> Write(string deviceId, IReadOnlyList<AssignmentChange> changes);

    /// <summary>Begins and ends assignments whose time has come.</summary>
    /// <returns>How many.</returns>
    Task<int> Turn(DateTimeOffset now);

    /// <summary>Looks anew at which iPads come under those that depend on these fields of the filter, or whose profile has a newer version.</summary>
    /// <param name="depends">Whether a target with these fields is looked at.</param>
    /// <returns>For how many iPads something changed.</returns>
    Task<long> Reach(Func<IReadOnlySet<FilterField>, bool> depends, DateTimeOffset now);

    /// <summary>Forgets those that were deleted and that no iPad has to hear of.</summary>
    Task<int> Forget();

    /// <summary>iPads that have something to do and have to be woken for it, by id. One that came since may have come before its grain knew.</summary>
    /// <param name="dueSince">Those whose work is younger are woken whatever happened since: a push that went out may have been for something else.</param>
    /// <param name="pushedBefore">Those that were woken before this and did not come are woken again.</param>
    Task<IReadOnlyList<PushTarget>> ListUntold(DateTimeOffset now, DateTimeOffset dueSince, DateTimeOffset pushedBefore, string? after, int limit);
}

/// <summary>Which iPads an assignment is for.</summary>
/// <param name="Filter">In the words of the filter; null: all enrolled iPads.</param>
/// <param name="Except">Not those that this finds; null: all of them.</param>
/// <param name="SchoolId">Only iPads of this school.</param>
/// <param name="Channel">The iPads themselves, or each of their users.</param>
public sealed record AssignmentTarget(string? Filter, string? Except, string? SchoolId, DateTimeOffset Now, AssignmentChannel Channel = AssignmentChannel.Device);
