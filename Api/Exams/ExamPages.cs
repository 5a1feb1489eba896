using System.Globalization;
using FleetMdm.Api.Access;
using FleetMdm.Api.Assignments;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Groups;
using FleetMdm.Api.People;
using FleetMdm.Api.Profiles;
using FleetMdm.Api.Rest;
using FleetMdm.Api.Schools;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Inventory;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Exams;

/// <summary>The list of exams, the page of one, and their forms.</summary>
internal static class ExamPages
{
    private const int RowsOnPage = 100;

    /// <summary>Minutes by which an exam is prolonged with one press.</summary>
    public static readonly IReadOnlyList<int> Prolongations = [5, 10, 15, 30, 60];

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages = pages.MapGroup("").WithinSchools();
        pages.MapGet("/exams", List).Needs(Rights.DeviceRead);
        pages.MapGet("/exams/new", AskCreate).Needs(Rights.ExamChange);
        pages.MapGet("/exams/{id}", Show).Needs(Rights.DeviceRead);
        pages.MapGet("/exams/{id}/edit", AskChange).Needs(Rights.ExamChange);
        pages.MapGet("/exams/{id}/delete", AskDelete).Needs(Rights.ExamChange);
        pages.MapGet("/exams/{id}/release", AskRelease).Needs(Rights.ExamChange);
        pages.MapPost("/exams", Create).Needs(Rights.ExamChange).Audit(AuditVerbs.ExamCreate, AuditTargets.Exam, AuditPlace.WithTheChange);
        pages.MapPost("/exams/{id}/edit", Change).Needs(Rights.ExamChange).Audit(AuditVerbs.ExamChange, AuditTargets.Exam, AuditPlace.WithTheChange);
        pages.MapPost("/exams/{id}/delete", Delete).Needs(Rights.ExamChange).Audit(AuditVerbs.ExamDelete, AuditTargets.Exam, AuditPlace.WithTheChange);
        pages.MapPost("/exams/{id}/release", Release).Needs(Rights.ExamChange).Audit(AuditVerbs.ExamRelease, AuditTargets.Exam, AuditPlace.WithTheChange);
        pages.MapPost("/exams/{id}/prolong", Prolong).Needs(Rights.ExamChange).Audit(AuditVerbs.ExamProlong, AuditTargets.Exam, AuditPlace.WithTheChange);
        pages.MapPost("/exams/{id}/add", Add).Needs(Rights.ExamChange).Audit(AuditVerbs.ExamAdd, AuditTargets.Exam, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<ExamsPage>> List(HttpContext context, ExamService service, string? q, string? phase, string? lessons, string? after, string? done)
    {
        var user = FleetUser.Of(context);
        return new RazorComponentResult<ExamsPage>(new
        {
            User = user,
            Exams = await service.List(user, q, PeoplePages.Set(phase), lessons == "true", PeoplePages.Set(after), RowsOnPage),
            Query = new ListQuery("/exams", ("q", PeoplePages.Set(q)), ("phase", PeoplePages.Set(phase)), ("lessons", PeoplePages.Set(lessons))),
            IsLaterPage = PeoplePages.Set(after) is not null,
            Done = done == "deleted" ? "The exam is deleted." : null,
        });
    }

    private static Task<RazorComponentResult<ExamPage>> Show(string id, HttpContext context, ExamService service, string? state, string? after, string? done, string? count) => Page(
        id, context, service, state, after, done switch
        {
            "created" => "The exam is saved.",
            "begun" => "The exam runs. Its iPads are being woken.",
            "saved" => "The exam is saved.",
            "prolonged" => "The exam has its new end. Its iPads are being told.",
            "released" => long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? $"{DeviceOrders.IPads(number)} {(number == 1 ? "is" : "are")} being released." : "They are being released.",
            "added" => long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var added) ? (added == 0 ? "Nothing was changed: they are in the exam already." : $"{DeviceOrders.IPads(added)} {(added == 1 ? "was" : "were")} added.") : "They were added.",
            _ => null,
        }, FormState.Fresh);

    private static async Task<RazorComponentResult<ExamPage>> Page(string id, HttpContext context, ExamService service, string? state, string? after, string? done, FormState form)
    {
        var user = FleetUser.Of(context);
        var exam = await service.Get(user, id);
        var shown = PeoplePages.Set(state) ?? (exam.Phase switch { "running" when exam.Counts.NotLocked > 0 => "notLocked", "releasing" => "notReleased", _ => "all" });
        return new RazorComponentResult<ExamPage>(new
        {
            User = user,
            Exam = exam,
            Classes = await ClassNames(context, user, exam),
            WithoutApp = await service.WithoutApp(user, exam),
            Devices = await service.Devices(user, id, shown == "all" ? null : shown, PeoplePages.Set(after), RowsOnPage),
            State = shown,
            IsLaterPage = PeoplePages.Set(after) is not null,
            FormKey = PageForms.NewKey(),
            Form = form,
            Done = done,
        })
        { StatusCode = form.Status };
    }

    /// <summary>Those that the reader may see, by name; one that was deleted since is left out.</summary>
    private static async Task<IReadOnlyList<string>> ClassNames(HttpContext context, FleetUser user, ExamView exam)
    {
        if (exam.ClassIds is not { } ids || !user.May(Rights.PeopleRead)) return [];
        var classes = context.RequestServices.GetRequiredService<ClassService>();
        var names = new List<string>();
        foreach (var id in ids)
        {
            try
            {
                names.Add((await classes.Get(user, id)).Name);
            }
            catch (ApiProblem problem) when (problem.Status == StatusCodes.Status404NotFound)
            {
                // The page counts it.
            }
        }

        return names;
    }

    private static Task<RazorComponentResult<ExamFormPage>> AskCreate(HttpContext context, ExamService service, ExamChoices choices) => Ask(context, service, choices, null);

    private static async Task<RazorComponentResult<ExamFormPage>> AskChange(string id, HttpContext context, ExamService service, ExamChoices choices) =>
        await Ask(context, service, choices, await service.Get(FleetUser.Of(context), id));

    private static async Task<RazorComponentResult<ExamDeletePage>> AskDelete(string id, HttpContext context, ExamService service) =>
        new(new { User = FleetUser.Of(context), Exam = await service.Get(FleetUser.Of(context), id), FormKey = PageForms.NewKey() });

    private static async Task<RazorComponentResult<ExamReleasePage>> AskRelease(string id, HttpContext context, ExamService service) =>
        new(new { User = FleetUser.Of(context), Exam = await service.Get(FleetUser.Of(context), id), FormKey = PageForms.NewKey() });

    /// <summary>The form; and whom it touches, when it came with "Show which iPads".</summary>
    private static async Task<RazorComponentResult<ExamFormPage>> Ask(HttpContext context, ExamService service, ExamChoices choices, ExamView? exam)
    {
        string? Typed(string field) => context.Request.Query[field].FirstOrDefault() is { Length: > 0 } text ? text : null;
        if (!context.Request.Query.ContainsKey("preview")) return await Form(context, choices, exam, What(exam, Typed), exam is null ? FormState.Looked(Typed) : FormState.Fresh);
        try
        {
            var plan = await service.Plan(context, exam?.Id, await Read(context, choices, Typed, exam));
            return await Form(context, choices, exam, What(exam, Typed), FormState.Looked(Typed), plan);
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Form(context, choices, exam, What(exam, Typed), Refused(problem, Typed));
        }
    }

    private static async Task<IResult> Create(HttpContext context, RequestIds ids, ExamService service, ExamChoices choices)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var made = await service.Create(context, await Read(context, choices, form.Get, null));
            return PageForms.See($"/exams/{made.Id}?done={(made.Phase == "running" ? "begun" : "created")}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Form(context, choices, null, What(null, form.Get), Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> Change(string id, HttpContext context, RequestIds ids, ExamService service, ExamChoices choices)
    {
        var form = await PageForms.Read(context, ids);
        var standing = await service.Get(FleetUser.Of(context), id);
        try
        {
            return PageForms.See($"/exams/{(await service.Change(context, id, PageForms.Number(form, "version"), await Read(context, choices, form.Get, standing))).Id}?done=saved");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Code == ProblemCodes.Changed)
        {
            return await Form(context, choices, standing, What(standing, form.Get), Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> Delete(string id, HttpContext context, RequestIds ids, ExamService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Delete(context, id, PageForms.Number(form, "version"));
            return PageForms.See("/exams?done=deleted");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Code == ProblemCodes.Changed)
        {
            var user = FleetUser.Of(context);
            return new RazorComponentResult<ExamDeletePage>(new { User = user, Exam = await service.Get(user, id), FormKey = PageForms.NewKey(), Form = FormState.Refused(problem) }) { StatusCode = problem.Status };
        }
    }

    /// <summary>One iPad, from its row or its page; or all.</summary>
    private static async Task<IResult> Release(string id, HttpContext context, RequestIds ids, ExamService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var released = await service.Release(context, id, form.Get("device") is { } device ? [device] : null);
            return form.Get("back") == "ipad" && form.Get("device") is { } one
                ? PageForms.See($"{DeviceFrameView.PathOf(one)}?done=exam-released")
                : PageForms.See($"/exams/{Uri.EscapeDataString(id)}?done=released&count={released.IPads}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(id, context, service, null, null, null, FormState.Refused(problem));
        }
    }

    private static async Task<IResult> Prolong(string id, HttpContext context, RequestIds ids, ExamService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            // From the end that the person saw: pressing twice prolongs once.
            var until = Text.Time("endsAt", form.Get("endsAt")) ?? throw ApiProblem.Field("endsAt", "The form is incomplete.");
            var minutes = PageForms.Number(form, "minutes") is { } number && Prolongations.Contains(number) ? number : throw ApiProblem.Field("minutes", "Choose one of the times.");
            if (until > DateTimeOffset.MaxValue.AddMinutes(-minutes)) throw ApiProblem.Field("endsAt", "There is no such time.");
            await service.Prolong(context, id, until.AddMinutes(minutes));
            return PageForms.See($"/exams/{Uri.EscapeDataString(id)}?done=prolonged");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(id, context, service, null, null, null, FormState.Refused(problem));
        }
    }

    private static async Task<IResult> Add(string id, HttpContext context, RequestIds ids, ExamService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var added = await service.Add(context, id, Split(form.Get("iPads")) ?? throw ApiProblem.Field("iPads", "Enter the serial number of an iPad."));
            return PageForms.See($"/exams/{Uri.EscapeDataString(id)}?done=added&count={added.IPads}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(id, context, service, null, null, null, FormState.Refused(problem, form.Get));
        }
    }

    /// <summary>Fields of REST under their names in the form.</summary>
    private static FormState Refused(ApiProblem problem, Func<string, string?> typed) => FormState.Refused(
        new ApiProblem(problem.Status, problem.Code, problem.Title, problem.Message)
        {
            Errors = (problem.Errors ?? new Dictionary<string, string[]>()).GroupBy(error => Field(error.Key)).ToDictionary(group => group.Key, group => group.SelectMany(one => one.Value).ToArray()),
        }, typed);

    private static string Field(string name) => name switch
    {
        "app.bundleId" => "bundleId",
        "startsAt" => "starts",
        "endsAt" => "ends",
        _ when name.StartsWith("apps", StringComparison.Ordinal) => "apps",
        _ when name.StartsWith("iPads", StringComparison.Ordinal) => "iPads",
        "classIds" => "classId",
        _ => name,
    };

    private static async Task<RazorComponentResult<ExamFormPage>> Form(HttpContext context, ExamChoices choices, ExamView? exam, string what, FormState form, ExamPlanView? plan = null)
    {
        var user = FleetUser.Of(context);
        return new RazorComponentResult<ExamFormPage>(new
        {
            User = user,
            Exam = exam,
            What = what,
            Choices = await choices.Of(context, user, what, exam),
            Form = form,
            FormKey = PageForms.NewKey(),
            Plan = plan,
        })
        { StatusCode = form.Status };
    }

    private static string What(ExamView? exam, Func<string, string?> typed) => typed("what") is { } what && ExamFormPage.Kinds.Any(kind => kind.Value == what) ? what : exam?.Kind ?? "app";

    private static async Task<ExamRequest> Read(HttpContext context, ExamChoices choices, Func<string, string?> get, ExamView? exam)
    {
        var what = What(exam, get);
        var zone = await choices.ZoneOf(context, get("schoolId"));
        return new ExamRequest
        {
            Name = get("name") ?? "",
            SchoolId = get("schoolId"),
            Target = AssignmentPages.Target(get("group"), get("target")),
            ClassIds = get("classId") is { } taught ? [taught] : exam?.ClassIds is { Count: > 1 } several ? several : null,
            Except = get("except"),
            IPads = Split(get("iPads")),
            StartsAt = get("starts") is { } starts ? At("starts", starts, zone) : null,
            EndsAt = At("ends", get("ends") ?? throw ApiProblem.Field("ends", "Enter when it ends."), zone),
            App = what != "app" ? null : new ExamAppRequest
            {
                BundleId = get("bundleId") ?? throw ApiProblem.Field("bundleId", "Enter the bundle identifier of the app, as in com.example.test."),
                Options = [.. ExamProfile.Options.Select(option => option.Name).Where(option => get(option) == "true")],
            },
            Apps = what != "apps" ? null : Split(get("apps")) ?? throw ApiProblem.Field("apps", "Enter the bundle identifiers of the apps."),
            ProfileId = what != "profile" ? null : get("profileId") ?? throw ApiProblem.Field("profileId", "Choose a profile."),
        };
    }

    /// <summary>By the clock of the school.</summary>
    private static DateTimeOffset At(string field, string typed, TimeZoneInfo zone) =>
        DateTime.TryParseExact(typed.Trim(), ["yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd HH:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var wall)
        && wall.Year is > 1 and < 9999 && !zone.IsInvalidTime(wall)
            ? new DateTimeOffset(wall, zone.GetUtcOffset(wall))
            : throw ApiProblem.Field(field, "Enter a day and a time that exist, as in 2027-06-01 10:00.");

    private static string[]? Split(string? text) => text?.Split([' ', ',', ';', '\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } words ? words : null;
}

/// <summary>What can be chosen in the form.</summary>
/// <param name="Profiles">Of the library.</param>
/// <param name="Groups">By name.</param>
/// <param name="Classes">Of all schools that the reader sees.</param>
/// <param name="Apps">Bundle identifiers with names, of those on the most iPads.</param>
/// <param name="Zone">Of times, where no school says otherwise.</param>
public sealed record ExamChoice(
    IReadOnlyList<(string Value, string Words)> Profiles, IReadOnlyList<(string Value, string Words)> Groups, IReadOnlyList<(string Value, string Words)> Schools, IReadOnlyList<(string Value, string Words)> Classes,
    IReadOnlyList<(string Value, string Words)> Apps, string Zone);

/// <summary>Reads them, as far as somebody may see them.</summary>
internal sealed class ExamChoices(ProfileLibrary library, GroupService groups, SchoolService schools, ClassService classes, IInstalledAppStore apps, ExamService exams)
{
    private const int MostApps = 200;

    private const int MostChoices = 500;

    public async Task<ExamChoice> Of(HttpContext context, FleetUser user, string what, ExamView? exam) => new(
        what == "profile" && user.May(Rights.ProfileRead) ? [.. (await library.List(null, null, MostChoices)).Items.Select(one => (one.Id, one.Name))] : [],
        [.. (await groups.List(user, null, null, MostChoices)).Items.Select(one => (one.Name, one.Name))],
        user.May(Rights.SchoolRead) ? await PeoplePages.Choices(user, schools, exam?.SchoolId, exam?.School) : [],
        user.May(Rights.PeopleRead) ? [.. (await classes.List(user, null, exam?.SchoolId, active: true, null, MostChoices)).Items.Select(one => (one.Id, $"{one.Name}, {one.School}"))] : [],
        what == "profile" ? [] : [.. (await Apps(user)).OrderBy(app => app.Name ?? app.Identifier, StringComparer.OrdinalIgnoreCase).Select(app => (app.Identifier, app.Name ?? app.Identifier))],
        exam?.TimeZone ?? exams.Zone);

    /// <summary>The district's as they were counted last. The count is the district's alone: people of some schools choose from what iPads of theirs have.</summary>
    private async Task<IReadOnlyList<(string Identifier, string? Name)>> Apps(FleetUser user) => user.IsOfDistrict
        ? [.. (await apps.List(null, null, MostApps)).Select(app => (app.Identifier, app.Name))]
        : await apps.Sample(user.Scope, MostApps);

    /// <summary>Whose clock the times in a form go by.</summary>
    public async Task<TimeZoneInfo> ZoneOf(HttpContext context, string? schoolId)
    {
        var user = FleetUser.Of(context);
        if (schoolId is not null && user.May(Rights.SchoolRead))
        {
            try
            {
                if ((await schools.Get(user, schoolId)).TimeZone is { } named && TimeZoneInfo.TryFindSystemTimeZoneById(named, out var zone)) return zone;
            }
            catch (ApiProblem)
            {
                // It is refused where the school is read.
            }
        }

        return TimeZoneInfo.FindSystemTimeZoneById(exams.Zone);
    }
}
