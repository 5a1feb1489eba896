using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Apps;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Operations;

/// <summary>Operations in the console: their list, the page of one with what became of it on each iPad, and the form that starts one.</summary>
internal static class OperationPages
{
    private const int OperationsOnPage = 20;
    private const int DevicesOnPage = 50;
    private const int Examples = 10;

    /// <summary>More than a page has, and few enough for an address.</summary>
    private const int MostSelected = 100;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/operations", List).WithinSchools().Needs(Rights.OperationRead);
        pages.MapGet("/operations/new", Ask).WithinSchools().Needs(Rights.OperationStart);
        pages.MapPost("/operations", Start).WithinSchools().Needs(Rights.OperationStart).Audit(AuditVerbs.OperationStart, AuditTargets.Operation, AuditPlace.WithTheChange);
        pages.MapGet("/operations/{id}", Show).Needs(Rights.OperationRead);
        pages.MapGet("/operations/{id}/cancel", AskCancel).Needs(Rights.OperationStart);
        pages.MapPost("/operations/{id}/pause", Pause).Needs(Rights.OperationStart).Audit(AuditVerbs.OperationPause, AuditTargets.Operation, AuditPlace.WithTheChange);
        pages.MapPost("/operations/{id}/go-on", GoOn).Needs(Rights.OperationStart).Audit(AuditVerbs.OperationGoOn, AuditTargets.Operation, AuditPlace.WithTheChange);
        pages.MapGet("/operations/{id}/retry", AskRetry).Needs(Rights.OperationStart);
        pages.MapPost("/operations/{id}/retry", Retry).Needs(Rights.OperationStart).Audit(AuditVerbs.OperationStart, AuditTargets.Operation, AuditPlace.WithTheChange);
        pages.MapPost("/operations/{id}/cancel", Cancel).Needs(Rights.OperationStart).Audit(AuditVerbs.OperationCancel, AuditTargets.Operation, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<OperationsPage>> List(
        HttpContext context, IOperationStore store, OperationWatch watch, string? after)
    {
        var scope = FleetUser.Of(context).Scope;
        if (after is not null && (Text.Uuid(after) is not { } cursor || await store.Find(scope, cursor.ToString("D")) is null))
            throw ApiProblem.InvalidCursor();
        var rows = await store.List(scope, after?.ToLowerInvariant(), OperationsOnPage + 1);
        var counted = await Task.WhenAll(rows.Take(OperationsOnPage).Select(row => watch.Describe(row.Id)));
        var page = new Page<OperationView>(
            [.. counted.OfType<Grains.Interfaces.OperationDescription>().Select(OperationView.Of)],
            rows.Count > OperationsOnPage ? rows[OperationsOnPage - 1].Id : null);
        return new RazorComponentResult<OperationsPage>(new { User = FleetUser.Of(context), Operations = page, IsLaterPage = after is not null });
    }

    private static Task<RazorComponentResult<OperationPage>> Show(
        string id, HttpContext context, IGrainFactory grains, IOperationStore store, OperationSteering steering, string? status, string? after) => status == "leftOut"
        ? RenderLeftOut(id, context, grains, store, steering, after)
        : Render(id, context, grains, store, steering, status, after, problem: null);

    private static async Task<RazorComponentResult<OperationPage>> Render(
        string id, HttpContext context, IGrainFactory grains, IOperationStore store, OperationSteering steering, string? status, string? after, ApiProblem? problem)
    {
        var operation = await steering.WithRetries(OperationView.Of(await OperationEndpoints.Grain(grains, id).Describe() ?? throw OperationEndpoints.NotFound()));
        var part = Text.Name<OperationPart>("status", string.IsNullOrEmpty(status) ? null : status);
        var devices = await OperationEndpoints.PageOfDevices(store, operation.Id, part, after, DevicesOnPage);
        var view = new OperationPageView(FleetUser.Of(context), operation, devices, part, after is not null, problem?.Message);
        return new RazorComponentResult<OperationPage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static async Task<RazorComponentResult<OperationPage>> RenderLeftOut(
        string id, HttpContext context, IGrainFactory grains, IOperationStore store, OperationSteering steering, string? after)
    {
        var described = await OperationEndpoints.Grain(grains, id).Describe() ?? throw OperationEndpoints.NotFound();
        var view = new OperationPageView(FleetUser.Of(context), await steering.WithRetries(OperationView.Of(described)), new Page<OperationDeviceView>([], null), null, after is not null, null)
        {
            LeftOut = await OperationEndpoints.PageOfLeftOut(store, described, after, DevicesOnPage),
        };
        return new RazorComponentResult<OperationPage>(new { View = view });
    }

    private static async Task<RazorComponentResult<OperationCancelPage>> AskCancel(string id, HttpContext context, IGrainFactory grains)
    {
        var operation = OperationView.Of(await OperationEndpoints.Grain(grains, id).Describe() ?? throw OperationEndpoints.NotFound());
        return new RazorComponentResult<OperationCancelPage>(new { User = FleetUser.Of(context), Operation = operation });
    }

    private static Task<IResult> Pause(string id, HttpContext context, IGrainFactory grains, IOperationStore store, OperationSteering steering) =>
        Steered(id, context, grains, store, steering, () => steering.Pause(id));

    private static Task<IResult> GoOn(string id, HttpContext context, IGrainFactory grains, IOperationStore store, OperationSteering steering) =>
        Steered(id, context, grains, store, steering, () => steering.GoOn(context, id));

    private static async Task<IResult> Steered(
        string id, HttpContext context, IGrainFactory grains, IOperationStore store, OperationSteering steering, Func<Task<Grains.Interfaces.OperationDescription>> steer)
    {
        try
        {
            return PageForms.See($"/operations/{(await steer()).Id}");
        }
        catch (ApiProblem problem) when (problem.Status == StatusCodes.Status409Conflict)
        {
            return await Render(id, context, grains, store, steering, null, null, problem);
        }
    }

    private static Task<RazorComponentResult<OperationRetryPage>> AskRetry(string id, HttpContext context, IGrainFactory grains, OperationSteering steering) =>
        AskRetryWith(id, context, grains, steering, FormState.Fresh);

    private static async Task<RazorComponentResult<OperationRetryPage>> AskRetryWith(string id, HttpContext context, IGrainFactory grains, OperationSteering steering, FormState form)
    {
        var operation = OperationView.Of(await OperationEndpoints.Grain(grains, id).Describe() ?? throw OperationEndpoints.NotFound());
        var failed = await steering.CountFailures(FleetUser.Of(context), operation);
        return new RazorComponentResult<OperationRetryPage>(new
        {
            User = FleetUser.Of(context),
            Operation = operation,
            Failed = failed,
            FormKey = PageForms.NewKey(),
            Destructive = failed > 1 && CommandCatalogue.IsDestructive(operation.RequestType),
            Form = form,
        })
        {
            StatusCode = form.Status,
        };
    }

    private static async Task<IResult> Retry(string id, HttpContext context, RequestIds ids, IGrainFactory grains, OperationSteering steering)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var expected = Expected(form.Get("expected"));
            var operation = OperationView.Of(await OperationEndpoints.Grain(grains, id).Describe() ?? throw OperationEndpoints.NotFound());
            if (CommandCatalogue.IsDestructive(operation.RequestType) && expected > 1 && Expected(form.Get("confirm")) != expected)
                throw ApiProblem.Field("confirm", $"Type {expected} to confirm. Nothing was sent.");
            return PageForms.See($"/operations/{(await steering.Retry(context, id, expected)).Id}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await AskRetryWith(id, context, grains, steering, FormState.Refused(problem));
        }
    }

    private static async Task<IResult> Cancel(string id, HttpContext context, IGrainFactory grains, IOperationStore store, OperationSteering steering)
    {
        try
        {
            var operation = await OperationEndpoints.CancelOperation(id, grains);
            return PageForms.See($"/operations/{operation.Id}");
        }
        catch (ApiProblem problem) when (problem.Status == StatusCodes.Status409Conflict)
        {
            return await Render(id, context, grains, store, steering, null, null, problem);
        }
    }

    private static Task<RazorComponentResult<OperationNewPage>> Ask(
        HttpContext context, IOperationStore store, IFleetQueries fleet, HostedAppService apps, IOptions<OperationOptions> options, TimeProvider time)
    {
        // A selection of nothing is no iPad, not every iPad.
        var ids = context.Request.Query.ContainsKey("selected") ? Selected(context.Request.Query["id"]) : null;
        var (type, item) = (context.Request.Query["type"].FirstOrDefault(), context.Request.Query["item"].FirstOrDefault());
        return AskWith(new Chosen(DeviceQuery.Of(context.Request), ids), string.IsNullOrEmpty(type) ? null : CommandForms.Type(type), item, null, null, context, store, fleet, apps, options, time);
    }

    private static async Task<RazorComponentResult<OperationNewPage>> AskWith(
        Chosen chosen, CatalogueType? command, string? item, UploadForm? form, ApiProblem? problem, HttpContext context, IOperationStore store, IFleetQueries fleet,
        HostedAppService apps, IOptions<OperationOptions> options, TimeProvider time)
    {
        var now = time.GetUtcNow();
        var user = FleetUser.Of(context);
        var (total, rows) = chosen.Ids is { } ids ? await Find(fleet, user.Scope, ids) : await Find(store, fleet, user.Scope, chosen.Query.ToFilter(now));
        item = CommandForms.ItemOf(command, item);
        var fields = command is null ? [] : CommandForms.Fields(command, item);
        var view = new OperationNewView(
            user, chosen.Query, chosen.Ids, OperationWords.Of(OperationTargetView.Of(chosen.Target(now))), total,
            [.. rows.Take(Examples).Select(row => DeviceSummary.Of(row, user))], PageForms.NewKey(), command, item, fields,
            CommandForms.Values(fields, form), form?.Get("force") is not null, problem?.Message, CommandForms.Problems(problem))
        {
            Apps = await apps.Choices(command?.Name),
            HostedApp = form?.Get(HostedAppService.Member),
            Pace = OperationPaceForm.State(problem is null ? null : RepeatForm.Of(problem), form is null ? null : form.Get),
            Zone = options.Value.TimeZone,
        };
        return new RazorComponentResult<OperationNewPage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static async Task<(long Total, IReadOnlyList<DeviceRow> Rows)> Find(IOperationStore store, IFleetQueries fleet, Scope scope, DeviceFilter filter) =>
        (await store.CountTarget(scope, filter), await fleet.ListDevices(
            scope, filter with { Status = filter.Status ?? EnrolmentStatus.Enrolled, Kind = EnrolmentKind.Device }, null, Examples, new DeviceOrder(DeviceSort.Name)));

    private static async Task<(long Total, IReadOnlyList<DeviceRow> Rows)> Find(IFleetQueries fleet, Scope scope, IReadOnlyList<string> ids)
    {
        var rows = await DeviceNames.Rows(fleet, scope, ids);
        return (rows.Count, rows);
    }

    /// <summary>Without a confirmation: shows what would be done. With the one that was shown there: does it.</summary>
    private static async Task<IResult> Start(
        HttpContext context, RequestIds ids, IGrainFactory grains, OperationPlans plans, IOperationStore store, IDeviceStore bodies, IFleetQueries fleet,
        IOptions<OperationOptions> options, RepeatingOperations repeating, TimeProvider time)
    {
        var form = await UploadForm.Read(context, ids);
        return form.Get("confirmation") is { } confirmation
            ? await Confirmed(form, confirmation, context, grains, plans, bodies, repeating, time)
            : await Check(form, context, plans, store, bodies, fleet, options, time);
    }

    private static async Task<IResult> Check(
        UploadForm form, HttpContext context, OperationPlans plans, IOperationStore store, IDeviceStore bodies, IFleetQueries fleet, IOptions<OperationOptions> options,
        TimeProvider time)
    {
        var chosen = new Chosen(DeviceQuery.Of(form.Get), form.Get("ids") is { } selected ? Selected(selected.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries)) : null);
        var command = CommandForms.Type(form.Get("type") ?? "");
        try
        {
            var built = CommandReader.FromJson(await plans.Apps.Resolve(await CommandForms.Read(command, form, context.RequestAborted)));
            var pace = OperationPaceForm.Read(form.Get, options.Value.Zone());
            // A profile is too large for a field of the next page; what nobody refers to is dropped after days.
            var body = await bodies.StoreBody(built.Fragment);
            var (target, repeat) = (chosen.Target(time.GetUtcNow()), RepeatForm.Read(form.Get));
            if (repeat is not null) RepeatingOperations.Check(repeat.Request(target, pace, force: false), built);
            return await ShowPlan(context, plans, target, built, body, form.Get("force") is not null, pace, repeat, time, null);
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await AskWith(chosen, command, form.Get(CommandForms.ItemField), form, problem, context, store, fleet, plans.Apps, options, time);
        }
    }

    private static async Task<IResult> ShowPlan(
        HttpContext context, OperationPlans plans, OperationTargetRequest target, BuiltCommand command, byte[] body, bool force, OperationPaceRequest? pace,
        RepeatForm? repeat, TimeProvider time, ApiProblem? problem)
    {
        var read = OperationPaces.Read(pace, command.RequestType, time);
        var plan = await plans.Run(context, PlannedOperation.Of(FleetUser.Of(context), target, command, force) with { Pace = read?.Write() }, prefix: "");
        var view = new OperationCheckView(
            FleetUser.Of(context), plan, OperationWords.Of(OperationTargetView.Of(target)), JsonSerializer.Serialize(target, AdminJson.Default.OperationTargetRequest),
            Convert.ToHexStringLower(body), force, PageForms.NewKey(), problem?.Message)
        {
            Pace = OperationPaceForm.Write(pace),
            Begins = read is null ? null : OperationPaces.Words(read),
            Repeat = repeat,
        };
        return new RazorComponentResult<OperationCheckPage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static async Task<IResult> Confirmed(
        UploadForm form, string confirmation, HttpContext context, IGrainFactory grains, OperationPlans plans, IDeviceStore bodies, RepeatingOperations repeating, TimeProvider time)
    {
        var repeat = RepeatForm.Read(form.Get);
        var (target, body, force, pace) = (ReadTarget(form.Get("target")), ReadHash(form.Get("body")), form.Get("force") is not null, ReadPace(form.Get("pace")));
        if (await bodies.LoadBody(body) is not { } fragment) throw Stale();
        var command = CommandCatalogue.FromPlist(fragment) with { Fragment = fragment };
        try
        {
            var request = new OperationRequest
            {
                Target = target,
                Command = default,
                Confirmation = confirmation,
                Force = force,
                Expected = Expected(form.Get("expected")),
                Pace = pace,
            };
            // Read first: what nobody was shown is not shown now either.
            var confirmed = plans.Read(context, OperationEndpoints.Planned(FleetUser.Of(context), request, command, time), confirmation);
            if (command.Destructive && confirmed.Count > 1 && request.Expected != confirmed.Count)
                throw new ApiProblem(StatusCodes.Status409Conflict, ProblemCodes.NotAsExpected, "The number was not typed", $"Nothing was started. To confirm, type {confirmed.Count}.");
            if (repeat is not null) return PageForms.See($"/operations/repeating/{(await repeating.Create(context, repeat.Request(target, pace, force), command)).Id}");
            var started = await OperationEndpoints.Begin(request, command, context, grains, plans, time);
            return PageForms.See($"/operations/{started.Id}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) && problem.Errors?.ContainsKey("confirmation") != true || problem.Status == StatusCodes.Status409Conflict)
        {
            return await ShowPlan(context, plans, target, command, body, force, pace, repeat, time, problem);
        }
    }

    private static OperationTargetRequest ReadTarget(string? json)
    {
        try
        {
            return JsonSerializer.Deserialize(json ?? "", AdminJson.Default.OperationTargetRequest) ?? throw Stale();
        }
        catch (JsonException)
        {
            throw Stale();
        }
    }

    private static OperationPaceRequest? ReadPace(string? json)
    {
        try
        {
            return OperationPaceForm.Read(json);
        }
        catch (JsonException)
        {
            throw Stale();
        }
    }

    private static byte[] ReadHash(string? hex) => hex is { Length: 64 } && hex.All(char.IsAsciiHexDigitLower) ? Convert.FromHexString(hex) : throw Stale();

    private static ApiProblem Stale() => ApiProblem.Conflict(ProblemCodes.NotConfirmed, "The page is too old", "Nothing was started. Begin again with the list of iPads.");

    private static List<string> Selected(IEnumerable<string?> ids)
    {
        List<string> known = [.. ids.Select(id => Text.EnrolmentId(id) ?? throw ApiProblem.Field("id", Text.NotAnEnrolmentId)).Distinct(StringComparer.Ordinal)];
        return known.Count <= MostSelected ? known : throw ApiProblem.Field("id", $"At most {MostSelected} iPads can be selected. Use a filter for more.");
    }

    private static long? Expected(string? typed)
    {
        if (typed is null) return null;
        return long.TryParse(typed.Trim(), NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out var number) && number >= 0
            ? number
            : throw new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidRequest, "The number is not valid", "Type the number of iPads in digits.")
            {
                Errors = new Dictionary<string, string[]> { ["expected"] = ["Type the number of iPads in digits."] },
            };
    }
}

/// <summary>What the page of an operation shows.</summary>
/// <param name="Part">Which of its iPads are listed; null: all.</param>
public sealed record OperationPageView(
    FleetUser User, OperationView Operation, Page<OperationDeviceView> Devices, OperationPart? Part, bool IsLaterPage, string? Problem)
{
    /// <summary>Those that were left out are listed instead; null: they are not.</summary>
    public Page<LeftOutDeviceView>? LeftOut { get; init; }
}

/// <summary>Which iPads a new operation is for.</summary>
/// <param name="Query">All that it finds.</param>
/// <param name="Ids">These alone; null: the query.</param>
internal sealed record Chosen(DeviceQuery Query, IReadOnlyList<string>? Ids)
{
    public OperationTargetRequest Target(DateTimeOffset now) => Ids is null ? Query.Target(now) : new OperationTargetRequest { Ids = Ids };
}

/// <summary>What the form for a new operation shows.</summary>
/// <param name="Ids">Those that were selected; null: all that the query finds.</param>
/// <param name="Total">How many iPads it would be for.</param>
/// <param name="Command">The one that is filled in; null: it is to be chosen.</param>
/// <param name="Item">Of Settings: what is set.</param>
/// <param name="Problems">What is wrong, by the names of fields.</param>
public sealed record OperationNewView(
    FleetUser User, DeviceQuery Query, IReadOnlyList<string>? Ids, string Target, long Total, IReadOnlyList<DeviceSummary> Examples, string FormKey,
    CatalogueType? Command, string? Item, IReadOnlyList<CatalogueField> Fields, IReadOnlyDictionary<string, string>? Values, bool Force, string? Problem,
    IReadOnlyDictionary<string, string[]> Problems)
{
    /// <summary>In-house apps that it can install; null: it installs none.</summary>
    public IReadOnlyList<HostedAppView>? Apps { get; init; }
    public string? HostedApp { get; init; }
    /// <summary>How it begins.</summary>
    public FormState Pace { get; init; } = FormState.Fresh;
    /// <summary>Whose clock the start is by.</summary>
    public required string Zone { get; init; }
}

/// <summary>What the page shows between the form and the start.</summary>
/// <param name="Target">In words.</param>
/// <param name="TargetJson">For the form that starts it.</param>
/// <param name="Body">Names the stored command.</param>
public sealed record OperationCheckView(
    FleetUser User, OperationPlanView Plan, string Target, string TargetJson, string Body, bool Force, string FormKey, string? Problem)
{
    /// <summary>How it begins, for the form that starts it; null: on all at once.</summary>
    public string? Pace { get; init; }
    /// <summary>The same in words.</summary>
    public string? Begins { get; init; }
    /// <summary>When it is started again and again; null: it is started once.</summary>
    public RepeatForm? Repeat { get; init; }
}
