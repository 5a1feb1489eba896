using System.Globalization;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Holdings;

namespace FleetMdm.Api.Holdings;

/// <summary>Who has which iPad, for REST and for the console.</summary>
internal sealed class HoldingService(IHoldingStore store, DeviceLookup devices, AuditTrail trail, TimeProvider time)
{
    /// <summary>Of a loan. Longer is for good.</summary>
    private const int MostYears = 10;

    public const int LongestTag = 200;

    /// <summary>Days end in UTC: a school's own clock is not looked at.</summary>
    public DateOnly Today => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);

    public async Task<Page<HoldingView>> List(FleetUser reader, HoldingFilter filter, string? after, int limit)
    {
        var last = after is null ? null : Text.Uuid(after)?.ToString("D") ?? throw ApiProblem.InvalidCursor();
        return Page.Of(await store.List(reader.Scope, filter, last, limit + 1), limit, row => HoldingView.Of(row, Today), row => row.Holding.Id);
    }

    public static HoldingFilter Loans(bool overdue, DateOnly today, string? schoolId) => new()
    {
        Loans = true,
        DueBefore = overdue ? today : null,
        SchoolId = string.IsNullOrEmpty(schoolId) ? null : PeopleService.Id("school", schoolId),
    };

    /// <summary>iPads that their people want to hand back, whether on loan or not.</summary>
    public static HoldingFilter HandBacks(string? schoolId) =>
        new() { ReturnAsked = true, SchoolId = string.IsNullOrEmpty(schoolId) ? null : PeopleService.Id("school", schoolId) };

    /// <summary>Who has these iPads now, written into what a list shows of them.</summary>
    public async Task<IReadOnlyList<T>> With<T>(FleetUser reader, IReadOnlyList<T> shown) where T : DeviceSummary
    {
        if (!reader.May(Rights.PeopleRead)) return shown;
        var current = await store.Current(reader.Scope, [.. shown.Select(device => device.Id)]);
        return current.Count == 0
            ? shown
            : [.. shown.Select(device => current.TryGetValue(device.Id, out var row) ? device with { Holder = HolderView.Of(row, Today) } : device)];
    }

    public async Task<T> With<T>(FleetUser reader, T shown) where T : DeviceSummary => (await With<T>(reader, [shown]))[0];

    /// <exception cref="ApiProblem">404; 409: another person has it, or this person has left.</exception>
    public async Task<HolderView> HandOut(HttpContext context, string deviceId, HandOutRequest request)
    {
        var user = FleetUser.Of(context);
        var device = await devices.Row(deviceId);
        var person = Text.Uuid(request.PersonId)?.ToString("D") ?? throw ApiProblem.Field("personId", "It must be the id of a person.");
        if (request.Until is { } until)
        {
            if (until < Today) throw ApiProblem.Field("until", "The day is over. Choose today or a later one.");
            if (until > Today.AddYears(MostYears)) throw ApiProblem.Field("until", $"A loan may last {MostYears} years. Leave it empty for good.");
        }

        var result = await store.HandOut(user.Scope, new HandOut
        {
            Holding = new Holding
            {
                Id = RequestIds.NewGuid(context, "holding").ToString("D"),
                DeviceId = device.Id,
                PersonId = person,
                DueOn = request.Until,
                GivenAt = time.GetUtcNow(),
                GivenBy = user.Name,
            },
            ReturnFirst = request.ReturnFirst ?? false,
            Audit = trail.Entry(context, AuditVerbs.DeviceHandOut, AuditTargets.Device, device.Id, subject: person,
                detail: request.Until is { } day ? "until " + day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) : "for good"),
            AuditOfReturn = trail.Entry(context, AuditVerbs.DeviceReturn, AuditTargets.Device, device.Id),
        });
        switch (result.Outcome)
        {
            case HandOutOutcome.Written:
                return HolderView.Of((await store.Current(user.Scope, [device.Id])).GetValueOrDefault(device.Id) ?? throw NotHeld(), Today);
            case HandOutOutcome.NoDevice:
                throw DeviceLookup.NotFound();
            case HandOutOutcome.NoPerson:
                throw ApiProblem.Field("personId", "There is no such person.");
            case HandOutOutcome.PersonLeft:
                throw ApiProblem.Conflict(ProblemCodes.PersonLeft, "The person has left", "This person has left, and cannot be given an iPad.");
            default:
                var by = result.By is { } row ? HoldingView.Of(row, Today) : null;
                throw ApiProblem.Conflict(ProblemCodes.HandedOut, "Another person has it",
                    $"{Text.Capital(by?.PersonWords ?? "Another person")} has this iPad since {by?.Since.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}. Return it first, or say that it is returned with this.");
        }
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task Return(HttpContext context, string deviceId)
    {
        var user = FleetUser.Of(context);
        var device = await devices.Row(deviceId);
        if (!await store.Return(user.Scope, device.Id, time.GetUtcNow(), user.Name, trail.Entry(context, AuditVerbs.DeviceReturn, AuditTargets.Device, device.Id)))
            throw NotHeld();
    }

    /// <summary>The one iPad that a person has typed or scanned.</summary>
    /// <exception cref="ApiProblem">400.</exception>
    public async Task<string> Find(FleetUser reader, string? typed)
    {
        var text = Text.Required("ipad", typed?.Trim(), LongestTag);
        return await store.FindDevices(reader.Scope, text) switch
        {
            [var one] => one,
            [] => throw ApiProblem.Field("ipad", $"No iPad has the serial number or asset tag {text}."),
            _ => throw ApiProblem.Field("ipad", $"More than one iPad has {text}. Open the one that is meant, and hand it out there."),
        };
    }

    private static ApiProblem NotHeld() => ApiProblem.NotFound("Nobody has this iPad.");
}
