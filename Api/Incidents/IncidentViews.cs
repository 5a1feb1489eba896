using FleetMdm.Api.Rest;
using FleetMdm.Storage.Incidents;

namespace FleetMdm.Api.Incidents;

/// <summary>Something is said of an iPad.</summary>
public sealed record NoteRequest
{
    /// <summary>At most 2,000 characters. Line breaks are kept.</summary>
    public required string Text { get; init; }
}

/// <summary>Something is wrong with an iPad.</summary>
public sealed record IncidentRequest
{
    [OneOf("brokenScreen", "inRepair", "lost", "other")]
    public required string Kind { get; init; }
    /// <summary>What happened. At most 2,000 characters.</summary>
    public string? Text { get; init; }
}

/// <summary>What becomes of an incident.</summary>
public sealed record IncidentChangeRequest
{
    [OneOf("brokenScreen", "inRepair", "lost", "other")]
    public required string Kind { get; init; }
    /// <summary>true: it is over. false: it is open, or opened again.</summary>
    public required bool Closed { get; init; }
    /// <summary>What was done. At most 2,000 characters.</summary>
    public string? Text { get; init; }
}

/// <summary>What was said of an iPad, or done about what is wrong with it.</summary>
public sealed record NoteView
{
    public required string Id { get; init; }
    /// <summary>note; of an incident besides opened, changed, closed, reopened.</summary>
    [OneOf("note", "opened", "changed", "closed", "reopened")]
    public required string What { get; init; }
    /// <summary>Null: it is about no incident.</summary>
    public string? IncidentId { get; init; }
    /// <summary>Of the incident, from then on.</summary>
    [OneOf("brokenScreen", "inRepair", "lost", "other")]
    public string? Kind { get; init; }
    public string? Text { get; init; }
    public required DateTimeOffset At { get; init; }
    public required string By { get; init; }

    internal static NoteView Of(DeviceNote note) => new()
    {
        Id = note.Id,
        What = note.What.ToString().ToLowerInvariant(),
        IncidentId = note.IncidentId,
        Kind = note.Kind is { } kind ? IncidentView.KindOf(kind) : null,
        Text = note.Text,
        At = note.At,
        By = note.By,
    };
}

/// <summary>What is or was wrong with an iPad.</summary>
public record IncidentView
{
    public required string Id { get; init; }
    /// <summary>One more with each change. The <c>ETag</c> is the same.</summary>
    public required int Version { get; init; }
    public required string DeviceId { get; init; }
    public string? DeviceName { get; init; }
    public string? SerialNumber { get; init; }
    /// <summary>Of the iPad.</summary>
    public string? School { get; init; }
    [OneOf("brokenScreen", "inRepair", "lost", "other")]
    public required string Kind { get; init; }
    /// <summary>The newest that was said of it.</summary>
    public string? Said { get; init; }
    public required DateTimeOffset OpenedAt { get; init; }
    public required string OpenedBy { get; init; }
    /// <summary>Null: it is open.</summary>
    public DateTimeOffset? ClosedAt { get; init; }
    public string? ClosedBy { get; init; }

    /// <summary>Never an id, if there is anything else.</summary>
    internal string DeviceWords => DeviceName ?? SerialNumber ?? DeviceId;

    internal string KindWords => WordsOf(Kind);

    /// <summary>To choose one of.</summary>
    internal static readonly (string Value, string Words)[] Kinds = [("brokenScreen", "Broken screen"), ("inRepair", "In repair"), ("lost", "Lost"), ("other", "Other")];

    internal static string WordsOf(string? kind) => Array.Find(Kinds, known => known.Value == kind).Words ?? "";

    internal static string KindOf(IncidentKind kind) => char.ToLowerInvariant(kind.ToString()[0]) + kind.ToString()[1..];

    internal static IncidentView Of(IncidentRow row) => Fill(row, []);

    private protected static IncidentDetailView Fill(IncidentRow row, IReadOnlyList<DeviceNote> notes) => new()
    {
        Id = row.Incident.Id,
        Version = row.Incident.Version,
        DeviceId = row.Incident.DeviceId,
        DeviceName = row.DeviceName,
        SerialNumber = row.SerialNumber,
        School = row.School,
        Kind = KindOf(row.Incident.Kind),
        Said = row.Said,
        OpenedAt = row.Incident.OpenedAt,
        OpenedBy = row.Incident.OpenedBy,
        ClosedAt = row.Incident.ClosedAt,
        ClosedBy = row.Incident.ClosedBy,
        Notes = [.. notes.Select(NoteView.Of)],
    };
}

/// <summary>An incident with its history.</summary>
public sealed record IncidentDetailView : IncidentView
{
    /// <summary>The newest first; at most 200.</summary>
    public required IReadOnlyList<NoteView> Notes { get; init; }

    internal static IncidentDetailView Of(IncidentRow row, IReadOnlyList<DeviceNote> notes) => Fill(row, notes);
}
