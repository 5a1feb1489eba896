using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Api.Apps;
using FleetMdm.Api.AppsAndBooks;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Groups;
using FleetMdm.Api.People;
using FleetMdm.Api.Profiles;
using FleetMdm.Api.Rest;
using FleetMdm.Api.Schools;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Operations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Assignments;

/// <summary>The list of assignments, the page of one, their forms, and the tab of an iPad.</summary>
internal static class AssignmentPages
{
    public const string Name = "assigned";

    /// <summary>The field that says how many iPads the person saw that would lose it.</summary>
    internal const string Losing = "losing";

    private const string SharedMember = AssignmentService.SharedIPad + ".";

    private const int RowsOnPage = 100;
    private const int EventsOnPage = 50;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages = pages.MapGroup("").WithinSchools();
        pages.MapGet("/assignments", List).Needs(Rights.DeviceRead);
        pages.MapGet("/assignments/new", AskCreate).Needs(Rights.AssignmentChange);
        pages.MapGet("/assignments/{id}", Show).Needs(Rights.DeviceRead);
        pages.MapGet("/assignments/{id}/edit", AskChange).Needs(Rights.AssignmentChange);
        pages.MapGet("/assignments/{id}/delete", AskDelete).Needs(Rights.AssignmentChange);
        pages.MapPost("/assignments", Create).Needs(Rights.AssignmentChange).Audit(AuditVerbs.AssignmentCreate, AuditTargets.Assignment, AuditPlace.WithTheChange);
        pages.MapPost("/assignments/{id}/edit", Change).Needs(Rights.AssignmentChange).Audit(AuditVerbs.AssignmentChange, AuditTargets.Assignment, AuditPlace.WithTheChange);
        pages.MapPost("/assignments/{id}/delete", Delete).Needs(Rights.AssignmentChange).Audit(AuditVerbs.AssignmentDelete, AuditTargets.Assignment, AuditPlace.WithTheChange);
        pages.MapPost("/assignments/{id}/retry", Retry).Needs(Rights.AssignmentChange).Audit(AuditVerbs.AssignmentRetry, AuditTargets.Assignment, AuditPlace.WithTheChange);
        pages.MapPost("/assignments/{id}/go-on", GoOn).Needs(Rights.AssignmentChange).Audit(AuditVerbs.AssignmentGoOn, AuditTargets.Assignment, AuditPlace.WithTheChange);
        pages.MapGet("/assignments/{id}/take-back", AskTakeBack).Needs(Rights.AssignmentChange);
        pages.MapPost("/assignments/{id}/take-back", TakeBack).Needs(Rights.AssignmentChange).Audit(AuditVerbs.AssignmentTakeBack, AuditTargets.Assignment, AuditPlace.WithTheChange);
        pages.MapGet($"/ipads/{{id}}/{Name}", Of).Needs(Rights.DeviceRead);
    }

    private static async Task<RazorComponentResult<AssignmentsPage>> List(HttpContext context, AssignmentService service, string? q, string? after, string? done)
    {
        var user = FleetUser.Of(context);
        return new RazorComponentResult<AssignmentsPage>(new
        {
            User = user,
            Assignments = await service.List(user, q, PeoplePages.Set(after), RowsOnPage),
            Query = new ListQuery("/assignments", ("q", PeoplePages.Set(q))),
            IsLaterPage = PeoplePages.Set(after) is not null,
            Done = done == "deleted" ? "The assignment is deleted. It is being taken from its iPads, unless it was to stay." : null,
        });
    }

    private static async Task<RazorComponentResult<AssignmentPage>> Show(
        string id, HttpContext context, AssignmentService service, string? state, string? after, string? done, string? count)
    {
        var user = FleetUser.Of(context);
        var shown = PeoplePages.Set(state);
        return new RazorComponentResult<AssignmentPage>(new
        {
            User = user,
            Assignment = await service.Get(user, id),
            Devices = await service.Devices(user, id, shown, PeoplePages.Set(after), RowsOnPage),
            State = shown,
            IsLaterPage = PeoplePages.Set(after) is not null,
            FormKey = PageForms.NewKey(),
            Done = done switch
            {
                "created" => "The assignment is saved. Those that it is for now are being woken.",
                "saved" => "The assignment is saved.",
                "went-on" => "The roll-out goes on.",
                "taken-back" => "The assignment has ended. It is being taken from the iPads that have it, unless it was to stay.",
                "retried" => long.TryParse(count, out var number) ? $"It is tried again on {DeviceOrders.IPads(number)}." : "It is tried again.",
                _ => null,
            },
        });
    }

    private static async Task<RazorComponentResult<DeviceAssignmentsPage>> Of(string id, HttpContext context, DeviceFrames frames, AssignmentService service, string? after)
    {
        var (frame, user) = (await frames.Of(context, id), FleetUser.Of(context));
        return new RazorComponentResult<DeviceAssignmentsPage>(new
        {
            Frame = frame,
            Assignments = await service.Of(user, frame.Device.Id),
            History = await service.History(user, frame.Device.Id, PeoplePages.Set(after), EventsOnPage),
            IsLaterPage = PeoplePages.Set(after) is not null,
            MayReadAudit = user.May(Rights.AuditRead),
        });
    }

    private static Task<RazorComponentResult<AssignmentFormPage>> AskCreate(HttpContext context, AssignmentService service, AssignmentChoices choices) =>
        Ask(context, service, choices, null);

    private static async Task<RazorComponentResult<AssignmentFormPage>> AskChange(string id, HttpContext context, AssignmentService service, AssignmentChoices choices) =>
        await Ask(context, service, choices, await service.Get(FleetUser.Of(context), id));

    private static async Task<RazorComponentResult<AssignmentDeletePage>> AskDelete(string id, HttpContext context, AssignmentService service) =>
        new(new { User = FleetUser.Of(context), Assignment = await service.Get(FleetUser.Of(context), id), FormKey = PageForms.NewKey() });

    /// <summary>The form; and whom it touches, when it came with "Show which iPads".</summary>
    private static async Task<RazorComponentResult<AssignmentFormPage>> Ask(HttpContext context, AssignmentService service, AssignmentChoices choices, AssignmentView? assignment)
    {
        string? Typed(string field) => context.Request.Query[field].FirstOrDefault() is { Length: > 0 } text ? text : null;
        if (!context.Request.Query.ContainsKey("preview")) return await Form(context, choices, assignment, What(assignment, Typed), assignment is null ? FormState.Looked(Typed) : FormState.Fresh);
        try
        {
            var plan = await service.Plan(context, assignment?.Id, Read(Typed, assignment, await choices.Zone(FleetUser.Of(context), Typed("schoolId"))));
            return await Form(context, choices, assignment, What(assignment, Typed), FormState.Looked(Typed), plan);
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Form(context, choices, assignment, What(assignment, Typed), FormState.Refused(AtFields(problem), Typed));
        }
    }

    private static async Task<IResult> Create(HttpContext context, RequestIds ids, AssignmentService service, AssignmentChoices choices)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var zone = await choices.Zone(FleetUser.Of(context), form.Get("schoolId"));
            AskForPast(context, form.Get, null, zone);
            return PageForms.See($"/assignments/{(await service.Create(context, Read(form.Get, null, zone))).Id}?done=created");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Form(context, choices, null, What(null, form.Get), FormState.Refused(AtFields(problem), form.Get));
        }
    }

    private static async Task<IResult> Change(string id, HttpContext context, RequestIds ids, AssignmentService service, AssignmentChoices choices)
    {
        var form = await PageForms.Read(context, ids);
        var standing = await service.Get(FleetUser.Of(context), id);
        try
        {
            var zone = await choices.Zone(FleetUser.Of(context), form.Get("schoolId"));
            AskForPast(context, form.Get, standing, zone);
            var request = Read(form.Get, standing, zone);
            if (await Unseen(context, service, standing, request, PageForms.Number(form, Losing)) is { } plan)
                return await Form(context, choices, standing, What(standing, form.Get), FormState.Refused(Loses(plan), form.Get), plan);
            return PageForms.See($"/assignments/{(await service.Change(context, id, PageForms.Number(form, "version"), request)).Id}?done=saved");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Code == ProblemCodes.Changed)
        {
            return await Form(context, choices, standing, What(standing, form.Get), FormState.Refused(AtFields(problem), form.Get));
        }
    }

    /// <summary>A slip in the date would have iPads install an update in the middle of a lesson.</summary>
    private static void AskForPast(HttpContext context, Func<string, string?> get, AssignmentView? standing, TimeZoneInfo zone)
    {
        if (What(standing, get) != "update" || get("atOnce") is not null || get("deadline") == standing?.SoftwareUpdate?.Deadline) return;
        var now = TimeZoneInfo.ConvertTime(context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow(), zone);
        if (DateTime.TryParse(get("deadline"), CultureInfo.InvariantCulture, DateTimeStyles.None, out var until) && until < now.DateTime)
            throw ApiProblem.Field("deadline", "This time is past: iPads would install the update as soon as they hear of it. If that is meant, tick \"At once\".");
    }

    /// <summary>What a change takes away that the person was not shown: then it is shown first. Null: nothing.</summary>
    private static async Task<AssignmentPlanView?> Unseen(HttpContext context, AssignmentService service, AssignmentView standing, AssignmentRequest request, int? seen)
    {
        // A setting stays as it is.
        if (request.Keep || AssignmentWords.Stays(standing.Kind) || standing.Phase == "over") return null;
        var plan = await service.Plan(context, standing.Id, request);
        return plan.Leaving == 0 || plan.Leaving == seen ? null : plan;
    }

    private static ApiProblem Loses(AssignmentPlanView plan) => ApiProblem.Conflict(
        ProblemCodes.NotConfirmed, "Look first", $"{(plan.Users is null ? DeviceOrders.IPads(plan.Leaving) : Words.Count(plan.Leaving, "user", "users"))} would lose it. Look at which, then save.");

    private static async Task<IResult> Delete(string id, HttpContext context, RequestIds ids, AssignmentService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Delete(context, id, PageForms.Number(form, "version"));
            return PageForms.See("/assignments?done=deleted");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Code == ProblemCodes.Changed)
        {
            var user = FleetUser.Of(context);
            return new RazorComponentResult<AssignmentDeletePage>(new
            {
                User = user,
                Assignment = await service.Get(user, id),
                FormKey = PageForms.NewKey(),
                Form = FormState.Refused(problem),
            })
            { StatusCode = problem.Status };
        }
    }

    private static async Task<IResult> Retry(string id, HttpContext context, RequestIds ids, AssignmentService service)
    {
        await PageForms.Read(context, ids);
        var retried = await service.Retry(context, id);
        return PageForms.See($"/assignments/{Uri.EscapeDataString(id)}?done=retried&count={retried.IPads}");
    }

    private static async Task<IResult> GoOn(string id, HttpContext context, RequestIds ids, RollOutService service)
    {
        await PageForms.Read(context, ids);
        return PageForms.See($"/assignments/{(await service.GoOn(context, id)).Id}?done=went-on");
    }

    private static async Task<RazorComponentResult<RollOutTakeBackPage>> AskTakeBack(string id, HttpContext context, AssignmentService service) =>
        new(new { User = FleetUser.Of(context), Assignment = await service.Get(FleetUser.Of(context), id), FormKey = PageForms.NewKey() });

    private static async Task<IResult> TakeBack(string id, HttpContext context, RequestIds ids, RollOutService service, AssignmentService assignments)
    {
        await PageForms.Read(context, ids);
        try
        {
            return PageForms.See($"/assignments/{(await service.TakeBack(context, id)).Id}?done=taken-back");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            var user = FleetUser.Of(context);
            return new RazorComponentResult<RollOutTakeBackPage>(new { User = user, Assignment = await assignments.Get(user, id), FormKey = PageForms.NewKey(), Form = FormState.Refused(problem) })
            { StatusCode = problem.Status };
        }
    }

    private static async Task<RazorComponentResult<AssignmentFormPage>> Form(
        HttpContext context, AssignmentChoices choices, AssignmentView? assignment, string what, FormState form, AssignmentPlanView? plan = null)
    {
        var user = FleetUser.Of(context);
        return new RazorComponentResult<AssignmentFormPage>(new
        {
            User = user,
            Assignment = assignment,
            What = what,
            Choices = await choices.Of(context, user, what, assignment),
            Zone = await choices.Zone(user, form.Value("schoolId", assignment?.SchoolId)),
            Form = form,
            FormKey = PageForms.NewKey(),
            Plan = plan,
        })
        { StatusCode = form.Status };
    }

    private static string What(AssignmentView? assignment, Func<string, string?> typed) => assignment switch
    {
        null => typed("what") is { } what && AssignmentFormPage.Kinds.Any(kind => kind.Value == what) ? what : "profile",
        { Kind: "profile" } => "profile",
        { Kind: "softwareUpdate" } => "update",
        { Kind: "sharedIPad" } => "shared",
        { Kind: "declaration", Declaration: { } declared } => declared.TryGetProperty("assets", out var assets) && assets.ValueKind == JsonValueKind.Array && assets.GetArrayLength() > 0 ? "other" : "declaration",
        { Kind: "app", App: { } app } => app.TryGetProperty("hostedApp", out _) ? "hosted" : app.TryGetProperty(AssignmentService.Location, out _) ? "bought" : app.TryGetProperty("iTunesStoreID", out _) ? "store" : "other",
        { Setting: { } setting } => AssignmentFormPage.Text(setting, "item") switch { "DeviceName" => "name", "TimeZone" => "zone", _ => "other" },
        _ => "other",
    };

    /// <param name="zone">In which the days of the form begin.</param>
    private static AssignmentRequest Read(Func<string, string?> get, AssignmentView? standing, TimeZoneInfo zone)
    {
        var what = What(standing, get);
        return new AssignmentRequest
        {
            Name = get("name") ?? "",
            ProfileId = what == "profile" ? standing?.ProfileId ?? get("profileId") ?? throw ApiProblem.Field("profileId", "Choose a profile.") : null,
            App = what switch
            {
                "hosted" => Element(new() { ["hostedApp"] = get("hostedApp") ?? throw ApiProblem.Field("hostedApp", "Choose an app.") }),
                "store" => Element(new()
                {
                    ["iTunesStoreID"] = long.TryParse(get("storeId"), NumberStyles.None, CultureInfo.InvariantCulture, out var store)
                        ? store
                        : throw ApiProblem.Field("storeId", "Enter the number of the app in the App Store, as in 361309726."),
                    ["bundleId"] = get("bundleId"),
                    ["managementFlags"] = 1,
                }),
                "bought" when standing is null => Bought(get("bought")),
                _ => standing?.App,
            },
            Setting = what switch
            {
                "name" => Element(new() { ["item"] = "DeviceName", ["deviceName"] = get("deviceName") ?? throw ApiProblem.Field("deviceName", "Enter a name.") }),
                "zone" => Element(new() { ["item"] = "TimeZone", ["timeZone"] = get("timeZone") ?? throw ApiProblem.Field("timeZone", "Enter a time zone, as in Europe/Stockholm.") }),
                _ => standing?.Setting,
            },
            Declaration = what == "declaration" ? Declared(get) : standing?.Declaration,
            SoftwareUpdate = what == "update" ? new SoftwareUpdateRequest
            {
                Version = get("osVersion")?.Trim() ?? "",
                Build = get("build"),
                Deadline = get("deadline") ?? "",
                DetailsUrl = get("detailsUrl"),
            } : null,
            SharedIPad = what == "shared" ? Shared(get, standing?.SharedIPad) : null,
            Channel = standing?.Channel ?? (what == "profile" ? get("channel") : null),
            Target = Target(get("group"), get("target")),
            Except = get("except"),
            SchoolId = get("schoolId"),
            Keep = get("keep") == "true",
            StartsAt = Midnight(get, "starts", standing?.StartsAt, zone),
            EndsAt = Midnight(get, "ends", standing?.EndsAt, zone),
            RollOut = get("rollOut") is null ? null : new RollOutRequest { StopWhenFailed = Percent(get("stopWhenFailed")) },
        };
    }

    private static int? Percent(string? typed) => typed?.Trim().TrimEnd('%').TrimEnd() is not { Length: > 0 } text ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= 100 ? number
        : throw ApiProblem.Field("stopWhenFailed", "Enter a whole number from 1 to 100, or leave it empty.");

    private static SharedIPadRequest Shared(Func<string, string?> get, SharedIPadRequest? standing)
    {
        return new SharedIPadRequest
        {
            QuotaSize = Number("quotaSize"),
            ResidentUsers = Number("residentUsers"),
            UserSessionTimeout = Number("userSessionTimeout"),
            TemporarySessionTimeout = Number("temporarySessionTimeout"),
            TemporarySessionOnly = Flag("temporarySessionOnly", standing?.TemporarySessionOnly),
            ManagedAppleIDDefaultDomains = get("managedAppleIDDefaultDomains")?.Split([' ', ',', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } domains ? domains : null,
            OnlineAuthenticationGracePeriod = Number("onlineAuthenticationGracePeriod"),
            SkipLanguageAndLocaleSetupForNewUsers = Flag("skipLanguageAndLocaleSetupForNewUsers", standing?.SkipLanguageAndLocaleSetupForNewUsers),
            AwaitUserConfiguration = Flag("awaitUserConfiguration", standing?.AwaitUserConfiguration),
            PasscodeLockGracePeriod = Number("passcodeLockGracePeriod"),
            AutoLockTime = Number("autoLockTime"),
        };

        int? Number(string field) => get(field)?.Trim() is not { Length: > 0 } typed ? null
            : int.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : throw ApiProblem.Field(field, "Enter a whole number, or leave it empty.");

        // What is cleared is told to iPads, what was never set is not.
        bool? Flag(string field, bool? before) => get(field) is not null ? true : before is null ? null : false;
    }

    /// <summary>As the form names an app of a location: location, number and kind of licence.</summary>
    private static JsonElement Bought(string? chosen) => chosen?.Split('/') is [var location, var adam, var pricing] && long.TryParse(adam, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        ? Element(new() { ["iTunesStoreID"] = number, [AssignmentService.Location] = location, [AssignmentService.Pricing] = pricing, ["managementFlags"] = 1 })
        : throw ApiProblem.Field("bought", "Choose an app.");

    private static JsonElement Declared(Func<string, string?> get)
    {
        var type = get("type") ?? throw ApiProblem.Field("type", "Choose a type.");
        try
        {
            return JsonSerializer.SerializeToElement(new JsonObject
            {
                ["type"] = type,
                ["payload"] = JsonNode.Parse(get("payload") ?? "{}", documentOptions: new JsonDocumentOptions { MaxDepth = AdminJson.MaxDepth, AllowDuplicateProperties = false }),
            });
        }
        catch (JsonException e)
        {
            throw ApiProblem.Field("payload", $"This is not valid JSON, or names a key twice (line {e.LineNumber + 1}).");
        }
    }

    /// <summary>A refusal that names members of REST, as it stands at the fields of the form.</summary>
    private static ApiProblem AtFields(ApiProblem problem)
    {
        if (problem.Errors is not { } errors || !errors.Keys.Any(key => key.StartsWith("declaration", StringComparison.Ordinal) || key.StartsWith("softwareUpdate.", StringComparison.Ordinal)
            || key.StartsWith(SharedMember, StringComparison.Ordinal))) return problem;
        const string payload = "declaration.payload";
        return new ApiProblem(problem.Status, problem.Code, problem.Title, problem.Message)
        {
            Errors = errors.Select(error => error.Key switch
            {
                "softwareUpdate.version" => ("osVersion", error.Value),
                var key when key.StartsWith("softwareUpdate.", StringComparison.Ordinal) => (key["softwareUpdate.".Length..], error.Value),
                var key when key.StartsWith(SharedMember, StringComparison.Ordinal) => (key[SharedMember.Length..], error.Value),
                "declaration.type" => ("type", error.Value),
                var key when key.StartsWith(payload + ".", StringComparison.Ordinal) => ("payload", [.. error.Value.Select(words => $"{key[(payload.Length + 1)..]}: {words}")]),
                var key when key.StartsWith("declaration", StringComparison.Ordinal) => ("payload", error.Value),
                var key => (key, error.Value),
            }).GroupBy(error => error.Item1).ToDictionary(group => group.Key, group => group.SelectMany(error => error.Item2).ToArray()),
        };
    }

    /// <summary>Of a group, of a filter, or of both.</summary>
    internal static string? Target(string? group, string? filter) => (group, filter) switch
    {
        ({ } name, { } text) => $"group:{FilterParser.Quote(name)} and ({text})",
        ({ } name, null) => $"group:{FilterParser.Quote(name)}",
        (null, var text) => text,
    };

    private static JsonElement Element(Dictionary<string, object?> members) =>
        JsonSerializer.SerializeToElement(members.Where(member => member.Value is not null).ToDictionary());

    /// <summary>When the day begins. A day that is not changed keeps its hour, which REST may have set. Null: it is empty.</summary>
    private static DateTimeOffset? Midnight(Func<string, string?> get, string field, DateTimeOffset? standing, TimeZoneInfo zone)
    {
        if (PageForms.Day(get, field) is not { } day) return null;
        // A day that begins an hour later, when the clocks are put forward at midnight, begins with its first moment.
        return DayOf(standing, zone) == day ? standing : WeeklyTime.Moments(day.ToDateTime(TimeOnly.MinValue), zone).Min();
    }

    internal static DateOnly? DayOf(DateTimeOffset? at, TimeZoneInfo zone) =>
        at is { } moment ? DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(moment, zone).DateTime) : null;
}

/// <summary>What can be chosen in the form.</summary>
/// <param name="Profiles">Of the library.</param>
/// <param name="Apps">Of this server.</param>
/// <param name="Groups">By name.</param>
public sealed record AssignmentChoice(
    IReadOnlyList<(string Value, string Words)> Profiles, IReadOnlyList<(string Value, string Words)> Apps, IReadOnlyList<(string Value, string Words)> Groups,
    IReadOnlyList<(string Value, string Words)> Schools)
{
    /// <summary>Of Apps and Books.</summary>
    public IReadOnlyList<(string Value, string Words)> Bought { get; init; } = [];
}

/// <summary>Reads them, as far as somebody may see them.</summary>
internal sealed class AssignmentChoices(ProfileLibrary library, HostedAppService apps, ContentLocationService content, GroupService groups, SchoolService schools, IOptions<OperationOptions> options)
{
    private const int MostChoices = 500;

    public async Task<AssignmentChoice> Of(HttpContext context, FleetUser user, string what, AssignmentView? assignment) => new(
        what == "profile" && user.May(Rights.ProfileRead) ? [.. (await library.List(null, null, MostChoices)).Items.Select(one => (one.Id, one.Name))] : [],
        what == "hosted" && user.May(Rights.AppRead) ? [.. (await apps.List(context, null, MostChoices)).Items.Select(one => (one.Id, $"{one.Name} {one.Version}"))] : [],
        [.. (await groups.List(user, null, null, MostChoices)).Items.Select(one => (one.Name, one.Name))],
        user.May(Rights.SchoolRead) ? await PeoplePages.Choices(user, schools, assignment?.SchoolId, assignment?.School) : [])
    {
        Bought = what == "bought" && user.IsOfDistrict && user.May(Rights.AutomatedRead)
            ? [.. (await content.Assets(user, null, null, false, null, MostChoices)).Items.Where(one => one.DeviceAssignable && one.ProductType == "App")
                .Select(one => ($"{one.LocationId}/{one.AdamId}/{one.Pricing}", $"{one.Shown}, {one.Location}: {one.Available} left"))]
            : [],
    };

    /// <summary>By whose clock the days of the form go: the school's, or the district's.</summary>
    public async Task<TimeZoneInfo> Zone(FleetUser user, string? schoolId)
    {
        if (string.IsNullOrEmpty(schoolId) || !user.May(Rights.SchoolRead)) return options.Value.Zone();
        try
        {
            return (await schools.Get(user, schoolId)).TimeZone is { } name && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : options.Value.Zone();
        }
        catch (ApiProblem problem) when (problem.Status == StatusCodes.Status404NotFound)
        {
            // Whoever saves the form is told.
            return options.Value.Zone();
        }
    }
}
