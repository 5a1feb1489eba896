using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;

namespace FleetMdm.Storage.Campaigns;

/// <summary>The end of a year: which iPads come back, and which have.</summary>
/// <remarks>Which iPads are in a campaign, of which school and whose, is written down when it is made: what happens to groups, people and enrolments afterwards takes none out. Somebody with
/// rights for some schools sees the part of these schools.</remarks>
public interface ICampaignStore
{
    /// <summary>That are not closed.</summary>
    const int MostOpen = 100;

    const int MostDevices = 200_000;

    /// <summary>The newest first: those that have iPads within the scope.</summary>
    Task<IReadOnlyList<CampaignRow>> List(Scope scope, (DateTimeOffset CreatedAt, string Id)? after, int limit);

    Task<CampaignRow?> Find(Scope scope, string id);

    /// <summary>How they stand, in numbers of iPads, by school. Of one without iPads within the scope there is nothing.</summary>
    Task<IReadOnlyList<CampaignCount>> Count(Scope scope, IReadOnlyList<string> ids);

    /// <summary>For which iPads it would be, now.</summary>
    /// <exception cref="FilterException">Its target cannot be used.</exception>
    Task<CampaignPlan> Plan(Scope scope, CampaignTarget target, int examples);

    /// <summary>Writes it with its iPads, in one transaction.</summary>
    /// <exception cref="FilterException">Its target cannot be used.</exception>
    Task<CampaignOutcome> Create(Scope scope, Campaign campaign, Func<long, AuditRecord?> audit);

    /// <summary>Nobody collects for it any more. Once more changes nothing.</summary>
    Task<CampaignOutcome> Close(Scope scope, string id, DateTimeOffset at, string by, AuditRecord? audit);

    /// <summary>Deletes one that is closed.</summary>
    Task<CampaignOutcome> Delete(Scope scope, string id, AuditRecord? audit);

    /// <summary>By the id of the iPad, after <paramref name="after"/>.</summary>
    /// <param name="school">Only those that were of this school, by its name.</param>
    Task<IReadOnlyList<CampaignDeviceRow>> ListDevices(Scope scope, string id, CampaignPart part, string? school, string? after, int limit);

    /// <summary>Those that were collected last.</summary>
    Task<IReadOnlyList<CampaignDeviceRow>> ListLatest(Scope scope, string id, int limit);

    /// <summary>Somebody has this iPad in the hands: it came back, and whoever had it has returned it. Of two at once, one is told that it was collected already.</summary>
    /// <param name="code">A serial number, or an asset tag.</param>
    /// <param name="school">Only iPads that were of this school, by its name; null: of any.</param>
    /// <param name="ofReturn">Written with the end of the holding; its target and its subject are filled in.</param>
    Task<CollectResult> Collect(Scope scope, string id, string code, string? school, DateTimeOffset at, string by, Func<string, AuditRecord?> audit, AuditRecord? ofReturn);

    /// <summary>It was a mistake. Whoever had it has it again, when nobody else has it by now.</summary>
    /// <returns>False: it was not collected.</returns>
    /// <param name="ofHandOut">That its person has it again; it is written where that is so.</param>
    Task<bool> PutBack(Scope scope, string id, string deviceId, AuditRecord? audit, AuditRecord? ofHandOut = null);

    /// <summary>Forgets campaigns that were closed before this time.</summary>
    Task<int> Forget(DateTimeOffset closedBefore);
}

public sealed record Campaign
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    public required string Name { get; init; }
    /// <summary>Only iPads of this school; null: of the whole district.</summary>
    public string? SchoolId { get; init; }
    /// <summary>In the words of the filter; null: only those of classes, or all.</summary>
    public string? Target { get; init; }
    /// <summary>The iPads that pupils of these classes have.</summary>
    public IReadOnlyList<string> ClassIds { get; init; } = [];
    public DateOnly? DueOn { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public DateTimeOffset? ClosedAt { get; init; }
    public string? ClosedBy { get; init; }
}

/// <param name="School">The name of its school; null: it has none.</param>
public sealed record CampaignRow(Campaign Campaign, string? School);

/// <param name="Filter">In the words of the filter; null: only those of classes, or all of the school.</param>
public sealed record CampaignTarget(string? Filter, IReadOnlyList<string> ClassIds, string? SchoolId, DateTimeOffset Now);

/// <param name="Assigned">That a person has.</param>
public sealed record CampaignPlan(long Total, long Assigned, IReadOnlyList<(string Id, string? Name, string? Serial)> Examples);

/// <param name="School">Null: iPads of no school.</param>
/// <param name="Erased">That acknowledged an erasure since the campaign was made.</param>
public sealed record CampaignCount(string CampaignId, string? School, long Total, long Collected, long Erased);

public enum CampaignPart
{
    All,
    Missing,
    Collected,
    /// <summary>Collected, and not erased since the campaign was made.</summary>
    NotErased,
}

/// <summary>An iPad of a campaign, and what is known of it now.</summary>
public sealed record CampaignDeviceRow
{
    public required string DeviceId { get; init; }
    public string? SerialNumber { get; init; }
    public string? DeviceName { get; init; }
    public string? School { get; init; }
    public string? AssetTag { get; init; }
    public string? PersonId { get; init; }
    /// <summary>Who had it when the campaign was made; null: nobody, or forgotten.</summary>
    public string? Person { get; init; }
    public DateTimeOffset? CollectedAt { get; init; }
    public string? CollectedBy { get; init; }
    /// <summary>When it acknowledged an erasure, since the campaign was made.</summary>
    public DateTimeOffset? ErasedAt { get; init; }
    /// <summary>An erasure is in its queue.</summary>
    public bool ErasureWaits { get; init; }
    /// <summary>A code is kept that lifts Activation Lock.</summary>
    public bool HasBypassCode { get; init; }
    /// <summary>Null: the iPad is not known any more.</summary>
    public EnrolmentStatus? Status { get; init; }
    public DateTimeOffset? LastSeenAt { get; init; }
}

public enum CampaignOutcome
{
    Written,
    NotFound,
    UnknownSchool,
    /// <summary>No iPad is found for it.</summary>
    Nobody,
    TooMany,
    TooManyDevices,
    /// <summary>It is not closed yet.</summary>
    Open,
}

public enum CollectOutcome
{
    Collected,
    /// <summary>It was collected before.</summary>
    Twice,
    /// <summary>It is in the campaign, for a school that the rights do not cover.</summary>
    OtherSchool,
    NotInCampaign,
    /// <summary>No iPad of this server has it.</summary>
    Unknown,
    /// <summary>Several iPads have it.</summary>
    Several,
    Closed,
    NoCampaign,
}

/// <param name="Device">Of <see cref="CollectOutcome.Collected"/> and <see cref="CollectOutcome.Twice"/>.</param>
/// <param name="School">Of <see cref="CollectOutcome.OtherSchool"/>: whose it is.</param>
public sealed record CollectResult(CollectOutcome Outcome, CampaignDeviceRow? Device = null, string? School = null);
