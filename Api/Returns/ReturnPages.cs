using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Returns;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Returns;

/// <summary>Returns in the console: their list, one of them, the form that starts one, and how iPads return that ask.</summary>
internal static class ReturnPages
{
    private const string Path = "/operations/returns";
    private const int OnPage = 50;
    private const int RowsOnPage = 100;
    private const int MostNetworks = 500;

    public static bool MayStart(FleetUser user) => user.May(Rights.OperationStart) && user.May(Rights.CommandErase) && user.May(Rights.ProfileRead);

    public static void MapPages(RouteGroupBuilder pages)
    {
        var returns = pages.MapGroup(Path).WithinSchools();
        returns.MapGet("", List).Needs(Rights.OperationRead);
        returns.MapGet("/new", Ask).Needs(Rights.OperationStart, Rights.CommandErase, Rights.ProfileRead);
        returns.MapPost("", Start).Needs(Rights.OperationStart, Rights.CommandErase, Rights.ProfileRead).Audit(AuditVerbs.OperationStart, AuditTargets.Operation, AuditPlace.WithTheChange);
        returns.MapGet("/{id}", Show).Needs(Rights.OperationRead);
        returns.MapPost("/{id}/close", Close).Needs(Rights.OperationStart).Audit(AuditVerbs.ReturnClose, AuditTargets.Operation, AuditPlace.WithTheChange);

        // Any iPad of the district may ask: it is decided for all of them.
        pages.MapGet(Path + "/answer", AskAnswer).Needs(Rights.OperationRead, Rights.ProfileRead);
        pages.MapPost(Path + "/answer", WriteAnswer).Needs(Rights.CommandErase, Rights.ProfileChange).Audit(AuditVerbs.ReturnAnswer, AuditTargets.Profile, AuditPlace.WithTheChange);
        pages.MapPost(Path + "/answer/remove", RemoveAnswer).Needs(Rights.CommandErase, Rights.ProfileChange)
            .Audit(AuditVerbs.ReturnAnswerRemove, AuditTargets.Profile, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<ReturnsPage>> List(HttpContext context, ReturnService service, string? after)
    {
        var user = FleetUser.Of(context);
        return new(new { User = user, Returns = await service.List(user, after, OnPage), IsLaterPage = after is not null });
    }

    private static async Task<RazorComponentResult<ReturnPage>> Show(string id, HttpContext context, ReturnService service, string? state, string? school, string? after)
    {
        var user = FleetUser.Of(context);
        var found = await service.Get(user, id);
        // Those that are looked for come first, if there are any.
        var shown = string.IsNullOrEmpty(state) ? found.Counts.Missing > 0 ? nameof(ReturnState.Missing) : null : state == "all" ? null : Text.Name<ReturnState>("state", state)?.ToString();
        var (of, beyond) = (string.IsNullOrEmpty(school) ? null : school, string.IsNullOrEmpty(after) ? null : after);
        return new(new { User = user, Return = found, Devices = await service.Devices(user, id, shown, of, beyond, RowsOnPage), State = shown, School = of, IsLaterPage = beyond is not null });
    }

    private static Task<RazorComponentResult<ReturnNewPage>> Ask(HttpContext context, ReturnService service, IFleetQueries fleet, IOptions<OperationOptions> options, string? id, string? filter) =>
        Form(context, service, fleet, options, Known(id), filter, FormState.Fresh);

    private static async Task<RazorComponentResult<ReturnNewPage>> Form(
        HttpContext context, ReturnService service, IFleetQueries fleet, IOptions<OperationOptions> options, string? id, string? filter, FormState form) => new(new
        {
            User = FleetUser.Of(context),
            Networks = await service.Networks(MostNetworks),
            FormKey = PageForms.NewKey(),
            Zone = options.Value.TimeZone,
            Id = id,
            // Of an iPad of another school only the id stands there, which its reader has sent.
            Name = id is not null && await fleet.FindDevice(FleetUser.Of(context).Scope, id) is { } row ? row.DeviceName ?? row.SerialNumber : null,
            Filter = filter,
            Form = form,
        })
        {
            StatusCode = form.Status,
        };

    /// <summary>Without a confirmation: shows what would be done. With the one that was shown there: does it.</summary>
    private static async Task<IResult> Start(HttpContext context, RequestIds ids, ReturnService service, IFleetQueries fleet, IOptions<OperationOptions> options, TimeProvider time)
    {
        var form = await PageForms.Read(context, ids);
        if (form.Get("confirmation") is { } confirmation) return await Confirmed(context, form, confirmation, service, time);
        try
        {
            return await Check(context, Read(form.Get, options.Value.Zone()), service, time, null);
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            var field = problem.Errors?.ContainsKey("target.filter.filter") == true ? new ApiProblem(problem.Status, problem.Code, problem.Title, problem.Message)
            {
                Errors = new Dictionary<string, string[]> { ["filter"] = problem.Errors["target.filter.filter"] },
            }
            : problem;
            return await Form(context, service, fleet, options, Known(form.Get("id")), form.Get("filter"), OperationPaceForm.State(field, form.Get));
        }
    }

    private static async Task<IResult> Check(HttpContext context, ReturnRequest request, ReturnService service, TimeProvider time, ApiProblem? problem)
    {
        var pace = OperationPaces.Read(request.Pace, Protocol.Mdm.ReturnCommand.RequestType, time);
        return new RazorComponentResult<ReturnCheckPage>(new
        {
            User = FleetUser.Of(context),
            Plan = await service.Plan(context, request),
            Request = request,
            Json = JsonSerializer.Serialize(request, AdminJson.Default.ReturnRequest),
            FormKey = PageForms.NewKey(),
            Begins = pace is null ? null : OperationPaces.Words(pace),
            Problem = problem?.Message,
        })
        { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static async Task<IResult> Confirmed(HttpContext context, FormBody form, string confirmation, ReturnService service, TimeProvider time)
    {
        ReturnRequest request;
        try
        {
            request = JsonSerializer.Deserialize(form.Get("request") ?? "", AdminJson.Default.ReturnRequest) ?? throw Stale();
        }
        catch (JsonException)
        {
            throw Stale();
        }

        try
        {
            var expected = long.TryParse(form.Get("expected")?.Trim(), NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out var number)
                ? number
                : throw new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidRequest, "The number is not valid", "Type the number of iPads in digits. Nothing was started.");
            var started = await service.Start(context, request with { Confirmation = confirmation, Expected = expected });
            return PageForms.See($"{Path}/{started.Id}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Check(context, request with { Confirmation = null, Expected = null }, service, time, problem);
        }
    }

    private static async Task<IResult> Close(string id, HttpContext context, ReturnService service) => PageForms.See($"{Path}/{(await service.Close(context, id)).Id}");

    private static Task<RazorComponentResult<ReturnAnswerPage>> AskAnswer(HttpContext context, ReturnService service) => AnswerPage(context, service, FormState.Fresh);

    private static async Task<RazorComponentResult<ReturnAnswerPage>> AnswerPage(HttpContext context, ReturnService service, FormState form) =>
        new(new { User = FleetUser.Of(context), Networks = await service.Networks(MostNetworks), FormKey = PageForms.NewKey(), Answer = await service.FindAnswer(), Form = form }) { StatusCode = form.Status };

    private static async Task<IResult> WriteAnswer(HttpContext context, RequestIds ids, ReturnService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.WriteAnswer(context, new ReturnAnswerRequest
            {
                WifiProfileId = form.Get("wifiProfileId") ?? "",
                KeepApps = form.Get("keepApps") is not null,
                PreserveDataPlan = form.Get("preserveDataPlan") is not null,
                Version = PageForms.Number(form, "version"),
            });
            return PageForms.See(Path + "/answer");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await AnswerPage(context, service, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> RemoveAnswer(HttpContext context, ReturnService service)
    {
        await service.DeleteAnswer(context);
        return PageForms.See(Path + "/answer");
    }

    private static ReturnRequest Read(Func<string, string?> get, TimeZoneInfo zone) => new()
    {
        Target = Known(get("id")) is { } id ? new OperationTargetRequest { Ids = [id] }
            : get("filter") is { } filter ? new OperationTargetRequest { Filter = new DeviceFilterRequest { Filter = filter } }
            : new OperationTargetRequest { All = true },
        WifiProfileId = get("wifiProfileId") ?? throw ApiProblem.Field("wifiProfileId", "Choose the Wi-Fi that an erased iPad joins."),
        Hours = get("hours") is not { } hours ? null : int.TryParse(hours.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw ApiProblem.Field("hours", $"Enter a whole number from 1 to {IReturnStore.MostHours}."),
        KeepApps = get("keepApps") is not null,
        PreserveDataPlan = get("preserveDataPlan") is not null,
        Pace = OperationPaceForm.Read(get, zone),
    };

    private static string? Known(string? id) => string.IsNullOrEmpty(id) ? null : Text.EnrolmentId(id) ?? throw ApiProblem.Field("id", Text.NotAnEnrolmentId);

    private static ApiProblem Stale() => ApiProblem.Conflict(ProblemCodes.NotConfirmed, "The page is too old", "Nothing was started. Begin again.");

    public static string State(ReturnView one) => one switch
    {
        { CancelledAt: not null } => "The rest was cancelled",
        { ClosedAt: not null } => "Closed",
        { IsPaused: true } => "Paused",
        { Counts.Missing: > 0 } => "iPads are missing",
        { Counts: { NotBegun: 0, Waiting: 0, Told: 0, Erased: 0 } } => "Done",
        _ => "Running",
    };

    public static string State(ReturnDeviceView one) => one.State switch
    {
        nameof(ReturnState.NotBegun) => "Not begun",
        nameof(ReturnState.Failed) => "Not erased",
        var state => state,
    };
}
