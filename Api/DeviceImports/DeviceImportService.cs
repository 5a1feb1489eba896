using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Imports;
using FleetMdm.Api.Placeholders;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.DeviceImports;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Api.DeviceImports;

/// <summary>Lists of iPads of other servers, for REST and for the console: read, staged, compared, and applied as imports of people are.</summary>
internal sealed class DeviceImportService(IDeviceImportStore store, ISchoolStore schools, ListReading reading, AuditTrail trail, TimeProvider time)
{
    private const string Format = "devices";
    private const int MostListed = 50;

    /// <param name="skip">Wrong lines are left out; of one with an unknown school or person only that.</param>
    /// <param name="handOver">iPads that another person has come back from that one.</param>
    /// <exception cref="ApiProblem">400: the file cannot be read; 503: others are being read.</exception>
    public async Task<DeviceImportView> Stage(HttpContext context, ReadOnlyMemory<byte> bytes, bool skip, bool handOver)
    {
        var user = FleetUser.Of(context);
        DeviceCsv file;
        // Until it is staged: as long it stands in memory.
        using var turn = await reading.Enter(context.RequestAborted);
        try
        {
            file = await DeviceCsv.Parse(bytes, await KnownSchools.Load(schools, user.Scope), () => store.ListLogins(user.Scope), skip,
                row => RequestIds.NewGuid(context, string.Create(CultureInfo.InvariantCulture, $"holding {row}")).ToString("D"));
        }
        catch (CsvException e)
        {
            throw ListReading.Unreadable(e);
        }

        var id = RequestIds.NewGuid(context, "import").ToString("D");
        await store.Stage(new DeviceImportFile
        {
            Id = id,
            WithName = file.WithName,
            WithSchool = file.WithSchool,
            WithAssetTag = file.WithAssetTag,
            Notes = JsonSerializer.Serialize(new ImportNotes(file.Faults, file.FaultCount, file.Remarks, skip)),
            CreatedAt = time.GetUtcNow(),
            CreatedBy = user.Name,
            HandOver = handOver,
            Rows = file.Rows,
        });
        return await Get(id);
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<DeviceImportView> Get(string id)
    {
        var import = await Row(id);
        return ViewOf(import, import.Result ?? await store.Compare(import.Id));
    }

    private DeviceImportView ViewOf(DeviceImport import, DeviceImportCounts counts)
    {
        var notes = JsonSerializer.Deserialize<ImportNotes>(import.Notes)!;
        return new DeviceImportView
        {
            Id = import.Id,
            State = import.Undone is not null ? "undone" : import.Result is null ? "preview" : "applied",
            Counts = DeviceImportCountsView.Of(counts),
            Faults = notes.Faults,
            FaultCount = notes.FaultCount,
            CanBeApplied = import.Result is null && (notes.FaultCount == 0 || notes.Skip),
            Remarks = notes.Remarks,
            CreatedAt = import.CreatedAt,
            CreatedBy = import.CreatedBy,
            AppliedAt = import.AppliedAt,
            AppliedBy = import.AppliedBy,
            HandOver = import.HandOver,
            CanBeUndoneUntil = import is { Undone: null, IsKept: true } && import.AppliedAt + IDeviceImportStore.CanBeUndoneFor is { } until && until > time.GetUtcNow() ? until : null,
            UndoneAt = import.UndoneAt,
            UndoneBy = import.UndoneBy,
            Undone = import.Undone is null ? null : DeviceImportUndoneView.Of(import.Undone),
        };
    }

    public async Task<Page<DeviceImportChangeView>> Changes(string id, string? change, string? after, int limit)
    {
        var import = await Row(id);
        var kind = Text.Name<DeviceImportChangeKind>("change", change) ?? throw ApiProblem.Field("change", "It must be added, changed, handedOut, handedOver, waiting or kept.");
        if (after is not null && PlaceholderCsv.SerialFault(after) is not null) throw ApiProblem.InvalidCursor();
        return Page.Of(await store.ListChanges(import.Id, kind, after, limit + 1), limit, DeviceImportChangeView.Of, row => row.SerialNumber);
    }

    /// <exception cref="ApiProblem">404; 409: not as many iPads change hands as was said; 422: lines are wrong.</exception>
    public async Task<DeviceImportView> Apply(HttpContext context, string id, long? handedOver)
    {
        var before = await Get(id);
        if (before is { CanBeApplied: false, State: "preview" })
        {
            throw ListReading.WrongLines(before.FaultCount);
        }

        if (before.State == "undone") throw ApiProblem.Conflict(ProblemCodes.ImportUndone, "The list was undone", "It was applied and undone. Upload it again to apply it again.");

        var applied = await store.Apply(
            before.Id, handedOver ?? 0, time.GetUtcNow(), FleetUser.Of(context).Name, trail.Entry(context, AuditVerbs.ImportApply, AuditTargets.Import, before.Id, detail: Format));
        return applied.Outcome switch
        {
            DeviceImportOutcome.NotFound => throw NotFound(),
            DeviceImportOutcome.NotAsExpected => throw new ApiProblem(StatusCodes.Status409Conflict, ProblemCodes.NotAsExpected, "iPads would change hands", string.Create(
                CultureInfo.InvariantCulture,
                $"{applied.Counts!.HandedOver} iPads would come back from the person who has them, and be handed out. Nothing was changed. If that is meant, apply it with handedOver={applied.Counts.HandedOver}."))
            {
                Found = applied.Counts.HandedOver,
            },
            _ => await Get(before.Id),
        };
    }

    /// <exception cref="ApiProblem">404; 409: it is not applied, or too long ago.</exception>
    public async Task<DeviceImportView> Undo(HttpContext context, string id)
    {
        var import = await Row(id);
        return await store.Undo(import.Id, time.GetUtcNow(), FleetUser.Of(context).Name, trail.Entry(context, AuditVerbs.ImportUndo, AuditTargets.Import, import.Id, detail: Format)) switch
        {
            DeviceImportUndoOutcome.NotFound => throw NotFound(),
            DeviceImportUndoOutcome.NotApplied => throw ApiProblem.Conflict(ProblemCodes.CannotBeUndone, "The list is not applied", "There is nothing to take back. Discard the list."),
            DeviceImportUndoOutcome.NotKept => throw ApiProblem.Conflict(ProblemCodes.CannotBeUndone, "Nothing can be taken back",
                "It is not known what this list handed out: it handed out nothing, or an older version of the server applied it."),
            DeviceImportUndoOutcome.TooLate => throw ApiProblem.Conflict(ProblemCodes.CannotBeUndone, "The list was applied too long ago", string.Create(CultureInfo.InvariantCulture,
                $"What it handed out can be taken back for {IDeviceImportStore.CanBeUndoneFor.TotalDays} days. Record it for each iPad, or apply another list.")),
            _ => await Get(import.Id),
        };
    }

    /// <exception cref="ApiProblem">404; 409: it was applied.</exception>
    public async Task Discard(string id)
    {
        if (!await store.Discard((await Row(id)).Id)) throw ApiProblem.Conflict(ProblemCodes.ImportApplied, "The list was applied", "Only a list that was not applied can be discarded.");
    }

    /// <summary>Those that were applied, the newest first.</summary>
    public async Task<IReadOnlyList<DeviceImportView>> Applied() => [.. (await store.ListApplied(MostListed)).Select(import => ViewOf(import, import.Result!))];

    private async Task<DeviceImport> Row(string id) => (Text.Uuid(id) is { } uuid ? await store.Find(uuid.ToString("D")) : null) ?? throw NotFound();

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such import. One that is not applied is kept for a day.");
}
