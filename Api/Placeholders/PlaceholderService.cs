using System.Globalization;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Placeholders;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Api.Placeholders;

/// <summary>Placeholders, for REST and for the console.</summary>
internal sealed class PlaceholderService(IPlaceholderStore store, ISchoolStore schools, ListReading reading, AuditTrail trail, TimeProvider time)
{
    /// <summary>A file of a district names some dozens; one where each line names another is not looked up to its end.</summary>
    private const int MostSchoolsLookedUp = 200;

    public async Task<PlaceholderView> Find(FleetUser reader, string serialNumber)
    {
        var serial = Serial("serialNumber", serialNumber);
        return await ViewOf(reader, serial) ?? throw ApiProblem.NotFound("There is no placeholder with this serial number.");
    }

    public async Task<Page<PlaceholderView>> List(FleetUser reader, string? after, int limit, string? state)
    {
        bool? enrolled = state switch
        {
            null => null,
            "waiting" => false,
            "enrolled" => true,
            _ => throw ApiProblem.Field("state", "It must be waiting or enrolled."),
        };
        if (after is not null && PlaceholderCsv.SerialFault(after) is not null)
            throw ApiProblem.InvalidCursor();
        var rows = await store.List(reader.Scope, after, limit + 1, enrolled);
        return Page.Of(rows, limit, PlaceholderView.Of, row => row.Placeholder.SerialNumber);
    }

    public async Task<Page<SharedSerialView>> Shared(string? after, int limit)
    {
        if (after is not null && after.Length > PlaceholderCsv.LongestText) throw ApiProblem.InvalidCursor();
        var rows = await store.Shared(after, limit + 1);
        return Page.Of(rows, limit, SharedSerialView.Of, row => row.SerialNumber);
    }

    public async Task<PlaceholderView> Put(HttpContext context, string serialNumber, PlaceholderRequest request)
    {
        var serial = Serial("serialNumber", serialNumber);
        var user = FleetUser.Of(context);
        var school = Text.Optional("school", request.School);
        if (!user.IsOfDistrict && (school is null || await schools.FindByName(user.Scope, school) is null))
            throw ApiProblem.Field("school", "Your rights are for some schools only. Write the name of one of them.");
        var written = await store.Write(user.Scope, new PlaceholderWrite
        {
            Rows =
            [
                new Placeholder
                {
                    SerialNumber = serial,
                    Name = Text.Optional("name", request.Name),
                    School = school,
                    AssetTag = Text.Optional("assetTag", request.AssetTag),
                },
            ],
            By = user.Name,
            At = time.GetUtcNow(),
            Audit = trail.Entry(context, AuditVerbs.PlaceholderWrite, AuditTargets.Placeholder, serial, detail: request.Name),
        });
        if (written.Outside > 0)
            throw ApiProblem.Taken("serialNumber", ProblemCodes.SourceTaken, "The district knows this serial number, and not for your schools. Ask somebody with a token of the whole district.");
        return await ViewOf(user, serial) ?? throw ApiProblem.NotFound("The placeholder was removed in the meantime.");
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task Remove(HttpContext context, string serialNumber)
    {
        var serial = Serial("serialNumber", serialNumber);
        if (!await store.Remove(FleetUser.Of(context).Scope, serial, trail.Entry(context, AuditVerbs.PlaceholderRemove, AuditTargets.Placeholder, serial)))
            throw ApiProblem.NotFound("There is no placeholder with this serial number.");
    }

    /// <summary>Writes the rows of a file: all of them, or with <paramref name="skip"/> those that are right.</summary>
    /// <exception cref="ApiProblem">400: the file cannot be read; 422: lines are wrong, and nothing was written.</exception>
    public async Task<ImportResult> Import(HttpContext context, ReadOnlyMemory<byte> file, bool skip, bool dryRun)
    {
        using var turn = await reading.Enter(context.RequestAborted);
        PlaceholderCsv csv;
        try
        {
            csv = PlaceholderCsv.Parse(file);
        }
        catch (CsvException e)
        {
            throw ListReading.Unreadable(e);
        }

        if (csv.FaultCount > 0 && !skip && !dryRun) throw Refuse(csv);
        var written = await store.Write(FleetUser.Of(context).Scope, new PlaceholderWrite
        {
            Rows = csv.Rows,
            WithName = csv.WithName,
            WithSchool = csv.WithSchool,
            WithAssetTag = csv.WithAssetTag,
            By = FleetUser.Of(context).Name,
            At = time.GetUtcNow(),
            DryRun = dryRun,
            Audit = trail.Entry(context, AuditVerbs.PlaceholderWrite, AuditTargets.Placeholder, detail: "a file"),
        });
        return new ImportResult
        {
            Created = written.Created,
            Changed = written.Changed,
            Unchanged = written.Unchanged,
            Enrolled = written.Enrolled,
            Skipped = csv.FaultCount,
            Faults = csv.Faults,
            DryRun = dryRun,
            UnreadColumns = csv.Unread,
            UnknownSchools = await Unknown(context, csv.Rows.Select(row => row.School)),
        };
    }

    /// <summary>Names that no school has. They are kept as they are: a school may get that name later.</summary>
    public async Task<IReadOnlyList<string>> Unknown(HttpContext context, IEnumerable<string?> names)
    {
        var scope = FleetUser.Of(context).Scope;
        var unknown = new List<string>();
        foreach (var name in names.OfType<string>().Distinct(StringComparer.Ordinal).Take(MostSchoolsLookedUp))
        {
            if (await schools.FindByName(scope, name) is null) unknown.Add(name);
        }

        return unknown;
    }

    private async Task<PlaceholderView?> ViewOf(FleetUser reader, string serial) =>
        await store.Standing(reader.Scope, serial) is { } standing ? PlaceholderView.Of(standing) : null;

    private static ApiProblem Refuse(PlaceholderCsv csv)
    {
        var more = csv.FaultCount > csv.Faults.Count ? string.Create(CultureInfo.InvariantCulture, $" And {csv.FaultCount - csv.Faults.Count} more.") : "";
        return new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.InvalidCsv, "Lines of the file are wrong",
            string.Create(CultureInfo.InvariantCulture, $"{csv.FaultCount} of {csv.Rows.Count + csv.FaultCount} rows are wrong. Nothing was written. {string.Join(" ", csv.Faults.Select(fault => $"Line {fault.Line}: {fault.Message}."))}{more}"))
        {
            Errors = csv.Faults.ToDictionary(fault => string.Create(CultureInfo.InvariantCulture, $"line {fault.Line}"), fault => (string[])[fault.Message]),
        };
    }

    private static string Serial(string field, string value) => PlaceholderCsv.SerialFault(value) is null && value.Length > 0
        ? value.ToUpperInvariant()
        : throw ApiProblem.Field(field, "It must be a serial number: 1 to 20 letters and digits.");
}
