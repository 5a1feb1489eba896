using FleetMdm.Api.Rest;
using FleetMdm.Storage.Campaigns;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Campaigns;

/// <summary>Which iPads come back. Of <c>target</c>, <c>classIds</c> and <c>schoolId</c> at least one; all that are given must hold.</summary>
public sealed record CampaignRequest
{
    /// <summary>At most 200 characters.</summary>
    public required string Name { get; init; }
    /// <summary>In the words of the filter: the enrolled iPads that it finds now.</summary>
    public string? Target { get; init; }
    /// <summary>Classes: the iPads that their pupils have now.</summary>
    public IReadOnlyList<string>? ClassIds { get; init; }
    /// <summary>Only iPads of this school.</summary>
    public string? SchoolId { get; init; }
    /// <summary>The last day on which they come back.</summary>
    public DateOnly? DueOn { get; init; }
}

/// <summary>An iPad came back.</summary>
public sealed record CollectRequest
{
    /// <summary>Its serial number or its asset tag, as a scanner reads it.</summary>
    public required string Code { get; init; }
    /// <summary>The school where it is collected: an iPad of another one is refused. Null: of any.</summary>
    public string? SchoolId { get; init; }
}

/// <summary>A campaign, and how it stands.</summary>
public sealed record CampaignView
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public string? SchoolId { get; init; }
    public string? School { get; init; }
    public string? Target { get; init; }
    public IReadOnlyList<string>? ClassIds { get; init; }
    public DateOnly? DueOn { get; init; }
    /// <summary>iPads of the schools that you see.</summary>
    public required long Total { get; init; }
    public required long Collected { get; init; }
    public required long Missing { get; init; }
    /// <summary>That acknowledged an erasure since the campaign was made.</summary>
    public required long Erased { get; init; }
    public required IReadOnlyList<CampaignSchoolView> Schools { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    /// <summary>Null: it goes on.</summary>
    public DateTimeOffset? ClosedAt { get; init; }
    public string? ClosedBy { get; init; }
    /// <summary>Whether the reader may close it: it reaches no further than their schools.</summary>
    internal bool IsOwn { get; init; }

    internal static CampaignView Of(CampaignRow row, IEnumerable<CampaignCount> counts, Storage.Scope reader)
    {
        var (one, by) = (row.Campaign, counts.ToList());
        var (total, collected) = (by.Sum(count => count.Total), by.Sum(count => count.Collected));
        return new CampaignView
        {
            Id = one.Id,
            Name = one.Name,
            SchoolId = one.SchoolId,
            School = row.School,
            Target = one.Target,
            ClassIds = one.ClassIds.Count == 0 ? null : one.ClassIds,
            DueOn = one.DueOn,
            Total = total,
            Collected = collected,
            Missing = total - collected,
            Erased = by.Sum(count => count.Erased),
            Schools = [.. by.Select(count => new CampaignSchoolView { School = count.School, Total = count.Total, Collected = count.Collected, Missing = count.Total - count.Collected, Erased = count.Erased })],
            CreatedAt = one.CreatedAt,
            CreatedBy = one.CreatedBy,
            ClosedAt = one.ClosedAt,
            ClosedBy = one.ClosedBy,
            IsOwn = reader.SchoolIds is not { } own || (one.SchoolId is { } school && own.Contains(school)),
        };
    }
}

/// <summary>How a campaign stands at one school.</summary>
public sealed record CampaignSchoolView
{
    /// <summary>Null: iPads of no school.</summary>
    public string? School { get; init; }
    public required long Total { get; init; }
    public required long Collected { get; init; }
    public required long Missing { get; init; }
    public required long Erased { get; init; }
}

/// <summary>What a campaign would write down now. Nothing was done.</summary>
public sealed record CampaignPlanView
{
    public required long Total { get; init; }
    /// <summary>That a person has.</summary>
    public required long Assigned { get; init; }
    /// <summary>Some of them, at most ten.</summary>
    public required IReadOnlyList<CampaignExampleView> Examples { get; init; }
}

/// <summary>An iPad.</summary>
public sealed record CampaignExampleView(string Id, string? DeviceName, string? SerialNumber);

/// <summary>An iPad of a campaign. Name, school and person are those of when the campaign was made.</summary>
public sealed record CampaignDeviceView
{
    public required string DeviceId { get; init; }
    public string? SerialNumber { get; init; }
    public string? AssetTag { get; init; }
    public string? DeviceName { get; init; }
    public string? School { get; init; }
    public string? PersonId { get; init; }
    /// <summary>Who had it.</summary>
    public string? Person { get; init; }
    /// <summary>When it came back; null: it has not.</summary>
    public DateTimeOffset? CollectedAt { get; init; }
    public string? CollectedBy { get; init; }
    /// <summary>no, waits (the command is in its queue), erased, or erasedAndBack (it was erased, and has enrolled again).</summary>
    [OneOf("no", "waits", "erased", "erasedAndBack")]
    public required string Erasure { get; init; }
    public DateTimeOffset? ErasedAt { get; init; }
    /// <summary>The server keeps a code that lifts Activation Lock.</summary>
    public required bool HasBypassCode { get; init; }
    /// <summary>Whether the server manages it now.</summary>
    public required bool Managed { get; init; }
    public DateTimeOffset? LastSeenAt { get; init; }

    internal string Words => DeviceName ?? SerialNumber ?? DeviceId;

    internal static CampaignDeviceView Of(CampaignDeviceRow row)
    {
        var managed = row.Status is EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled;
        return new CampaignDeviceView
        {
            DeviceId = row.DeviceId,
            SerialNumber = row.SerialNumber,
            AssetTag = row.AssetTag,
            DeviceName = row.DeviceName,
            School = row.School,
            PersonId = row.PersonId,
            Person = row.Person,
            CollectedAt = row.CollectedAt,
            CollectedBy = row.CollectedBy,
            Erasure = row.ErasedAt is not null ? managed ? "erasedAndBack" : "erased" : row.ErasureWaits ? "waits" : "no",
            ErasedAt = row.ErasedAt,
            HasBypassCode = row.HasBypassCode,
            Managed = managed,
            LastSeenAt = row.LastSeenAt,
        };
    }
}

/// <summary>What became of what was scanned.</summary>
public sealed record CollectView
{
    [OneOf("collected", "twice", "otherSchool", "notInCampaign", "unknown", "several")]
    public required string Outcome { get; init; }
    /// <summary>The same in a sentence.</summary>
    public required string Words { get; init; }
    public CampaignDeviceView? Device { get; init; }
}
