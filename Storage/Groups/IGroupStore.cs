using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Groups;

/// <summary>Groups of iPads: by hand, or by a rule.</summary>
/// <remarks>A filter names a group by its name, in whatever case. Its rule is put in the place of the name when the filter is used, so a group is always as its iPads
/// are at that moment.</remarks>
public interface IGroupStore
{
    const int MostGroups = 5_000;

    /// <summary>Each is looked at for the page of an iPad.</summary>
    const int MostRules = 500;

    /// <summary>Of one group.</summary>
    const int MostMembers = 100_000;

    /// <summary>By name.</summary>
    /// <param name="scope">What the reader's rights cover.</param>
    /// <param name="text">Part of the name, in whatever case; null: all.</param>
    /// <param name="after">The name of the last of the page before.</param>
    /// <param name="limit">At most so many.</param>
    Task<IReadOnlyList<GroupRow>> List(Scope scope, string? text, string? after, int limit);

    Task<GroupRow?> Find(Scope scope, string id);

    /// <summary>Whether a filter names only groups that there are.</summary>
    /// <exception cref="Filters.FilterException">It does not.</exception>
    Task Check(Scope scope, Filters.DeviceExpression filter);

    /// <summary>In which groups an iPad is, by name.</summary>
    Task<IReadOnlyList<GroupRow>> ListOf(Scope scope, string deviceId, DateTimeOffset now);

    /// <summary>A repetition after a lost answer is <see cref="GroupOutcome.Written"/> too.</summary>
    /// <exception cref="Filters.FilterException">The rule names a group that does not exist, or goes in a circle.</exception>
    Task<GroupOutcome> Create(Scope scope, DeviceGroup group, AuditRecord? audit);

    /// <summary>Writes the whole group, with a version one higher than it stands. One that gets a rule loses the iPads that were chosen by hand.</summary>
    /// <exception cref="Filters.FilterException">The rule names a group that does not exist, or goes in a circle.</exception>
    Task<GroupOutcome> Change(Scope scope, DeviceGroup group, AuditRecord? audit);

    /// <summary>With what was chosen by hand. <see cref="GroupOutcome.InUse"/>: the rule of another group, an assignment or an exam names it. <see cref="GroupOutcome.HasProfile"/>: an
    /// enrolment profile is chosen for it.</summary>
    Task<GroupOutcome> Delete(Scope scope, string id, AuditRecord? audit);

    /// <summary>The names of some groups and assignments that name this one.</summary>
    Task<IReadOnlyList<string>> ListUsers(Scope scope, string id, int limit);

    /// <summary>Puts iPads into a group that is by hand. All, or none. A serial number of an iPad that is not enrolled waits in it, where a placeholder or Apple's list knows it.</summary>
    /// <param name="audit">From the number of those that were not in it.</param>
    Task<MembersOutcome> Add(Scope scope, string id, MemberChoice choice, DateTimeOffset at, Func<long, AuditRecord?> audit);

    /// <summary>Takes iPads out of a group that is by hand.</summary>
    /// <param name="audit">From the number of those that were in it.</param>
    Task<MembersOutcome> Remove(Scope scope, string id, MemberChoice choice, DateTimeOffset at, Func<long, AuditRecord?> audit);

    /// <summary>Serial numbers that were put in and that no enrolled iPad has, after the given one.</summary>
    Task<IReadOnlyList<WaitingMember>> ListWaiting(Scope scope, string id, string? after, int limit);

    Task<long> CountWaiting(Scope scope, string id);
}

/// <summary>A serial number in a group, whose iPad is not enrolled.</summary>
/// <param name="Name">Of its placeholder.</param>
/// <param name="School">Of its placeholder.</param>
public sealed record WaitingMember(string SerialNumber, string? Name, string? School, DateTimeOffset AddedAt);

public sealed record DeviceGroup
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    /// <summary>1 for the first, one more with each change.</summary>
    public required int Version { get; init; }
    /// <summary>Unique, in whatever case.</summary>
    public required string Name { get; init; }
    /// <summary>Only iPads of this school are in it; null: of the whole district.</summary>
    public string? SchoolId { get; init; }
    public string? Note { get; init; }
    /// <summary>In the words of the filter; null: by hand.</summary>
    public string? Rule { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }
}

/// <param name="School">The name of its school; null: it has none.</param>
/// <param name="ByHand">How many were chosen by hand, wherever they are now, and whether they are enrolled or not.</param>
public sealed record GroupRow(DeviceGroup Group, string? School, long ByHand);

/// <summary>Which iPads: exactly one of these.</summary>
/// <param name="Names">Ids or serial numbers, in whatever mixture.</param>
/// <param name="Filter">All that it finds.</param>
public sealed record MemberChoice(IReadOnlyList<string>? Names, DeviceFilter? Filter);

/// <param name="Outcome">Whether it was done.</param>
/// <param name="Changed">How many came or went.</param>
/// <param name="Unknown">Of the names: some that no iPad has which is enrolled or known, or that several have.</param>
public sealed record MembersOutcome(GroupOutcome Outcome, long Changed = 0, IReadOnlyList<string>? Unknown = null);

public enum GroupOutcome
{
    Written,
    NotFound,
    /// <summary>Somebody else has changed it in between.</summary>
    VersionConflict,
    NameTaken,
    /// <summary>The rule of another group, an assignment or an exam names it: it can neither go nor be called otherwise.</summary>
    InUse,
    TooMany,
    TooManyRules,
    TooManyMembers,
    UnknownSchool,
    /// <summary>Its iPads come by its rule.</summary>
    HasRule,
    /// <summary>An enrolment profile is chosen for it: it can neither go nor get a rule.</summary>
    HasProfile,
    UnknownDevices,
}
