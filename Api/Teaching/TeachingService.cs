using FleetMdm.Api.Access;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Exams;
using FleetMdm.Api.Rest;
using FleetMdm.Api.SelfService;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.SelfService;
using FleetMdm.Storage.Teaching;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Teaching;

/// <summary>What a teacher sees and does, for REST and for <c>/teach</c>.</summary>
internal sealed class TeachingService(
    ITeachingStore store, ISelfServiceStore acts, SelfServiceService people, DeviceLookup devices, CommandLog log, ExamLocks exams, IOptions<TeachingOptions> options, TimeProvider time)
{
    /// <summary>An iPad that is used is in touch at least so often; one that was asked is at once.</summary>
    private static readonly TimeSpan HereWithin = TimeSpan.FromMinutes(15);

    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    /// <summary>Until then a passcode is cleared; later, the pupil may have remembered it.</summary>
    private static readonly TimeSpan ClearWithin = TimeSpan.FromHours(1);

    /// <summary>Each asks all iPads of a class.</summary>
    private static readonly TimeSpan LooksApart = TimeSpan.FromSeconds(30);

    private const int ClearedADay = 100;

    private const string ClearPasscodeCommand = "ClearPasscode";

    private DateOnly Today => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);

    public async Task<TaughtClassesView> List(HttpContext context) =>
        new() { Items = [.. (await store.ListClasses(FleetUser.Of(context).Scope, await Teacher(context), Today)).Select(Of)] };

    /// <exception cref="ApiProblem">404: they do not teach it.</exception>
    public async Task<TaughtClassDetailView> Get(HttpContext context, string classId)
    {
        var (scope, teacher, id) = (FleetUser.Of(context).Scope, Asking(context), ClassId(classId));
        var taught = await store.FindClass(scope, teacher, id, Today) ?? throw NotYours();
        var now = time.GetUtcNow();
        var pupils = await store.ListPupils(scope, teacher, id, Today);
        var tiles = await exams.Of([.. pupils.Select(one => one.Device?.Id).OfType<string>().Distinct()]);
        return new TaughtClassDetailView { Class = Of(taught), Items = [.. pupils.Select(one => Of(one, tiles, now))] };
    }

    /// <summary>Wakes the iPads of a class, so that it is seen who is here.</summary>
    /// <exception cref="ApiProblem">404; 409: it is no lesson; 429: just asked.</exception>
    public async Task Look(HttpContext context, string classId)
    {
        var (scope, teacher, id) = (FleetUser.Of(context).Scope, Asking(context), ClassId(classId));
        RequireLesson(await store.FindClass(scope, teacher, id, Today) ?? throw NotYours());
        await Take(context, teacher, SelfServiceActKind.AskedWhoIsHere, null, 1, LooksApart, "The iPads were asked just now. Look again in half a minute.");
        var pads = (await store.ListPupils(scope, teacher, id, Today)).Select(one => one.Device).OfType<DeviceRow>().ToList();
        // One that cannot be woken is seen by that it does not come.
        await Task.WhenAll(pads.Select(pad => devices.Grain(pad.Id).Push().AsTask()));
    }

    /// <exception cref="ApiProblem">404; 409: it is no lesson, or the iPad cannot; 429: too many today.</exception>
    public async Task ClearPasscode(HttpContext context, string classId, string deviceId)
    {
        var (taught, pupil) = await Acting(context, classId, deviceId);
        if (!CanClear(pupil.Device!))
            throw ApiProblem.Conflict(ProblemCodes.DoesNotFit, "Not with this iPad", "The passcode of this iPad cannot be cleared from here. Ask a technician.");
        await Take(context, Asking(context), SelfServiceActKind.PasscodeCleared, pupil.Device!.Id, ClearedADay, Day, "You have cleared a lot of passcodes today. Ask a technician.");
        var now = time.GetUtcNow();
        var ends = LessonTime.At(taught.Hours, taught.TimeZone, now).Ends is { } lesson && lesson < now + ClearWithin ? lesson : now + ClearWithin;
        await CommandEndpoints.Queue(pupil.Device.Id, context, CommandReader.Plain(ClearPasscodeCommand), ends, push: true, devices, log);
    }

    /// <summary>An iPad of a class that they teach, in a lesson.</summary>
    private async Task<(TaughtClass Class, PupilDevice Pupil)> Acting(HttpContext context, string classId, string deviceId)
    {
        var (scope, teacher, id) = (FleetUser.Of(context).Scope, Asking(context), ClassId(classId));
        var taught = await store.FindClass(scope, teacher, id, Today) ?? throw NotYours();
        if (Text.EnrolmentId(deviceId) is not { } device || await store.FindDevice(scope, teacher, id, device, Today) is not { } pupil)
            throw ApiProblem.NotFound("No pupil of this class has this iPad.");
        RequireLesson(taught);
        return (taught, pupil);
    }

    private void RequireLesson(TaughtClass taught)
    {
        if (!IsLesson(taught))
            throw ApiProblem.Conflict(ProblemCodes.NotInLesson, "It is no lesson now", $"Outside the hours of {taught.School} you can look, and do nothing.");
    }

    private bool IsLesson(TaughtClass taught) => !options.Value.OnlyInSchoolHours || LessonTime.At(taught.Hours, taught.TimeZone, time.GetUtcNow()).IsOpen;

    private async Task<string> Teacher(HttpContext context) => (await people.Person(context)).Person.Id;

    /// <summary>Where a class is named: whoever is nobody teaches none.</summary>
    private static string Asking(HttpContext context) => FleetUser.Of(context).PersonId ?? throw NotYours();

    private static string ClassId(string id) => Text.Uuid(id)?.ToString("D") ?? throw NotYours();

    private async Task Take(HttpContext context, string teacher, SelfServiceActKind kind, string? device, int most, TimeSpan within, string words)
    {
        var now = time.GetUtcNow();
        var act = new SelfServiceAct(RequestIds.NewGuid(context, "teaching").ToString("D"), teacher, kind, device, now);
        if (!await acts.Take(act, most, now - within))
            throw new ApiProblem(StatusCodes.Status429TooManyRequests, ProblemCodes.TooMany, "Too often", words) { RetryAfter = (int)within.TotalSeconds };
    }

    private TaughtClassView Of(TaughtClass taught)
    {
        var lesson = LessonTime.At(taught.Hours, taught.TimeZone, time.GetUtcNow());
        return new TaughtClassView
        {
            Id = taught.Class.Id,
            Name = taught.Class.Name,
            School = taught.School,
            Pupils = taught.Pupils,
            IPads = taught.IPads,
            Lesson = IsLesson(taught),
            LessonEnds = lesson.Ends,
        };
    }

    private static TaughtPupilView Of(PupilDevice one, IReadOnlyList<ExamTile> tiles, DateTimeOffset now) => new()
    {
        Name = $"{one.Pupil.GivenName} {one.Pupil.FamilyName}".Trim(),
        Device = one.Device is not { } row ? null : new TaughtDeviceView
        {
            Id = row.Id,
            Name = row.DeviceName ?? row.SerialNumber,
            Here = row.LastSeenAt > now - HereWithin,
            LastSeenAt = row.LastSeenAt,
            BatteryLevel = row.BatteryLevel,
            IsLost = row.IsLost == true,
            Exam = InExamView.Of(tiles, row.Id, now),
            CanClearPasscode = CanClear(row),
        },
    };

    private static bool CanClear(DeviceRow row) =>
        row.HasUnlockToken && row.IsLost != true && CommandFit.Reasons(AppleCatalogue.Instance.Commands[ClearPasscodeCommand], row).Count == 0;

    private static ApiProblem NotYours() => ApiProblem.NotFound("You teach no such class.");
}
