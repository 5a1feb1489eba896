using System.Globalization;
using System.Text;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Campaigns;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Schools;
using Text = FleetMdm.Api.Rest.Text;

namespace FleetMdm.Api.Campaigns;

/// <summary>Campaigns, for REST and for the console.</summary>
internal sealed class CampaignService(ICampaignStore store, ISchoolStore schools, ClassService classes, AuditTrail trail, TimeProvider time)
{
    private const int RowsAtATime = 1_000;

    private static readonly string[] Columns =
        ["school", "serialNumber", "assetTag", "deviceName", "person", "personId", "collectedAt", "collectedBy", "erasure", "erasedAt", "hasBypassCode", "lastSeenAt", "id"];

    public const int MostClasses = 200;
    private const int LongestCode = 100;
    private const int LongestDetail = 200;
    private const int Examples = 10;
    private const int Latest = 10;

    public async Task<Page<CampaignView>> List(FleetUser reader, string? after, int limit)
    {
        var last = after is null ? null : (await Row(reader, after))?.Campaign ?? throw ApiProblem.InvalidCursor();
        var rows = await store.List(reader.Scope, last is null ? null : (last.CreatedAt, last.Id), limit + 1);
        var counts = (await store.Count(reader.Scope, [.. rows.Select(row => row.Campaign.Id)])).ToLookup(one => one.CampaignId);
        return Page.Of(rows, limit, row => CampaignView.Of(row, counts[row.Campaign.Id], reader.Scope), row => row.Campaign.Id);
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<CampaignView> Get(FleetUser reader, string id)
    {
        var row = await Row(reader, id) ?? throw NotFound();
        return CampaignView.Of(row, await store.Count(reader.Scope, [row.Campaign.Id]), reader.Scope);
    }

    /// <summary>What it would write down now. Nothing is changed.</summary>
    /// <exception cref="ApiProblem">400.</exception>
    public async Task<CampaignPlanView> Plan(HttpContext context, CampaignRequest request)
    {
        var user = FleetUser.Of(context);
        var campaign = await Read(user, request, Guid.Empty.ToString("D"));
        var plan = await Filtered(() => store.Plan(user.Scope, new CampaignTarget(campaign.Target, campaign.ClassIds, campaign.SchoolId, campaign.CreatedAt), Examples));
        return new CampaignPlanView { Total = plan.Total, Assigned = plan.Assigned, Examples = [.. plan.Examples.Select(one => new CampaignExampleView(one.Id, one.Name, one.Serial))] };
    }

    public async Task<CampaignView> Create(HttpContext context, CampaignRequest request)
    {
        var user = FleetUser.Of(context);
        var campaign = await Read(user, request, RequestIds.NewGuid(context, "campaign").ToString("D"));
        Check(await Filtered(() => store.Create(user.Scope, campaign, count =>
            trail.Entry(context, AuditVerbs.CampaignCreate, AuditTargets.Campaign, campaign.Id, detail: Text.Printable(campaign.Name, LongestDetail)) with { Count = count })));
        return await Get(user, campaign.Id);
    }

    public async Task<CampaignView> Close(HttpContext context, string id)
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id) ?? throw NotFound()).Campaign;
        Check(await store.Close(user.Scope, standing.Id, time.GetUtcNow(), user.Name, trail.Entry(context, AuditVerbs.CampaignClose, AuditTargets.Campaign, standing.Id, detail: Told(standing))));
        return await Get(user, standing.Id);
    }

    public async Task Delete(HttpContext context, string id)
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id) ?? throw NotFound()).Campaign;
        Check(await store.Delete(user.Scope, standing.Id, trail.Entry(context, AuditVerbs.CampaignDelete, AuditTargets.Campaign, standing.Id, detail: Told(standing))));
    }

    /// <param name="part">all, missing, collected or notErased; null: all.</param>
    /// <param name="school">By its name; null: of any.</param>
    public async Task<Page<CampaignDeviceView>> Devices(FleetUser reader, string id, string? part, string? school, string? after, int limit)
    {
        var row = await Row(reader, id) ?? throw NotFound();
        var which = string.IsNullOrEmpty(part) ? CampaignPart.All : Text.Name<CampaignPart>("part", part)!.Value;
        if (after is not null && Text.EnrolmentId(after) is null) throw ApiProblem.InvalidCursor();
        return Page.Of(await store.ListDevices(reader.Scope, row.Campaign.Id, which, string.IsNullOrEmpty(school) ? null : Text.Optional("school", school), after, limit + 1), limit, one => Seen(reader, one), one => one.DeviceId);
    }

    public async Task<IReadOnlyList<CampaignDeviceView>> LatestOf(FleetUser reader, string id) =>
        [.. (await store.ListLatest(reader.Scope, (await Row(reader, id) ?? throw NotFound()).Campaign.Id, Latest)).Select(one => Seen(reader, one))];

    /// <summary>Somebody has it in the hands.</summary>
    /// <exception cref="ApiProblem">400: nothing was scanned; 404; 409: the campaign is closed.</exception>
    public async Task<CollectView> Collect(HttpContext context, string id, CollectRequest request)
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id) ?? throw NotFound()).Campaign;
        var code = Text.Required("code", request.Code?.Trim(), LongestCode);
        var school = string.IsNullOrEmpty(request.SchoolId) ? null
            : (await schools.Find(user.Scope, PeopleService.Id("schoolId", request.SchoolId)))?.School.Name ?? throw ApiProblem.Field("schoolId", "There is no such school.");
        var result = await store.Collect(
            user.Scope, standing.Id, code, school, time.GetUtcNow(), user.Name,
            device => trail.Entry(context, AuditVerbs.CampaignCollect, AuditTargets.Campaign, standing.Id, detail: Text.Printable($"{standing.Name}: {device}", LongestDetail)),
            trail.Entry(context, AuditVerbs.DeviceReturn, AuditTargets.Device));
        if (result.Outcome == CollectOutcome.NoCampaign) throw NotFound();
        if (result.Outcome == CollectOutcome.Closed) throw ApiProblem.Conflict(ProblemCodes.CampaignClosed, "The campaign is closed", "Nothing is collected for it any more. Create another one.");
        var device = result.Device is null ? null : Seen(user, result.Device);
        return new CollectView { Outcome = CampaignWords.Outcome(result.Outcome), Words = CampaignWords.Of(result.Outcome, Text.Printable(code, LongestCode), device, result.School), Device = device };
    }

    /// <exception cref="ApiProblem">404: it is not in it, or was not collected.</exception>
    public async Task PutBack(HttpContext context, string id, string deviceId)
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id) ?? throw NotFound()).Campaign;
        if (Text.EnrolmentId(deviceId) is not { } device
            || !await store.PutBack(user.Scope, standing.Id, device, trail.Entry(context, AuditVerbs.CampaignPutBack, AuditTargets.Campaign, standing.Id, detail: Text.Printable($"{standing.Name}: {device}", LongestDetail)),
                trail.Entry(context, AuditVerbs.DeviceHandOut, AuditTargets.Device)))
            throw ApiProblem.NotFound("This iPad was not collected for this campaign, or the campaign is closed.");
    }

    /// <summary>The list as CSV, page by page. Recorded before.</summary>
    public async Task<IResult> Export(HttpContext context, string id, string? part, string? school)
    {
        var user = FleetUser.Of(context);
        var first = await Devices(user, id, part, school, null, RowsAtATime);
        await trail.Record(context, AuditVerbs.CampaignExport, AuditTargets.Campaign, id, detail: Text.Printable($"{part ?? "all"}{(school is null ? "" : $", {school}")}", LongestDetail));
        return new CsvPages<CampaignDeviceView>("campaign.csv", Columns, first, after => Devices(user, id, part, school, after, RowsAtATime), WriteRow);
    }

    private static void WriteRow(StringBuilder text, CampaignDeviceView one) => Csv.Row(
        text, one.School, one.SerialNumber, one.AssetTag, one.DeviceName, one.Person, one.PersonId, Csv.Time(one.CollectedAt), one.CollectedBy, one.Erasure, Csv.Time(one.ErasedAt),
        one.HasBypassCode ? "true" : "false", Csv.Time(one.LastSeenAt), one.DeviceId);

    private async Task<Campaign> Read(FleetUser user, CampaignRequest request, string id)
    {
        var school = string.IsNullOrEmpty(request.SchoolId) ? null : PeopleService.Id("schoolId", request.SchoolId);
        if (user.Scope.SchoolIds is { } own && (school is null || !own.Contains(school))) throw ApiProblem.Field("schoolId", "Choose one of your schools.");
        var target = string.IsNullOrWhiteSpace(request.Target) ? null : DeviceFilters.Check("target", request.Target.Trim());
        var taught = await Classes(user, request.ClassIds ?? []);
        if (target is null && taught.Count == 0 && school is null) throw ApiProblem.Field("target", "Say which iPads come back: by a school, by classes, or by a filter.");
        return new Campaign
        {
            Id = id,
            Name = Text.Required("name", request.Name).Trim(),
            SchoolId = school,
            Target = target,
            ClassIds = taught,
            DueOn = request.DueOn,
            CreatedAt = time.GetUtcNow(),
            CreatedBy = user.Name,
        };
    }

    private async Task<IReadOnlyList<string>> Classes(FleetUser user, IReadOnlyList<string> ids)
    {
        if (ids.Count == 0) return [];
        user.Require(Rights.PeopleRead);
        if (ids.Count > MostClasses) throw ApiProblem.Field("classIds", $"Name {MostClasses} classes at most.");
        var found = new List<string>();
        foreach (var id in ids.Distinct(StringComparer.Ordinal))
        {
            try
            {
                found.Add((await classes.Get(user, id)).Id);
            }
            catch (ApiProblem problem) when (problem.Status == StatusCodes.Status404NotFound)
            {
                throw ApiProblem.Field("classIds", $"There is no class {Text.Printable(id, 50)}.");
            }
        }

        return found;
    }

    private static async Task<T> Filtered<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (FilterException e)
        {
            throw ApiProblem.Field("target", e.Message, ProblemCodes.InvalidFilter);
        }
    }

    private static void Check(CampaignOutcome outcome)
    {
        if (outcome == CampaignOutcome.Written) return;
        throw outcome switch
        {
            CampaignOutcome.UnknownSchool => ApiProblem.Field("schoolId", "There is no such school."),
            CampaignOutcome.Nobody => new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.EmptyTarget, "The campaign has no iPads", "No enrolled iPad is found for it. Nothing was saved. Change which iPads come back."),
            CampaignOutcome.TooMany => ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many campaigns", $"There can be {ICampaignStore.MostOpen} that are not closed. Close one."),
            CampaignOutcome.TooManyDevices => ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many iPads", $"A campaign can have {ICampaignStore.MostDevices} iPads. Make one for each school."),
            CampaignOutcome.Open => ApiProblem.Conflict(ProblemCodes.CampaignOpen, "The campaign is not closed", "Close it first. Then it can be deleted."),
            _ => NotFound(),
        };
    }

    private async Task<CampaignRow?> Row(FleetUser reader, string id) => Text.Uuid(id) is { } uuid ? await store.Find(reader.Scope, uuid.ToString("D")) : null;

    private static string Told(Campaign campaign) => Text.Printable(campaign.Name, LongestDetail);

    /// <summary>Who had it is for those who may see people.</summary>
    private static CampaignDeviceView Seen(FleetUser reader, CampaignDeviceRow row)
    {
        var view = CampaignDeviceView.Of(row);
        return reader.May(Rights.PeopleRead) ? view : view with { Person = null, PersonId = null };
    }

    internal static ApiProblem NotFound() => ApiProblem.NotFound("There is no such campaign.");
}

/// <summary>What a campaign says, in words. Pure.</summary>
internal static class CampaignWords
{
    public static string Outcome(CollectOutcome outcome) => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(outcome.ToString());

    public static string Of(CollectOutcome outcome, string code, CampaignDeviceView? device, string? school) => outcome switch
    {
        CollectOutcome.Collected => $"Collected: {device!.Words}{(device.Person is { } person ? $", which {person} had" : "")}.",
        CollectOutcome.Twice => string.Create(CultureInfo.InvariantCulture, $"{device!.Words} was collected already, at {device.CollectedAt:yyyy-MM-dd HH:mm} UTC by {device.CollectedBy}."),
        CollectOutcome.OtherSchool => $"{code} belongs to another school{(school is null ? "" : $", {school}")}. It was not collected here.",
        CollectOutcome.NotInCampaign => $"{code} is an iPad of the district, and not in this campaign.",
        CollectOutcome.Several => $"Several iPads have {code}. Scan the serial number.",
        _ => $"No iPad has the serial number or asset tag {code}.",
    };

    public static string Erasure(CampaignDeviceView one) => one.Erasure switch
    {
        "waits" => "Erasure waits",
        "erased" => "Erased",
        "erasedAndBack" => "Erased, and enrolled again",
        _ => "Not erased",
    };

    /// <summary>For a filter of iPads.</summary>
    public static string Filter(CampaignView campaign, string part) => part switch
    {
        "missing" => $"campaign:{campaign.Id} and not collected:{campaign.Id}",
        "collected" => $"collected:{campaign.Id}",
        _ => $"campaign:{campaign.Id}",
    };
}
