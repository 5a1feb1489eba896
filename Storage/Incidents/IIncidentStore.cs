using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Incidents;

/// <summary>Notes on iPads, and what is wrong with them. What the rights cover: iPads at a school of the scope.</summary>
public interface IIncidentStore
{
    /// <summary>The newest first.</summary>
    /// <param name="scope">What the reader's rights cover.</param>
    /// <param name="filter">All parts that are set must hold.</param>
    /// <param name="after">The id of the last of the page before; one that is not known ends the list.</param>
    /// <param name="limit">At most so many.</param>
    Task<IReadOnlyList<IncidentRow>> List(Scope scope, IncidentFilter filter, string? after, int limit);

    Task<IncidentRow?> Find(Scope scope, string id);

    Task<long> CountOpen(Scope scope);

    /// <param name="scope">What the rights of who asks cover.</param>
    /// <param name="incident">A new one.</param>
    /// <param name="note">That it was opened, and what was said of it.</param>
    /// <param name="audit">The record of it.</param>
    Task<IncidentOutcome> Open(Scope scope, Incident incident, DeviceNote note, AuditRecord? audit);

    /// <summary>Writes the whole incident, with a version one higher than it stands.</summary>
    Task<IncidentOutcome> Change(Scope scope, Incident incident, DeviceNote note, AuditRecord? audit);

    /// <summary>Of an iPad, or of one incident; the newest first.</summary>
    Task<IReadOnlyList<DeviceNote>> ListNotes(Scope scope, string deviceId, string? incidentId, string? after, int limit);

    /// <summary>A note that stands already changes nothing.</summary>
    Task<IncidentOutcome> AddNote(Scope scope, DeviceNote note, AuditRecord? audit);

    /// <summary>False: there is no such note.</summary>
    Task<bool> RemoveNote(Scope scope, string deviceId, string noteId, AuditRecord? audit);
}

/// <summary>Stored as a number: never renumber.</summary>
public enum IncidentKind : short
{
    BrokenScreen = 1,
    InRepair = 2,
    Lost = 3,
    Other = 4,
}

/// <summary>What a note is. Stored as a number: never renumber.</summary>
public enum NoteKind : short
{
    Note = 1,
    Opened = 2,
    Changed = 3,
    Closed = 4,
    Reopened = 5,
}

public sealed record Incident
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    /// <summary>1 for the first, one more with each change.</summary>
    public required int Version { get; init; }
    public required string DeviceId { get; init; }
    public required IncidentKind Kind { get; init; }
    public required DateTimeOffset OpenedAt { get; init; }
    public required string OpenedBy { get; init; }
    /// <summary>Null: it is open.</summary>
    public DateTimeOffset? ClosedAt { get; init; }
    public string? ClosedBy { get; init; }
}

/// <param name="Incident">As it stands.</param>
/// <param name="DeviceName">Of the iPad.</param>
/// <param name="SerialNumber">Of the iPad.</param>
/// <param name="School">Of the iPad.</param>
/// <param name="Said">The newest text about it.</param>
public sealed record IncidentRow(Incident Incident, string? DeviceName, string? SerialNumber, string? School, string? Said);

public sealed record DeviceNote
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    public required string DeviceId { get; init; }
    public string? IncidentId { get; init; }
    public required NoteKind What { get; init; }
    /// <summary>Of the incident, from then on.</summary>
    public IncidentKind? Kind { get; init; }
    public string? Text { get; init; }
    public required DateTimeOffset At { get; init; }
    public required string By { get; init; }
}

public sealed record IncidentFilter
{
    public string? DeviceId { get; init; }
    public bool? Open { get; init; }
    public IncidentKind? Kind { get; init; }
    /// <summary>Only iPads of this school, by its id.</summary>
    public string? SchoolId { get; init; }
}

public enum IncidentOutcome
{
    Written,
    /// <summary>The rights cover no such incident.</summary>
    NotFound,
    /// <summary>The rights cover no such iPad, or it is a user of a Shared iPad.</summary>
    NoDevice,
    /// <summary>One of this kind is open.</summary>
    IsOpen,
    /// <summary>Somebody else has changed it in between.</summary>
    VersionConflict,
    /// <summary>The iPad has as many notes as it may have.</summary>
    TooMany,
}
