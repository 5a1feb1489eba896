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

    /// <param name="skip">Wrong lines are left out; of one with an unknown school or person only that.</param>
    /// <exception cref="ApiProblem">400: the file cannot be read; 503: others are being read.</exception>
    public async Task<DeviceImportView> Stage(HttpContext context, ReadOnlyMemory<byte> bytes, bool skip)
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
            Rows = file.Rows,
        });
        return await Get(id);
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<DeviceImportView> Get(string id)
    {
        var import = await Row(id);
        var notes = JsonSerializer.Deserialize<ImportNotes>(import.Notes)!;
        return new DeviceImportView
        {
            Id = import.Id,
            State = import.Result is null ? "preview" : "applied",
            Counts = DeviceImportCountsView.Of(import.Result ?? await store.Compare(import.Id)),
            Faults = notes.Faults,
            FaultCount = notes.FaultCount,
            CanBeApplied = import.Result is null && (notes.FaultCount == 0 || notes.Skip),
            Remarks = notes.Remarks,
            CreatedAt = import.CreatedAt,
            CreatedBy = import.CreatedBy,
            AppliedAt = import.AppliedAt,
            AppliedBy = import.AppliedBy,
        };
    }

    public async Task<Page<DeviceImportChangeView>> Changes(string id, string? change, string? after, int limit)
    {
        var import = await Row(id);
        var kind = Text.Name<DeviceImportChangeKind>("change", change) ?? throw ApiProblem.Field("change", "It must be added, changed, handedOut, waiting or kept.");
        if (after is not null && PlaceholderCsv.SerialFault(after) is not null) throw ApiProblem.InvalidCursor();
        return Page.Of(await store.ListChanges(import.Id, kind, after, limit + 1), limit, DeviceImportChangeView.Of, row => row.SerialNumber);
    }

    /// <exception cref="ApiProblem">404; 422: lines are wrong.</exception>
    public async Task<DeviceImportView> Apply(HttpContext context, string id)
    {
        var before = await Get(id);
        if (before is { CanBeApplied: false, State: "preview" })
        {
            throw ListReading.WrongLines(before.FaultCount);
        }

        return await store.Apply(before.Id, time.GetUtcNow(), FleetUser.Of(context).Name, trail.Entry(context, AuditVerbs.ImportApply, AuditTargets.Import, before.Id, detail: Format)) is null
            ? throw NotFound()
            : await Get(before.Id);
    }

    /// <exception cref="ApiProblem">404: there is none, or it was applied.</exception>
    public async Task Discard(string id)
    {
        if (!await store.Discard((await Row(id)).Id)) throw NotFound();
    }

    private async Task<DeviceImport> Row(string id) => (Text.Uuid(id) is { } uuid ? await store.Find(uuid.ToString("D")) : null) ?? throw NotFound();

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such import. One that is not applied is kept for a day.");
}
