using System.Text.RegularExpressions;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Api.Schools;

/// <summary>Schools, for REST and for the console.</summary>
internal sealed partial class SchoolService(ISchoolStore store, AuditTrail trail, TimeProvider time)
{
    public const int LongestCode = 50;
    public const int LongestSourceId = 100;
    public const int MostAtOnce = 100_000;

    private const int MostUnknown = 100;

    public async Task<Page<SchoolView>> List(FleetUser reader, string? text, bool? archived, string? after, int limit)
    {
        var last = after is null
            ? null
            : (await Row(reader, after))?.School ?? throw ApiProblem.InvalidCursor();
        var rows = await store.List(reader.Scope, string.IsNullOrWhiteSpace(text) ? null : Text.Optional("q", text.Trim()), archived, last, limit + 1);
        return Page.Of(rows, limit, SchoolView.Of, row => row.School.Id);
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<SchoolView> Get(FleetUser reader, string id) => SchoolView.Of(await Row(reader, id) ?? throw NotFound());

    public async Task<UnknownSchoolsView> Unknown(FleetUser reader) =>
        new() { Items = [.. (await store.ListUnknown(reader.Scope, MostUnknown)).Select(UnknownSchoolView.Of)] };

    public async Task<SchoolView> Create(HttpContext context, SchoolRequest request)
    {
        var user = FleetUser.Of(context);
        var now = time.GetUtcNow();
        var school = Read(request) with
        {
            Id = RequestIds.NewGuid(context, "school").ToString("D"),
            Version = 1,
            CreatedAt = now,
            CreatedBy = user.Name,
            UpdatedAt = now,
            UpdatedBy = user.Name,
        };
        Refuse(await store.Create(school, trail.Entry(context, AuditVerbs.SchoolCreate, AuditTargets.School, school.Id, detail: school.Name)));
        return await Get(user, school.Id);
    }

    /// <param name="basedOn">The version that the change was made from; null: whatever stands.</param>
    /// <exception cref="ApiProblem">404; 409: the name or the code is another school's; 412: it was changed in between.</exception>
    public Task<SchoolView> Change(HttpContext context, string id, int? basedOn, SchoolRequest request) => EntityTag.Attempt(basedOn, async () =>
    {
        var user = FleetUser.Of(context);
        var standing = await Row(user, id) ?? throw NotFound();
        var school = Read(request) with
        {
            Id = standing.School.Id,
            Version = (basedOn ?? standing.School.Version) + 1,
            CreatedAt = standing.School.CreatedAt,
            CreatedBy = standing.School.CreatedBy,
            UpdatedAt = time.GetUtcNow(),
            UpdatedBy = user.Name,
        };
        var detail = school.Name == standing.School.Name ? school.Name : $"{standing.School.Name} is now {school.Name}";
        Refuse(await store.Change(user.Scope, school, trail.Entry(context, AuditVerbs.SchoolChange, AuditTargets.School, school.Id, detail: detail)));
        return await Get(user, school.Id);
    });

    /// <exception cref="ApiProblem">404; 409: something is there.</exception>
    public async Task Delete(HttpContext context, string id)
    {
        var user = FleetUser.Of(context);
        var standing = await Row(user, id) ?? throw NotFound();
        Refuse(await store.Delete(user.Scope, standing.School.Id,
            trail.Entry(context, AuditVerbs.SchoolDelete, AuditTargets.School, standing.School.Id, detail: standing.School.Name)));
    }

    private async Task<SchoolStanding?> Row(FleetUser reader, string id) =>
        Text.Uuid(id) is { } uuid ? await store.Find(reader.Scope, uuid.ToString("D")) : null;

    private static School Read(SchoolRequest request) => new()
    {
        Id = "",
        Version = 0,
        Name = Text.Required("name", request.Name).Trim(),
        Code = Text.Optional("code", request.Code?.Trim(), LongestCode),
        SourceId = Text.Optional("sourceId", request.SourceId?.Trim(), LongestSourceId),
        TimeZone = request.TimeZone is { } zone ? TimeZones.Read("timeZone", zone).Id : null,
        Hours = Hours(request.Hours ?? []),
        AtOnce = request.AtOnce is { } most ? Text.Number("atOnce", most, 1, MostAtOnce) : null,
        Archived = request.Archived,
        CreatedAt = default,
        CreatedBy = "",
        UpdatedAt = default,
        UpdatedBy = "",
    };

    private static List<SchoolHours> Hours(IReadOnlyList<SchoolHoursView> given)
    {
        var hours = new List<SchoolHours>();
        for (var i = 0; i < given.Count; i++)
        {
            var day = Text.Name<DayOfWeek>($"hours[{i}].day", given[i].Day) ?? throw ApiProblem.Field($"hours[{i}].day", "It is required.");
            var (from, to) = (Clock($"hours[{i}].from", given[i].From), Clock($"hours[{i}].to", given[i].To));
            if (to <= from) throw ApiProblem.Field($"hours[{i}].to", "It must be later than the beginning.");
            if (hours.Exists(other => other.Day == day)) throw ApiProblem.Field($"hours[{i}].day", "This day stands there twice.");
            hours.Add(new SchoolHours(day, from, to));
        }

        // The week begins on Monday.
        return [.. hours.OrderBy(one => ((int)one.Day + 6) % 7)];
    }

    /// <summary>Minutes after midnight; 24:00 is the end of a day.</summary>
    private static int Clock(string field, string value) =>
        ClockTime().Match(value) is { Success: true } match && Minutes(match) is <= 24 * 60 and var minutes
            ? minutes
            : throw ApiProblem.Field(field, "It must be a time as in 08:00.");

    private static int Minutes(Match match) => 60 * int.Parse(match.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture)
        + int.Parse(match.Groups[2].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^([0-9]{1,2}):([0-5][0-9])\z")]
    private static partial Regex ClockTime();


    private static void Refuse(SchoolOutcome outcome)
    {
        switch (outcome)
        {
            case SchoolOutcome.Written:
                return;
            case SchoolOutcome.NotFound:
                throw NotFound();
            case SchoolOutcome.VersionConflict:
                throw EntityTag.Changed("the school");
            case SchoolOutcome.NameTaken:
                throw ApiProblem.Taken("name", ProblemCodes.NameTaken, "Another school has this name.");
            case SchoolOutcome.CodeTaken:
                throw ApiProblem.Taken("code", ProblemCodes.CodeTaken, "Another school has this code.");
            case SchoolOutcome.SourceTaken:
                throw ApiProblem.Taken("sourceId", ProblemCodes.SourceTaken, "Another school has this id of its own system.");
            case SchoolOutcome.TooMany:
                throw ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many schools", $"There can be {ISchoolStore.MostSchools} schools.");
            case SchoolOutcome.InUse:
            default:
                throw ApiProblem.Conflict(ProblemCodes.InUse, "The school is in use",
                    "iPads, placeholders, people, classes or groups are at this school. Move or remove them first, or archive the school.");
        }
    }

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such school.");
}
