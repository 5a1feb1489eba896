using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Api.Operations;

/// <summary>An operation that is started again and again.</summary>
public sealed record RepeatingRequest
{
    /// <summary>What it is called.</summary>
    public required string Name { get; init; }
    /// <summary>All, or a filter: it is looked at anew for each run.</summary>
    public required OperationTargetRequest Target { get; init; }
    /// <summary>A command as for one iPad: <c>{"requestType": …}</c>. None that takes something away.</summary>
    public required JsonElement Command { get; init; }
    /// <summary>When each run starts, as in 17:00.</summary>
    public required string At { get; init; }
    /// <summary>Monday to Sunday. Absent: each day.</summary>
    public IReadOnlyList<string>? Days { get; init; }
    /// <summary>Whose clock it goes by, as in Europe/Stockholm. Absent: the option Operations:TimeZone.</summary>
    public string? TimeZone { get; init; }
    /// <summary>How each run begins, without <c>startAt</c>. Absent: on all at once.</summary>
    public OperationPaceRequest? Pace { get; init; }
    /// <summary>How many hours the command of a run is delivered, 1 to 8760. Absent: for ever.</summary>
    public int? ExpiresInHours { get; init; }
    /// <summary>false: wake nobody; each gets it when it next comes.</summary>
    /// <remarks>Settable: for an init property the serializer's generated code would put false where the field is absent.</remarks>
    public bool Push { get; set; } = true;
    /// <summary>true: also those get it that would refuse it, by what is known of them.</summary>
    public bool? Force { get; init; }
}

/// <summary>An operation that is started again and again.</summary>
public sealed record RepeatingView
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string RequestType { get; init; }
    public OperationTargetView? Target { get; init; }
    /// <summary>Running; Paused; Ended: it never runs again.</summary>
    [OneOf("Running", "Paused", "Ended")]
    public required string State { get; init; }
    public required string At { get; init; }
    public required IReadOnlyList<string> Days { get; init; }
    public required string TimeZone { get; init; }
    /// <summary>When it runs and how, as a sentence.</summary>
    public required string Words { get; init; }
    public DateTimeOffset? NextAt { get; init; }
    public DateTimeOffset? LastAt { get; init; }
    /// <summary>What the last run was. Absent: it started no operation.</summary>
    public string? LastOperationId { get; init; }
    /// <summary>Why the last run started no operation.</summary>
    public string? LastProblem { get; init; }
    public int? ExpiresInHours { get; init; }
    public required bool Push { get; init; }
    public required bool Force { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>The name of the token that asked for it.</summary>
    public required string CreatedBy { get; init; }
    /// <summary>Its last 20 runs, newest first. Only of one that is asked for by its id.</summary>
    public IReadOnlyList<OperationSummary>? Runs { get; init; }

    internal static RepeatingView Of(RepeatingOperation row) => new()
    {
        Id = row.Id,
        Name = row.Name,
        RequestType = row.RequestType,
        Target = OperationTargetView.Read(row.Asked),
        State = row.State.ToString(),
        At = Clock(row.AtMinutes),
        Days = [.. row.Days.Select(day => day.ToString())],
        TimeZone = row.TimeZone,
        Words = When(row.Days, row.AtMinutes, row.TimeZone) + (row.Pace is null ? "" : "; " + OperationPaces.Words(row.Pace)),
        NextAt = row.NextAt,
        LastAt = row.LastAt,
        LastOperationId = row.LastOperationId,
        LastProblem = row.LastProblem,
        ExpiresInHours = row.ExpiresHours,
        Push = row.Push,
        Force = row.Force,
        CreatedAt = row.CreatedAt,
        CreatedBy = row.CreatedBy,
    };

    private static string Clock(int minutes) => string.Create(CultureInfo.InvariantCulture, $"{minutes / 60:00}:{minutes % 60:00}");

    private static string When(IReadOnlyList<DayOfWeek> days, int minutes, string zone) =>
        $"{(days.Distinct().Count() == 7 ? "every day" : string.Join(", ", days))} at {Clock(minutes)} ({zone})";
}
