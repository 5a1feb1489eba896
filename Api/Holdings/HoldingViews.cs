using FleetMdm.Storage.Holdings;

namespace FleetMdm.Api.Holdings;

/// <summary>An iPad is given to a person.</summary>
public sealed record HandOutRequest
{
    /// <summary>The id of the person.</summary>
    public required string PersonId { get; init; }
    /// <summary>The last day of a loan, for example 2027-06-11. Absent: for good.</summary>
    public DateOnly? Until { get; init; }
    /// <summary>true: whoever has the iPad now returns it first. Absent or false: then it is refused.</summary>
    public bool? ReturnFirst { get; init; }
}

/// <summary>Who has an iPad.</summary>
public sealed record HolderView
{
    public required string PersonId { get; init; }
    /// <summary>The name; null: the person is forgotten.</summary>
    public string? Name { get; init; }
    public required DateTimeOffset Since { get; init; }
    /// <summary>The last day of a loan; null: for good.</summary>
    public DateOnly? Until { get; init; }
    /// <summary>The last day of the loan is over, in UTC.</summary>
    public required bool Overdue { get; init; }
    /// <summary>The person has left, or is forgotten.</summary>
    public required bool PersonLeft { get; init; }
    /// <summary>Since when the person wants to hand it back; null: they did not say so.</summary>
    public DateTimeOffset? ReturnAskedAt { get; init; }

    internal string Words => Name ?? "a forgotten person";

    internal static HolderView Of(HoldingRow row, DateOnly today) => new()
    {
        PersonId = row.Holding.PersonId,
        Name = HoldingView.NameOf(row),
        Since = row.Holding.GivenAt,
        Until = row.Holding.DueOn,
        Overdue = row.Holding.DueOn < today,
        PersonLeft = row.PersonLeft || HoldingView.NameOf(row) is null,
        ReturnAskedAt = row.Holding.ReturnAskedAt,
    };
}

/// <summary>Who had or has an iPad, from when to when.</summary>
public sealed record HoldingView
{
    public required string Id { get; init; }
    public required string DeviceId { get; init; }
    public string? DeviceName { get; init; }
    public string? SerialNumber { get; init; }
    public required string PersonId { get; init; }
    /// <summary>The name; null: the person is forgotten.</summary>
    public string? Person { get; init; }
    public required bool PersonLeft { get; init; }
    public required DateTimeOffset Since { get; init; }
    /// <summary>Who recorded it.</summary>
    public required string GivenBy { get; init; }
    /// <summary>The last day of a loan; null: for good.</summary>
    public DateOnly? Until { get; init; }
    /// <summary>It is not returned, and the last day of the loan is over, in UTC.</summary>
    public required bool Overdue { get; init; }
    /// <summary>Null: the person has it now.</summary>
    public DateTimeOffset? ReturnedAt { get; init; }
    /// <summary>Who recorded that.</summary>
    public string? ReturnedBy { get; init; }
    /// <summary>Since when the person wants to hand it back; null: they did not say so.</summary>
    public DateTimeOffset? ReturnAskedAt { get; init; }

    internal string PersonWords => Person ?? "a forgotten person";

    /// <summary>Never an id, if there is anything else.</summary>
    internal string DeviceWords => DeviceName ?? SerialNumber ?? DeviceId;

    internal static HoldingView Of(HoldingRow row, DateOnly today) => new()
    {
        Id = row.Holding.Id,
        DeviceId = row.Holding.DeviceId,
        DeviceName = row.DeviceName,
        SerialNumber = row.SerialNumber,
        PersonId = row.Holding.PersonId,
        Person = NameOf(row),
        PersonLeft = row.PersonLeft || NameOf(row) is null,
        Since = row.Holding.GivenAt,
        GivenBy = row.Holding.GivenBy,
        Until = row.Holding.DueOn,
        Overdue = row.Holding.ReturnedAt is null && row.Holding.DueOn < today,
        ReturnedAt = row.Holding.ReturnedAt,
        ReturnedBy = row.Holding.ReturnedBy,
        ReturnAskedAt = row.Holding.ReturnAskedAt,
    };

    internal static string? NameOf(HoldingRow row) => row.FamilyName is null ? null : $"{row.GivenName} {row.FamilyName}".Trim();
}
