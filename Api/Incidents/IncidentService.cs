using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Incidents;

namespace FleetMdm.Api.Incidents;

/// <summary>Notes on iPads and what is wrong with them, for REST and for the console. Records say that, and never what, was written.</summary>
internal sealed class IncidentService(IIncidentStore store, DeviceLookup devices, AuditTrail trail, TimeProvider time)
{
    public const int LongestNote = 2_000;

    private const int MostNotes = 200;

    public async Task<Page<IncidentView>> List(FleetUser reader, IncidentFilter filter, string? after, int limit) => Page.Of(
        await store.List(reader.Scope, filter, Cursor(after), limit + 1), limit, IncidentView.Of, row => row.Incident.Id);

    /// <param name="state">open, closed or all; null: open.</param>
    public static IncidentFilter Filter(string? state, string? kind, string? schoolId) => new()
    {
        Open = state switch
        {
            null or "" or "open" => true,
            "closed" => false,
            "all" => null,
            _ => throw ApiProblem.Field("state", "It must be open, closed or all."),
        },
        Kind = string.IsNullOrEmpty(kind) ? null : Kind(kind),
        SchoolId = string.IsNullOrEmpty(schoolId) ? null : PeopleService.Id("school", schoolId),
    };

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<IncidentDetailView> Get(FleetUser reader, string id)
    {
        var row = await Row(reader, id);
        return IncidentDetailView.Of(row, await store.ListNotes(reader.Scope, row.Incident.DeviceId, row.Incident.Id, null, MostNotes));
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<Page<NoteView>> Notes(FleetUser reader, string deviceId, string? after, int limit) => Page.Of(
        await store.ListNotes(reader.Scope, (await devices.Row(deviceId)).Id, null, Cursor(after), limit + 1), limit, NoteView.Of, note => note.Id);

    /// <exception cref="ApiProblem">404; 409: one of this kind is open; 422: too many notes.</exception>
    public async Task<IncidentDetailView> Open(HttpContext context, string deviceId, IncidentRequest request)
    {
        var user = FleetUser.Of(context);
        return await Get(user, await Open(context, user.Scope, deviceId, request, user.Name));
    }

    /// <param name="context">Of the request.</param>
    /// <param name="scope">What they may open one for.</param>
    /// <param name="deviceId">Of the iPad.</param>
    /// <param name="request">What is wrong.</param>
    /// <param name="by">Who says so, as it is kept.</param>
    /// <returns>Its id.</returns>
    /// <exception cref="ApiProblem">As above.</exception>
    internal async Task<string> Open(HttpContext context, Scope scope, string deviceId, IncidentRequest request, string by)
    {
        var device = await devices.Row(deviceId);
        var kind = Kind(request.Kind);
        var now = time.GetUtcNow();
        var incident = new Incident
        {
            Id = RequestIds.NewGuid(context, "incident").ToString("D"),
            Version = 1,
            DeviceId = device.Id,
            Kind = kind,
            OpenedAt = now,
            OpenedBy = by,
        };
        var note = Note(context, device.Id, NoteKind.Opened, request.Text) with { IncidentId = incident.Id, Kind = kind, By = by };
        Refuse(await store.Open(scope, incident, note, Record(context, AuditVerbs.IncidentOpen, device.Id, incident.Id, IncidentView.KindOf(kind))));
        return incident.Id;
    }

    /// <param name="basedOn">The version that the change was made from; null: whatever stands.</param>
    /// <exception cref="ApiProblem">404; 409: another of this kind is open; 412: changed in between.</exception>
    public Task<IncidentDetailView> Change(HttpContext context, string id, int? basedOn, IncidentChangeRequest request) => EntityTag.Attempt(basedOn, async () =>
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id)).Incident;
        var kind = Kind(request.Kind);
        var wasClosed = standing.ClosedAt is not null;
        if ((basedOn ?? standing.Version) == standing.Version && kind == standing.Kind && request.Closed == wasClosed && string.IsNullOrWhiteSpace(request.Text))
            return await Get(user, standing.Id);
        var what = (wasClosed, request.Closed) switch
        {
            (false, true) => NoteKind.Closed,
            (true, false) => NoteKind.Reopened,
            _ => kind == standing.Kind ? NoteKind.Note : NoteKind.Changed,
        };
        var incident = standing with
        {
            Version = (basedOn ?? standing.Version) + 1,
            Kind = kind,
            ClosedAt = request.Closed ? standing.ClosedAt ?? time.GetUtcNow() : null,
            ClosedBy = request.Closed ? standing.ClosedBy ?? user.Name : null,
        };
        var note = Note(context, standing.DeviceId, what, request.Text) with { IncidentId = standing.Id, Kind = kind };
        Refuse(await store.Change(user.Scope, incident, note,
            Record(context, AuditVerbs.IncidentChange, standing.DeviceId, standing.Id, $"{IncidentView.KindOf(kind)}, {what.ToString().ToLowerInvariant()}")));
        return await Get(user, standing.Id);
    });

    /// <exception cref="ApiProblem">404; 422: too many notes.</exception>
    public async Task<NoteView> AddNote(HttpContext context, string deviceId, NoteRequest request)
    {
        var device = await devices.Row(deviceId);
        var note = Note(context, device.Id, NoteKind.Note, Words(request.Text) ?? throw ApiProblem.Field("text", "It must not be empty."));
        Refuse(await store.AddNote(FleetUser.Of(context).Scope, note, Record(context, AuditVerbs.NoteWrite, device.Id, note.Id, null)));
        return NoteView.Of(note);
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task RemoveNote(HttpContext context, string deviceId, string noteId)
    {
        var device = await devices.Row(deviceId);
        var id = Text.Uuid(noteId)?.ToString("D") ?? throw NoNote();
        if (!await store.RemoveNote(FleetUser.Of(context).Scope, device.Id, id, Record(context, AuditVerbs.NoteRemove, device.Id, id, null))) throw NoNote();
    }

    private async Task<IncidentRow> Row(FleetUser reader, string id) =>
        (Text.Uuid(id) is { } uuid ? await store.Find(reader.Scope, uuid.ToString("D")) : null) ?? throw NotFound();

    private DeviceNote Note(HttpContext context, string deviceId, NoteKind what, string? text) => new()
    {
        Id = RequestIds.NewGuid(context, "note").ToString("D"),
        DeviceId = deviceId,
        What = what,
        Text = Words(text),
        At = time.GetUtcNow(),
        By = FleetUser.Of(context).Name,
    };

    /// <summary>Of the iPad, so that it stands among what was done to it.</summary>
    private AuditRecord Record(HttpContext context, string verb, string deviceId, string subject, string? detail) =>
        trail.Entry(context, verb, AuditTargets.Device, deviceId, subject: subject, detail: detail);

    /// <summary>With its line breaks.</summary>
    private static string? Words(string? text)
    {
        if (string.IsNullOrWhiteSpace(text)) return null;
        var lines = text.ReplaceLineEndings("\n").Trim();
        Text.Required("text", lines.Replace('\n', ' '), LongestNote);
        return lines;
    }

    private static IncidentKind Kind(string? kind) => Text.Name<IncidentKind>("kind", kind) ?? throw ApiProblem.Field("kind", "It is required.");

    private static string? Cursor(string? after) => after is null ? null : Text.Uuid(after)?.ToString("D") ?? throw ApiProblem.InvalidCursor();

    private static void Refuse(IncidentOutcome outcome)
    {
        switch (outcome)
        {
            case IncidentOutcome.Written:
                return;
            case IncidentOutcome.NoDevice:
                throw DeviceLookup.NotFound();
            case IncidentOutcome.IsOpen:
                throw ApiProblem.Conflict(ProblemCodes.IncidentOpen, "It is open already", "An incident of this kind is open for this iPad. Write what is new into that one.");
            case IncidentOutcome.TooMany:
                throw new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.TooMany, "Too many notes", "This iPad has 1,000 notes. Remove some that nobody needs.");
            case IncidentOutcome.VersionConflict:
                throw EntityTag.Changed("the incident");
            default:
                throw NotFound();
        }
    }

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such incident.");

    private static ApiProblem NoNote() => ApiProblem.NotFound("There is no such note.");
}
