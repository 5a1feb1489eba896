using System.Globalization;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Placeholders;

namespace FleetMdm.Api.Placeholders;

/// <summary>Placeholders, for REST and for the console.</summary>
internal sealed class PlaceholderService(IPlaceholderStore store, AuditTrail trail, TimeProvider time)
{
    public async Task<PlaceholderView> Find(string serialNumber)
    {
        var serial = Serial("serialNumber", serialNumber);
        return await ViewOf(serial) ?? throw ApiProblem.NotFound("There is no placeholder with this serial number.");
    }

    public async Task<Page<PlaceholderView>> List(string? after, int limit, string? state)
    {
        bool? enrolled = state switch
        {
            null => null,
            "waiting" => false,
            "enrolled" => true,
            _ => throw ApiProblem.Field("state", "It must be waiting or enrolled."),
        };
        if (after is not null && PlaceholderCsv.SerialFault(after) is not null)
            throw ApiProblem.Field("after", "It must be the \"next\" of a page.", ProblemCodes.InvalidCursor);
        var rows = await store.List(after, limit + 1, enrolled);
        return Page.Of(rows, limit, PlaceholderView.Of, row => row.Placeholder.SerialNumber);
    }

    public async Task<Page<SharedSerialView>> Shared(string? after, int limit)
    {
        if (after is not null && after.Length > PlaceholderCsv.LongestText) throw ApiProblem.Field("after", "It must be the \"next\" of a page.", ProblemCodes.InvalidCursor);
        var rows = await store.Shared(after, limit + 1);
        return Page.Of(rows, limit, SharedSerialView.Of, row => row.SerialNumber);
    }

    public async Task<PlaceholderView> Put(HttpContext context, string serialNumber, PlaceholderRequest request)
    {
        var serial = Serial("serialNumber", serialNumber);
        await store.Write(new PlaceholderWrite
        {
            Rows =
            [
                new Placeholder
                {
                    SerialNumber = serial,
                    Name = Text.Optional("name", request.Name),
                    School = Text.Optional("school", request.School),
                    AssetTag = Text.Optional("assetTag", request.AssetTag),
                },
            ],
            By = FleetUser.Of(context).Name,
            At = time.GetUtcNow(),
            Audit = trail.Entry(context, AuditVerbs.PlaceholderWrite, AuditTargets.Placeholder, serial, detail: request.Name),
        });
        return await ViewOf(serial) ?? throw ApiProblem.NotFound("The placeholder was removed in the meantime.");
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task Remove(HttpContext context, string serialNumber)
    {
        var serial = Serial("serialNumber", serialNumber);
        if (!await store.Remove(serial, trail.Entry(context, AuditVerbs.PlaceholderRemove, AuditTargets.Placeholder, serial)))
            throw ApiProblem.NotFound("There is no placeholder with this serial number.");
    }

    /// <summary>Writes the rows of a file: all of them, or with <paramref name="skip"/> those that are right.</summary>
    /// <exception cref="ApiProblem">400: the file cannot be read; 422: lines are wrong, and nothing was written.</exception>
    public async Task<ImportResult> Import(HttpContext context, ReadOnlyMemory<byte> file, bool skip, bool dryRun)
    {
        PlaceholderCsv csv;
        try
        {
            csv = PlaceholderCsv.Parse(file.Span);
        }
        catch (CsvException e)
        {
            throw new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidCsv, "The file cannot be read", e.Message);
        }

        if (csv.FaultCount > 0 && !skip && !dryRun) throw Refuse(csv);
        var written = await store.Write(new PlaceholderWrite
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
        };
    }

    private async Task<PlaceholderView?> ViewOf(string serial) =>
        await store.Standing(serial) is { } standing ? PlaceholderView.Of(standing) : null;

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
