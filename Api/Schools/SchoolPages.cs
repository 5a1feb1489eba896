using System.Globalization;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Schools;

/// <summary>The list of schools, the page of one, and their forms.</summary>
internal static class SchoolPages
{
    private const int RowsOnPage = 100;

    public static readonly IReadOnlyList<DayOfWeek> Week =
        [DayOfWeek.Monday, DayOfWeek.Tuesday, DayOfWeek.Wednesday, DayOfWeek.Thursday, DayOfWeek.Friday, DayOfWeek.Saturday, DayOfWeek.Sunday];

    /// <summary>What is looked for on a school's page, in the language of the filter.</summary>
    private static readonly (string Words, string Filter)[] Unwell =
    [
        ($"not seen for {FleetCounts.SilentDays} days", $"lastSeen>{FleetCounts.SilentDays}d"),
        ("with less than 2 GB free", "storageFree<2GB"),
        ("not supervised", "supervised:no"),
        ("with an open incident", "incident:any"),
        ("on a loan that is overdue", "overdue"),
        ("with a passcode that does not comply", "passcodeCompliant:no"),
    ];

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages = pages.MapGroup("").WithinSchools();
        pages.MapGet("/schools", List).Needs(Rights.SchoolRead);
        pages.MapGet("/schools/new", AskCreate).Needs(Rights.SchoolChange);
        pages.MapGet("/schools/{id}", Show).Needs(Rights.SchoolRead);
        pages.MapGet("/schools/{id}/edit", AskChange).Needs(Rights.SchoolChange);
        pages.MapGet("/schools/{id}/delete", AskDelete).Needs(Rights.SchoolChange);
        pages.MapPost("/schools", Create).Needs(Rights.SchoolChange).Audit(AuditVerbs.SchoolCreate, AuditTargets.School, AuditPlace.WithTheChange);
        pages.MapPost("/schools/{id}/edit", Change).Needs(Rights.SchoolChange).Audit(AuditVerbs.SchoolChange, AuditTargets.School, AuditPlace.WithTheChange);
        pages.MapPost("/schools/{id}/delete", Delete).Needs(Rights.SchoolChange).Audit(AuditVerbs.SchoolDelete, AuditTargets.School, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<SchoolsPage>> List(
        HttpContext context, SchoolService service, string? q, string? state, string? after, string? done)
    {
        var user = FleetUser.Of(context);
        bool? archived = state switch { "archived" => true, "all" => null, _ => false };
        return new RazorComponentResult<SchoolsPage>(new
        {
            User = user,
            Schools = await service.List(user, q, archived, string.IsNullOrEmpty(after) ? null : after, RowsOnPage),
            Unknown = (await service.Unknown(user)).Items,
            Query = new ListQuery("/schools", ("q", string.IsNullOrWhiteSpace(q) ? null : q), ("state", string.IsNullOrEmpty(state) ? null : state)),
            IsLaterPage = !string.IsNullOrEmpty(after),
            Done = done == "deleted" ? "The school is deleted." : null,
            FormKey = PageForms.NewKey(),
        });
    }

    private static async Task<RazorComponentResult<SchoolPage>> Show(string id, HttpContext context, SchoolService service, IFleetQueries fleet, TimeProvider time, string? done)
    {
        var user = FleetUser.Of(context);
        var school = await service.Get(user, id);
        var counts = Unwell.Select(async what => (what.Words, what.Filter, Count: await fleet.Count(user.Scope, new DeviceFilter
        {
            School = school.Name,
            Status = EnrolmentStatus.Enrolled,
            Expression = DeviceExpression.Parse(what.Filter, time.GetUtcNow()),
        })));
        return new RazorComponentResult<SchoolPage>(new
        {
            User = user,
            School = school,
            Unwell = (IReadOnlyList<(string, string, long)>)[.. (await Task.WhenAll(counts)).Where(found => found.Count > 0)],
            Done = done switch { "created" => "The school is created.", "saved" => "The school is saved.", _ => null },
        });
    }

    private static RazorComponentResult<SchoolFormPage> AskCreate(HttpContext context, string? name) => Form(context, null, FormState.Fresh, name);

    private static async Task<RazorComponentResult<SchoolFormPage>> AskChange(string id, HttpContext context, SchoolService service) =>
        Form(context, await service.Get(FleetUser.Of(context), id), FormState.Fresh);

    private static async Task<RazorComponentResult<SchoolDeletePage>> AskDelete(string id, HttpContext context, SchoolService service) =>
        new(new { User = FleetUser.Of(context), School = await service.Get(FleetUser.Of(context), id), FormKey = PageForms.NewKey() });

    private static async Task<IResult> Create(HttpContext context, RequestIds ids, SchoolService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            return PageForms.See($"/schools/{(await service.Create(context, Read(form))).Id}?done=created");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return Form(context, null, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> Change(string id, HttpContext context, RequestIds ids, SchoolService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            return PageForms.See($"/schools/{(await service.Change(context, id, PageForms.Number(form, "version"), Read(form))).Id}?done=saved");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Code == ProblemCodes.Changed)
        {
            // What was typed stays. Saving once more writes it over what the other one has saved, which the page has named.
            return Form(context, await service.Get(FleetUser.Of(context), id), FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> Delete(string id, HttpContext context, RequestIds ids, SchoolService service)
    {
        await PageForms.Read(context, ids);
        try
        {
            await service.Delete(context, id);
            return PageForms.See("/schools?done=deleted");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            var user = FleetUser.Of(context);
            return new RazorComponentResult<SchoolDeletePage>(new
            {
                User = user,
                School = await service.Get(user, id),
                FormKey = PageForms.NewKey(),
                Form = FormState.Refused(problem),
            })
            { StatusCode = problem.Status };
        }
    }

    private static RazorComponentResult<SchoolFormPage> Form(HttpContext context, SchoolView? school, FormState form, string? name = null) =>
        new(new { User = FleetUser.Of(context), School = school, Name = name, Form = form, FormKey = PageForms.NewKey() }) { StatusCode = form.Status };

    private static SchoolRequest Read(FormBody form) => new()
    {
        Name = form.Get("name") ?? "",
        Code = form.Get("code"),
        SourceId = form.Get("sourceId"),
        TimeZone = form.Get("timeZone")?.Trim(),
        AtOnce = PageForms.Number(form, "atOnce"),
        Archived = form.Get("archived") is not null,
        Hours = Hours(form),
    };

    /// <summary>A day with neither a beginning nor an end has no lessons.</summary>
    private static List<SchoolHoursView> Hours(FormBody form)
    {
        var hours = new List<SchoolHoursView>();
        foreach (var day in Week)
        {
            var (from, to) = (form.Get(FieldOf(day, "From"))?.Trim(), form.Get(FieldOf(day, "To"))?.Trim());
            if (from is null && to is null) continue;
            if (!IsClock(from)) throw ApiProblem.Field(FieldOf(day, "From"), "Enter a time as in 08:00.");
            if (!IsClock(to) || string.CompareOrdinal(to!.PadLeft(5, '0'), from!.PadLeft(5, '0')) <= 0)
                throw ApiProblem.Field(FieldOf(day, "To"), "Enter a time as in 15:30, later than the beginning.");
            hours.Add(new SchoolHoursView { Day = day.ToString(), From = from!, To = to! });
        }

        return hours;
    }

    private static bool IsClock(string? text) => TimeOnly.TryParseExact(text, ["HH:mm", "H:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    /// <summary>In the form.</summary>
    public static string FieldOf(DayOfWeek day, string end) => day.ToString().ToLowerInvariant() + end;
}
