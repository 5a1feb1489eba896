using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Imports;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Api.Imports;

// A file:
//
//   1. read       encoding, delimiter, lines; what is wrong is noted by line and column
//   2. staged     in tables beside those of people: nothing that stands is changed
//   3. compared   with what stands: what would be added, changed, removed
//   4. applied    when a person has looked at it: all of it in one transaction, or nothing

/// <summary>Imports, for REST and for the console.</summary>
internal sealed class ImportService(IImportStore store, ISchoolStore schools, ListReading reading, AuditTrail trail, TimeProvider time)
{
    private const int MostClashes = 100;

    /// <param name="complete">Of a CSV file: it is the whole list of its schools. OneRoster says it itself.</param>
    /// <param name="skip">Wrong lines are left out. Then nobody leaves by this file: a wrong line may be somebody's.</param>
    /// <exception cref="ApiProblem">400: the file cannot be read; 503: others are being read.</exception>
    public async Task<ImportView> Stage(HttpContext context, ReadOnlyMemory<byte> bytes, bool complete, bool skip)
    {
        var user = FleetUser.Of(context);
        // Until it is staged: as long it stands in memory.
        using var turn = await reading.Enter(context.RequestAborted);
        // 1
        var known = await KnownSchools.Load(schools, user.Scope);
        PeopleFile file;
        try
        {
            file = OneRoster.IsZip(bytes.Span) ? OneRoster.Parse(bytes, known) : PeopleCsv.Parse(bytes, complete, known);
        }
        catch (CsvException e)
        {
            throw ListReading.Unreadable(e);
        }

        if (file is { Complete: true, FaultCount: > 0 } && skip)
        {
            file.Complete = false;
            file.Remarks.Add("Lines are left out, so nobody leaves and no class ends by this file.");
        }

        // 2
        var id = RequestIds.NewGuid(context, "import").ToString("D");
        await store.Stage(new ImportFile
        {
            Id = id,
            Format = file.Format,
            Complete = file.Complete,
            Columns = [.. file.Columns],
            Notes = JsonSerializer.Serialize(new ImportNotes(file.Faults, file.FaultCount, file.Remarks, skip)),
            CreatedAt = time.GetUtcNow(),
            CreatedBy = user.Name,
            Schools = [.. file.Schools.Values],
            People = [.. file.People.Values],
            Classes = [.. file.Classes.Values],
            Members = [.. file.Members.Values],
        });
        return await Get(id);
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<ImportView> Get(string id)
    {
        var import = await Row(id);
        // 3
        var clashes = import.Result is null ? await store.FindClashes(import.Id, MostClashes) : [];
        return View(import, import.Result ?? await store.Compare(import.Id), clashes);
    }

    public async Task<Page<ImportChangeView>> Changes(string id, string? change, string? after, int limit)
    {
        var import = await Row(id);
        var kind = Text.Name<ImportChangeKind>("change", change) ?? throw ApiProblem.Field("change", "It must be added, changed or removed.");
        if (after is { Length: > People.PeopleService.LongestId }) throw ApiProblem.InvalidCursor();
        var rows = await store.ListChanges(import.Id, kind, after, limit + 1);
        return Page.Of(rows, limit, ImportChangeView.Of, row => row.SourceId);
    }

    /// <exception cref="ApiProblem">404; 409: more than a tenth would leave, and not as many as was said; 422: lines are wrong.</exception>
    public async Task<ImportView> Apply(HttpContext context, string id, long? removals)
    {
        var user = FleetUser.Of(context);
        var before = await Get(id);
        if (!before.CanBeApplied && before.State == "preview")
        {
            throw ListReading.WrongLines(before.FaultCount);
        }

        // 4
        var applied = await store.Apply(before.Id, removals, time.GetUtcNow(), user.Name, trail.Entry(context, AuditVerbs.ImportApply, AuditTargets.Import, before.Id, detail: before.Format));
        return applied.Outcome switch
        {
            ImportOutcome.NotFound => throw NotFound(),
            ImportOutcome.RemovesMany => throw new ApiProblem(StatusCodes.Status409Conflict, ProblemCodes.RemovesMany, "Many people would leave", string.Create(CultureInfo.InvariantCulture,
                $"{applied.Counts!.PeopleRemoved} of {applied.Counts.PeopleBefore} people would leave. If that is meant, apply it with removals: {applied.Counts.PeopleRemoved}."))
            {
                Found = applied.Counts.PeopleRemoved,
            },
            _ => await Get(before.Id),
        };
    }

    /// <exception cref="ApiProblem">404: there is none, or it was applied.</exception>
    public async Task Discard(string id)
    {
        if (!await store.Discard((await Row(id)).Id)) throw NotFound();
    }

    private async Task<Import> Row(string id) => (Text.Uuid(id) is { } uuid ? await store.Find(uuid.ToString("D")) : null) ?? throw NotFound();

    private static ImportView View(Import import, ImportCounts counts, IReadOnlyList<ImportClash> clashes)
    {
        var notes = JsonSerializer.Deserialize<ImportNotes>(import.Notes)!;
        return new ImportView
        {
            Id = import.Id,
            State = import.Result is null ? "preview" : "applied",
            Format = import.Format,
            Complete = import.Complete,
            Counts = ImportCountsView.Of(counts),
            RemovesMany = import.Result is null && counts.RemovesMany,
            Faults =
            [
                .. notes.Faults,
                .. clashes.Select(clash => new ImportFault(null, clash.Line, "managedAccount", "Another person has this managed Apple Account. Correct the file, or that person.")),
            ],
            FaultCount = notes.FaultCount + clashes.Count,
            CanBeApplied = import.Result is null && clashes.Count == 0 && (notes.FaultCount == 0 || notes.Skip),
            Remarks = notes.Remarks,
            CreatedAt = import.CreatedAt,
            CreatedBy = import.CreatedBy,
            AppliedAt = import.AppliedAt,
            AppliedBy = import.AppliedBy,
        };
    }

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such import. One that is not applied is kept for a day.");
}
