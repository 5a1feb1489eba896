using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Groups;

namespace FleetMdm.Api.Groups;

/// <summary>A group, as a whole.</summary>
public sealed record GroupRequest
{
    /// <summary>At most 200 characters; no two groups have the same, in whatever case. A filter finds the group by it: <c>group:"Year 7"</c>.</summary>
    public required string Name { get; init; }
    /// <summary>In the words of the filter: the iPads that it finds are the group. Null: its iPads are chosen by hand.</summary>
    public string? Rule { get; init; }
    /// <summary>Only iPads of this school are in it; null: of the whole district.</summary>
    public string? SchoolId { get; init; }
    /// <summary>At most 500 characters.</summary>
    public string? Note { get; init; }
}

/// <summary>A group of iPads.</summary>
public sealed record GroupView
{
    public required string Id { get; init; }
    /// <summary>One more with each change. The <c>ETag</c> is the same.</summary>
    public required int Version { get; init; }
    public required string Name { get; init; }
    /// <summary>Null: by hand.</summary>
    public string? Rule { get; init; }
    public string? SchoolId { get; init; }
    public string? School { get; init; }
    public string? Note { get; init; }
    /// <summary>How many iPads were chosen by hand; null: it has a rule.</summary>
    public long? Chosen { get; init; }
    /// <summary>How many of those that were chosen by hand are not enrolled; null: it has a rule. Only where one group is asked for.</summary>
    public long? Waiting { get; init; }
    /// <summary>How many enrolled iPads are in it now. Only where one group is asked for.</summary>
    public long? IPads { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }

    internal static GroupView Of(GroupRow row) => new()
    {
        Id = row.Group.Id,
        Version = row.Group.Version,
        Name = row.Group.Name,
        Rule = row.Group.Rule,
        SchoolId = row.Group.SchoolId,
        School = row.School,
        Note = row.Group.Note,
        Chosen = row.Group.Rule is null ? row.ByHand : null,
        CreatedAt = row.Group.CreatedAt,
        CreatedBy = row.Group.CreatedBy,
        UpdatedAt = row.Group.UpdatedAt,
        UpdatedBy = row.Group.UpdatedBy,
    };

    /// <summary>A filter that finds its iPads.</summary>
    internal string Filter => "group:" + FilterParser.Quote(Name);
}

/// <summary>Which iPads come into a group, or leave it: exactly one of these.</summary>
public sealed record GroupMembersRequest
{
    /// <summary>Ids or serial numbers, 1 to 10,000. A serial number of an iPad that is not enrolled waits in the group, where a placeholder or Apple's list knows it.</summary>
    public IReadOnlyList<string>? IPads { get; init; }
    /// <summary>In the words of the filter: all that it finds now.</summary>
    public string? Filter { get; init; }
}

/// <summary>What was done.</summary>
public sealed record GroupMembersView
{
    /// <summary>How many iPads came, or went. Those that were as they should be are not counted.</summary>
    public required long Changed { get; init; }
}

/// <summary>A serial number in a group, whose iPad is not enrolled: it is in the group from when it is.</summary>
/// <param name="Name">Of its placeholder.</param>
/// <param name="School">Of its placeholder.</param>
public sealed record WaitingMemberView(string SerialNumber, string? Name, string? School, DateTimeOffset AddedAt)
{
    internal static WaitingMemberView Of(WaitingMember row) => new(row.SerialNumber, row.Name, row.School, row.AddedAt);
}

/// <summary>In which groups an iPad is.</summary>
public sealed record DeviceGroupsView
{
    /// <summary>By name.</summary>
    public required IReadOnlyList<GroupView> Items { get; init; }
}
