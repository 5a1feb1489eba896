using System.Text;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Profiles;
using FleetMdm.Storage.Returns;
using Text = FleetMdm.Api.Rest.Text;

namespace FleetMdm.Api.Returns;

/// <summary>Returns, for REST and for the console.</summary>
internal sealed class ReturnService(IReturnStore store, IProfileStore profiles, OperationPlans plans, AuditTrail trail, IGrainFactory grains, TimeProvider time)
{
    public const int UsualHours = 24;

    private const int RowsAtATime = 1_000;

    private static readonly string[] Columns =
        ["school", "serialNumber", "assetTag", "deviceName", "state", "reason", "toldAt", "erasedAt", "dueAt", "returnedAt", "returnedBy", "hasBypassCode", "lastSeenAt", "id"];

    /// <summary>An iPad that lies in a drawer for longer is not erased in the middle of another term.</summary>
    private const int ExpiresAfterHours = 30 * 24;

    private const string SharedSince = "18.0";

    private const string DryRun = "Send the same request to /api/v1/returns?dryRun=true";

    /// <exception cref="ApiProblem">It cannot be asked so.</exception>
    public async Task<ReturnPlanView> Plan(HttpContext context, ReturnRequest request)
    {
        var (operation, command, wifi) = await Read(request);
        var planned = OperationEndpoints.Planned(FleetUser.Of(context), operation, command, time);
        return new ReturnPlanView
        {
            Operation = await plans.Run(context, planned),
            Wifi = wifi,
            WithoutBootstrapToken = await plans.CountUnmet(planned, new Requirement(RequirementKind.BootstrapToken, "Keeping apps", "")),
            WithoutBypassCode = await plans.CountUnmet(planned, new Requirement(RequirementKind.BypassCode, "An iPad", "")),
        };
    }

    /// <exception cref="ApiProblem">Nothing was started.</exception>
    public async Task<OperationStarted> Start(HttpContext context, ReturnRequest request)
    {
        var (operation, command, _) = await Read(request);
        return await OperationEndpoints.Begin(operation, command, context, grains, plans, time, DryRun);
    }

    public async Task<Page<ReturnView>> List(FleetUser reader, string? after, int limit)
    {
        var last = after is null ? null : (await Row(reader, after))?.Return ?? throw ApiProblem.InvalidCursor();
        var rows = await store.List(reader.Scope, last is null ? null : (last.CreatedAt, last.Id), limit + 1);
        var counts = (await store.Count([.. rows.Select(row => row.Return.Id)], time.GetUtcNow())).ToLookup(one => one.ReturnId);
        return Page.Of(rows, limit, row => ReturnView.Of(row, counts[row.Return.Id]), row => row.Return.Id);
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<ReturnView> Get(FleetUser reader, string id)
    {
        var row = await Row(reader, id) ?? throw NotFound();
        return ReturnView.Of(row, await store.Count([row.Return.Id], time.GetUtcNow()));
    }

    /// <exception cref="ApiProblem">400, 404.</exception>
    public async Task<Page<ReturnDeviceView>> Devices(FleetUser reader, string id, string? state, string? school, string? after, int limit)
    {
        var row = await Row(reader, id) ?? throw NotFound();
        if (after is not null && Text.EnrolmentId(after) is null) throw ApiProblem.InvalidCursor();
        var rows = await store.ListDevices(row.Return.Id, Text.Name<ReturnState>("state", state), school, time.GetUtcNow(), after, limit + 1);
        return Page.Of(rows, limit, ReturnDeviceView.Of, one => one.DeviceId);
    }

    public async Task<IResult> Export(HttpContext context, string id, string? state, string? school)
    {
        var reader = FleetUser.Of(context);
        var first = await Devices(reader, id, state, school, null, RowsAtATime);
        await trail.Record(context, AuditVerbs.ReturnExport, AuditTargets.Operation, Text.Uuid(id)!.Value.ToString("D"), detail: state ?? "all");
        return new CsvPages<ReturnDeviceView>("return.csv", Columns, first, after => Devices(reader, id, state, school, after, RowsAtATime), WriteRow);
    }

    private static void WriteRow(StringBuilder text, ReturnDeviceView one) => Csv.Row(
        text, one.School, one.SerialNumber, one.AssetTag, one.DeviceName, one.State, one.Reason, Csv.Time(one.ToldAt), Csv.Time(one.ErasedAt), Csv.Time(one.DueAt), Csv.Time(one.ReturnedAt),
        one.ReturnedBy, one.HasBypassCode ? "true" : "false", Csv.Time(one.LastSeenAt), one.DeviceId);

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<ReturnView> Close(HttpContext context, string id)
    {
        var user = FleetUser.Of(context);
        var row = await Row(user, id) ?? throw NotFound();
        if (!await store.Close(user.Scope, row.Return.Id, time.GetUtcNow(), user.Name, trail.Entry(context, AuditVerbs.ReturnClose, AuditTargets.Operation, row.Return.Id))) throw NotFound();
        return await Get(user, row.Return.Id);
    }

    public async Task<ReturnAnswerView?> FindAnswer() => await store.FindAnswer() is { } answer ? await Of(answer) : null;

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<ReturnAnswerView> Answer() =>
        await FindAnswer() is { } answer ? answer : throw ApiProblem.NotFound("Nobody has said how iPads return that ask for it. They are told not to erase themselves.");

    /// <exception cref="ApiProblem">400, 409.</exception>
    public async Task<ReturnAnswerView> WriteAnswer(HttpContext context, ReturnAnswerRequest request)
    {
        var profile = await Wifi("wifiProfileId", request.WifiProfileId);
        var written = await store.WriteAnswer(new ReturnAnswer
        {
            Version = request.Version ?? 0,
            WifiProfileId = profile.Id,
            KeepApps = request.KeepApps ?? false,
            PreserveDataPlan = request.PreserveDataPlan ?? false,
            InvitationId = $"return-{Convert.ToHexStringLower(RequestIds.NewBytes(context, "return-invitation", 20))}",
            UpdatedAt = time.GetUtcNow(),
            UpdatedBy = FleetUser.Of(context).Name,
        }, trail.Entry(context, AuditVerbs.ReturnAnswer, AuditTargets.Profile, profile.Id, detail: profile.Newest.Name));
        return written ? await Answer() : throw ApiProblem.Conflict(ProblemCodes.NotAsExpected, "It was changed meanwhile", "Read it again, and send its version.");
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task DeleteAnswer(HttpContext context)
    {
        if (await store.FindAnswer() is not { } answer || !await store.DeleteAnswer(time.GetUtcNow(), trail.Entry(context, AuditVerbs.ReturnAnswerRemove, AuditTargets.Profile, answer.WifiProfileId)))
            throw ApiProblem.NotFound("Nobody has said how iPads return that ask for it.");
    }

    /// <summary>The profiles of the library that could be chosen, by name.</summary>
    public async Task<IReadOnlyList<(string Value, string Words)>> Networks(int most)
    {
        var found = new List<(string, string)>();
        ProfileRow? last = null;
        while (found.Count < most && await profiles.List(null, last, most) is { Count: > 0 } rows)
        {
            found.AddRange(rows.Where(row => row.Newest.Payloads.Any(part => part.Type == ReturnWifi.PayloadType)).Select(row => (row.Id, row.Newest.Name)));
            last = rows[^1];
        }

        return [.. found.Take(most)];
    }

    private async Task<(OperationRequest Operation, BuiltCommand Command, string Wifi)> Read(ReturnRequest request)
    {
        var profile = await Wifi("wifiProfileId", request.WifiProfileId);
        var order = new ReturnOrder(
            profile.Id, profile.Newest.Name, Text.Number("hours", request.Hours ?? UsualHours, 1, IReturnStore.MostHours), request.KeepApps ?? false, request.PreserveDataPlan ?? false);
        // As Apple's command stands: what iPads must be is in the catalogue.
        var asked = new Dictionary<string, object> { ["requestType"] = ReturnCommand.RequestType, ["returnToService"] = new Dictionary<string, object> { ["enabled"] = true } };
        var built = CommandReader.FromJson(JsonSerializer.SerializeToElement(asked));
        var command = built with
        {
            Fragment = ReturnCommand.Template(order),
            Requirements = [.. built.Requirements, new Requirement(RequirementKind.SharedSince, "Return to Service", "", SharedSince)],
        };
        return (new OperationRequest
        {
            Target = request.Target,
            Command = default,
            ExpiresAt = request.ExpiresAt,
            ExpiresInHours = request.ExpiresInHours ?? (request.ExpiresAt is null ? ExpiresAfterHours + HoursUntil(request.Pace?.StartAt) : null),
            Push = request.Push,
            Expected = request.Expected,
            Confirmation = request.Confirmation,
            Force = request.Force,
            Pace = request.Pace,
        }, command, profile.Newest.Name);
    }

    private int HoursUntil(DateTimeOffset? start) => start is { } at && at > time.GetUtcNow() ? (int)Math.Min((at - time.GetUtcNow()).TotalHours, 8760 - ExpiresAfterHours) : 0;

    /// <summary>A profile of the library whose Wi-Fi an erased iPad can join. Nothing of what it holds is told.</summary>
    private async Task<ProfileRow> Wifi(string field, string id)
    {
        if (Text.Uuid(id) is not { } uuid || await profiles.Find(uuid.ToString("D")) is not { } profile || await profiles.Load(profile.Id, profile.Newest.Version) is not { } bytes)
            throw ApiProblem.Field(field, "The library has no profile with this id.");
        return ReturnWifi.FindFault(bytes) is { } fault ? throw ApiProblem.Field(field, $"An erased iPad cannot join the Wi-Fi of \"{profile.Newest.Name}\". {fault}") : profile;
    }

    private async Task<ReturnAnswerView> Of(ReturnAnswer answer)
    {
        var profile = await profiles.Find(answer.WifiProfileId);
        var bytes = profile is null ? null : await profiles.Load(profile.Id, profile.Newest.Version);
        return new ReturnAnswerView
        {
            Version = answer.Version,
            WifiProfileId = answer.WifiProfileId,
            Wifi = profile?.Newest.Name,
            Problem = bytes is null ? "The profile is not in the library any more." : ReturnWifi.FindFault(bytes),
            KeepApps = answer.KeepApps,
            PreserveDataPlan = answer.PreserveDataPlan,
            UpdatedAt = answer.UpdatedAt,
            UpdatedBy = answer.UpdatedBy,
        };
    }

    private async Task<ReturnRow?> Row(FleetUser reader, string id) => Text.Uuid(id) is { } uuid ? await store.Find(reader.Scope, uuid.ToString("D")) : null;

    internal static ApiProblem NotFound() => ApiProblem.NotFound("There is no such return.");
}
