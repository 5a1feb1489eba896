using FleetMdm.Api.Rest;
using FleetMdm.Storage.Placeholders;

namespace FleetMdm.Api.Placeholders;

/// <summary>What an iPad gets when it enrols.</summary>
public sealed record PlaceholderRequest
{
    /// <summary>Set on the iPad too, if it is supervised. Null: the iPad keeps its own.</summary>
    public string? Name { get; init; }
    /// <summary>Null: that of the invitation.</summary>
    public string? School { get; init; }
    /// <summary>What stands on the label of the district.</summary>
    public string? AssetTag { get; init; }
}

/// <summary>An iPad that is known by its serial number, before and after it enrols.</summary>
public sealed record PlaceholderView
{
    public required string SerialNumber { get; init; }
    public string? Name { get; init; }
    public string? School { get; init; }
    public string? AssetTag { get; init; }
    /// <summary>waiting: no iPad with this serial number is enrolled; enrolled: one is.</summary>
    [OneOf("waiting", "enrolled")]
    public required string State { get; init; }
    /// <summary>The iPad with this serial number; null: none has ever enrolled.</summary>
    public string? DeviceId { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    internal static PlaceholderView Of(PlaceholderStanding standing) => new()
    {
        SerialNumber = standing.Placeholder.SerialNumber,
        Name = standing.Placeholder.Name,
        School = standing.Placeholder.School,
        AssetTag = standing.Placeholder.AssetTag,
        State = standing.Enrolled ? "enrolled" : "waiting",
        DeviceId = standing.DeviceId,
        UpdatedAt = standing.UpdatedAt,
    };
}

/// <summary>What became of a file.</summary>
public sealed record ImportResult
{
    /// <summary>Rows that were new.</summary>
    public required long Created { get; init; }
    /// <summary>Rows that stood already and differed.</summary>
    public required long Changed { get; init; }
    /// <summary>Rows that stood already as they are.</summary>
    public required long Unchanged { get; init; }
    /// <summary>How many of all these have an iPad that is enrolled already. Its asset tag is shown from now on; its name and school change when it enrols again.</summary>
    public required long Enrolled { get; init; }
    /// <summary>Lines that were left out, because they are wrong.</summary>
    public required int Skipped { get; init; }
    /// <summary>What is wrong with them; the first hundred.</summary>
    public required IReadOnlyList<CsvFault> Faults { get; init; }
    /// <summary>Nothing was written: the file was only looked at.</summary>
    public required bool DryRun { get; init; }
    /// <summary>Titles of columns that were not read, since they are none of those that are known.</summary>
    public required IReadOnlyList<string> UnreadColumns { get; init; }
    /// <summary>Schools that the file names and that do not exist; of the first 200 names. The placeholders keep the names.</summary>
    public required IReadOnlyList<string> UnknownSchools { get; init; }
}

/// <summary>A serial number that more than one iPad says is its own.</summary>
public sealed record SharedSerialView
{
    public required string SerialNumber { get; init; }
    /// <summary>How many iPads say so.</summary>
    public required long Count { get; init; }
    /// <summary>The first ten of them.</summary>
    public required IReadOnlyList<string> DeviceIds { get; init; }

    internal static SharedSerialView Of(SharedSerial shared) => new() { SerialNumber = shared.SerialNumber, Count = shared.Count, DeviceIds = shared.DeviceIds };
}
