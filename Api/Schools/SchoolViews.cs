using System.Globalization;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Api.Schools;

/// <summary>A school, as a whole.</summary>
public sealed record SchoolRequest
{
    /// <summary>At most 200 characters; no two schools have the same. iPads, invitations and placeholders name their school by it.</summary>
    public required string Name { get; init; }
    /// <summary>A short one, for example NS. At most 50 characters; no two schools have the same, in whatever case.</summary>
    public string? Code { get; init; }
    /// <summary>Its id in the system that people come from: sourcedId of OneRoster. At most 100 characters.</summary>
    public string? SourceId { get; init; }
    /// <summary>Of the IANA database, for example Europe/Stockholm.</summary>
    public string? TimeZone { get; init; }
    /// <summary>When lessons are, in the school's time zone. At most one line for a day of the week; a day without one has no lessons.</summary>
    public IReadOnlyList<SchoolHoursView>? Hours { get; init; }
    /// <summary>To how many of its iPads an operation may send at once: what its network takes. 1 to 100,000; null: no limit of its own.</summary>
    public int? AtOnce { get; init; }
    /// <summary>It is closed: its people and iPads stay as they are.</summary>
    public bool Archived { get; init; }
}

/// <summary>When a school is open on a day of the week.</summary>
public sealed record SchoolHoursView
{
    [OneOf("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")]
    public required string Day { get; init; }
    /// <summary>As in 08:00.</summary>
    public required string From { get; init; }
    /// <summary>As in 15:30.</summary>
    public required string To { get; init; }

    internal static SchoolHoursView Of(SchoolHours hours) => new()
    {
        Day = hours.Day.ToString().ToLowerInvariant(),
        From = Clock(hours.From),
        To = Clock(hours.To),
    };

    internal static string Clock(int minutes) => string.Create(CultureInfo.InvariantCulture, $"{minutes / 60:D2}:{minutes % 60:D2}");
}

/// <summary>A school.</summary>
public sealed record SchoolView
{
    public required string Id { get; init; }
    /// <summary>One more with each change. The <c>ETag</c> is the same.</summary>
    public required int Version { get; init; }
    public required string Name { get; init; }
    public string? Code { get; init; }
    public string? SourceId { get; init; }
    public string? TimeZone { get; init; }
    public required IReadOnlyList<SchoolHoursView> Hours { get; init; }
    public int? AtOnce { get; init; }
    public required bool Archived { get; init; }
    /// <summary>Enrolled ones.</summary>
    public required long IPads { get; init; }
    /// <summary>Active ones.</summary>
    public required long People { get; init; }
    /// <summary>Placeholders with its name.</summary>
    public required long Placeholders { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }

    internal static SchoolView Of(SchoolStanding standing) => new()
    {
        Id = standing.School.Id,
        Version = standing.School.Version,
        Name = standing.School.Name,
        Code = standing.School.Code,
        SourceId = standing.School.SourceId,
        TimeZone = standing.School.TimeZone,
        Hours = [.. standing.School.Hours.Select(SchoolHoursView.Of)],
        AtOnce = standing.School.AtOnce,
        Archived = standing.School.Archived,
        IPads = standing.IPads,
        People = standing.People,
        Placeholders = standing.Waiting,
        CreatedAt = standing.School.CreatedAt,
        CreatedBy = standing.School.CreatedBy,
        UpdatedAt = standing.School.UpdatedAt,
        UpdatedBy = standing.School.UpdatedBy,
    };
}

/// <summary>Names of schools that are no school's.</summary>
public sealed record UnknownSchoolsView
{
    /// <summary>At most 100.</summary>
    public required IReadOnlyList<UnknownSchoolView> Items { get; init; }
}

/// <summary>A name that stands on iPads, invitations or placeholders, and that no school has. Create a school of this name, and they are its own.</summary>
public sealed record UnknownSchoolView
{
    public required string Name { get; init; }
    /// <summary>On how many enrolled iPads it stands.</summary>
    public required long IPads { get; init; }
    /// <summary>On how many invitations that are not revoked.</summary>
    public required long Invitations { get; init; }
    public required long Placeholders { get; init; }

    internal static UnknownSchoolView Of(UnknownSchool unknown) =>
        new() { Name = unknown.Name, IPads = unknown.IPads, Invitations = unknown.Invitations, Placeholders = unknown.Placeholders };
}
