using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Exams;
using FleetMdm.Api.Rest;
using FleetMdm.Api.SelfService;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Exams;
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

    private const int LocksADay = 100;

    private const string ClearPasscodeCommand = "ClearPasscode";
    private const string LockScreenCommand = "DeviceLock";

    /// <summary>It stands on the screens that were turned off.</summary>
    private const string AttentionMessage = "Please listen to your teacher.";

    /// <summary>An iPad that comes later is not locked in the break.</summary>
    private static readonly TimeSpan AttentionWithin = TimeSpan.FromMinutes(2);

    public const int FewestMinutes = 5;
    public const int UsualMinutes = 45;

    /// <summary>A double lesson. Nothing locks longer, whoever forgets it.</summary>
    public const int MostMinutes = 120;

    public const int MostApps = 60;
    private const int LongestBundleId = 255;
    private const int LongestName = 100;
    private const int MostNamed = 10;

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
        var lesson = await exams.Lesson(id);
        var standings = (lesson?.Devices ?? []).ToDictionary(one => one.DeviceId, LessonWords.Of, StringComparer.Ordinal);
        var here = pupils.Select(one => one.Device?.Id).OfType<string>().ToHashSet(StringComparer.Ordinal);
        return new TaughtClassDetailView
        {
            Class = Of(taught),
            Lock = lesson is null ? null : new TaughtLockView
            {
                AppName = lesson.AppName,
                BundleId = lesson.BundleId,
                Running = lesson.IsRunning,
                EndsAt = lesson.EndsAt,
                Until = lesson.Until,
                Locked = standings.Values.Count(one => one.State == LessonWords.Locked),
                Waiting = standings.Values.Count(one => one.State == LessonWords.Waits),
                NotReleased = standings.Values.Count(one => one.State == LessonWords.Releasing),
            },
            Items = [.. pupils.Select(one => Of(one, [.. tiles.Where(tile => tile.ExamId != lesson?.ExamId)], standings, now))],
            Others =
            [
                .. (lesson?.Devices ?? []).Where(one => !here.Contains(one.DeviceId) && standings[one.DeviceId].State != LessonWords.Released)
                    .Select(one => new TaughtStrayView { Id = one.DeviceId, Name = one.DeviceName ?? one.SerialNumber, Standing = standings[one.DeviceId] }),
            ],
        };
    }

    /// <summary>The apps that it can be locked into.</summary>
    /// <param name="text">A part of the name or the identifier; null: all.</param>
    public async Task<TaughtAppsView> Apps(HttpContext context, string classId, string? text)
    {
        var (scope, teacher, id) = (FleetUser.Of(context).Scope, Asking(context), ClassId(classId));
        if (await store.FindClass(scope, teacher, id, Today) is null) throw NotYours();
        var search = string.IsNullOrWhiteSpace(text) ? null : Text.Optional("q", text.Trim());
        return new TaughtAppsView
        {
            Items = [.. (await store.ListApps(scope, teacher, id, Today, search, MostApps)).Select(app => new TaughtAppView { BundleId = app.Identifier, Name = app.Name, IPads = app.Devices })],
        };
    }

    /// <summary>Locks the class, or one iPad of it, into an app. Once more changes nothing.</summary>
    /// <param name="deviceId">Null: all iPads of the class.</param>
    /// <exception cref="ApiProblem">404; 409: it is no lesson, no iPad can be locked, or the class is locked into another app; 429: too often today.</exception>
    public async Task<LessonDoneView> Lock(HttpContext context, string classId, string? deviceId, LessonLockRequest request)
    {
        var (scope, teacher, id) = (FleetUser.Of(context).Scope, Asking(context), ClassId(classId));
        TaughtClass taught;
        IReadOnlyList<PupilDevice> pupils;
        if (deviceId is null)
        {
            RequireLesson(taught = await store.FindClass(scope, teacher, id, Today) ?? throw NotYours());
            pupils = [.. (await store.ListPupils(scope, teacher, id, Today)).Where(one => one.Device is not null)];
        }
        else
        {
            (taught, var pupil) = await Acting(context, classId, deviceId);
            pupils = [pupil];
        }

        var minutes = request.Minutes ?? UsualMinutes;
        if (minutes is < FewestMinutes or > MostMinutes) throw ApiProblem.Field("minutes", $"Choose {FewestMinutes} to {MostMinutes} minutes.");
        if (await store.FindApp(scope, teacher, id, Today, Text.Required("bundleId", request.BundleId, LongestBundleId).Trim()) is not { } app)
            throw ApiProblem.Conflict(ProblemCodes.DoesNotFit, "Not with this app", "No iPad of the class has told that this app is on it. Choose one of the list, or ask a technician to install it.");

        var without = await store.WithoutApp([.. pupils.Select(one => one.Device!.Id).Distinct(StringComparer.Ordinal)], app.Identifier);
        var (can, leftOut) = (new List<string>(), new List<string>());
        foreach (var one in pupils)
        {
            var device = one.Device!;
            if ((WhyNot(device) ?? (without.Contains(device.Id) ? $"{app.Name} is not on it." : null)) is { } why) leftOut.Add($"{NameOf(one)}: {why}");
            else if (!can.Contains(device.Id)) can.Add(device.Id);
        }

        if (can.Count == 0) throw ApiProblem.Conflict(ProblemCodes.DoesNotFit, "No iPad can be locked", leftOut.Count == 0 ? "No pupil of this class has an iPad." : Some(leftOut));
        var now = time.GetUtcNow();
        var ends = now.AddMinutes(minutes);
        if (options.Value.OnlyInSchoolHours && LessonTime.At(taught.Hours, taught.TimeZone, now).Ends is { } closes && closes < ends) ends = closes;
        if (ends < now + ExamService.Shortest) throw ApiProblem.Conflict(ProblemCodes.NotInLesson, "The school closes now", $"{taught.School} closes within a minute. Nothing was locked.");
        await Take(context, teacher, SelfServiceActKind.ClassLocked, deviceId is null ? null : can[0], LocksADay, Day, "You have locked your classes a lot today. Ask a technician.");
        // On an iPad, two braces are a variable.
        var name = Text.Printable($"{taught.Class.Name}: {app.Name}".Replace('{', '('), LongestName);
        var (count, held) = await exams.LockLesson(
            context, new LessonOrder(name, taught.Class.SchoolId, new ExamLesson(id, app.Identifier, Text.Printable(app.Name, LongestName)), can, ends));
        leftOut.AddRange(pupils.Where(one => held.Contains(one.Device!.Id, StringComparer.Ordinal)).Select(one => $"{NameOf(one)}: an exam has it, and comes first."));
        return new LessonDoneView { IPads = count, LeftOut = leftOut };
    }

    /// <summary>Releases the class, or one iPad of it, at whatever time: nobody stays locked in.</summary>
    /// <param name="deviceId">Null: all; the lock is over.</param>
    /// <returns>0: it was not locked.</returns>
    /// <exception cref="ApiProblem">404: not their class; or the iPad is neither in its lock nor in the hands of a pupil of it.</exception>
    public async Task<LessonDoneView> Release(HttpContext context, string classId, string? deviceId)
    {
        var (scope, teacher, id) = (FleetUser.Of(context).Scope, Asking(context), ClassId(classId));
        if (await store.FindClass(scope, teacher, id, Today) is null) throw NotYours();
        if (deviceId is not null && Text.EnrolmentId(deviceId) is null) throw NotHere();
        // Whoever has the iPad now: what counts is that this class has locked it.
        if (await exams.ReleaseLesson(context, id, deviceId) is not { } released)
        {
            if (await store.FindDevice(scope, teacher, id, deviceId!, Today) is null) throw NotHere();
            released = 0;
        }

        return new LessonDoneView { IPads = released, LeftOut = [] };
    }

    /// <summary>Turns the screens of the class off once, with a line on them. Nobody is held: whoever knows the passcode goes on.</summary>
    /// <exception cref="ApiProblem">404; 409: it is no lesson, or none of the iPads can; 429: just done.</exception>
    public async Task<LessonDoneView> Attention(HttpContext context, string classId)
    {
        var (scope, teacher, id) = (FleetUser.Of(context).Scope, Asking(context), ClassId(classId));
        RequireLesson(await store.FindClass(scope, teacher, id, Today) ?? throw NotYours());
        var pupils = (await store.ListPupils(scope, teacher, id, Today)).Where(one => one.Device is not null).ToList();
        // An iPad that is locked by its passcode answers that it cannot now: it could not be released.
        var inLock = (await exams.Of([.. pupils.Select(one => one.Device!.Id).Distinct(StringComparer.Ordinal)])).Where(tile => !tile.IsComing && tile.State is not "notPossible").Select(tile => tile.DeviceId).ToHashSet(StringComparer.Ordinal);
        var command = CommandReader.FromJson(JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["requestType"] = LockScreenCommand, ["message"] = AttentionMessage }));
        var (can, leftOut) = (new List<PupilDevice>(), new List<string>());
        foreach (var one in pupils)
        {
            if (inLock.Contains(one.Device!.Id)) leftOut.Add($"{NameOf(one)}: it is locked into an app.");
            else if (one.Device.IsLost == true || CommandFit.Reasons(AppleCatalogue.Instance.Commands[LockScreenCommand], one.Device).Count > 0) leftOut.Add($"{NameOf(one)}: its screen cannot be locked from here.");
            else can.Add(one);
        }

        if (can.Count == 0) throw ApiProblem.Conflict(ProblemCodes.DoesNotFit, "Not with these iPads", leftOut.Count == 0 ? "No pupil of this class has an iPad." : Some(leftOut));
        await Take(context, teacher, SelfServiceActKind.AttentionAsked, null, 1, LooksApart, "You asked for attention just now. Ask again in half a minute.");
        var ends = time.GetUtcNow() + AttentionWithin;
        var done = await Task.WhenAll(can.DistinctBy(one => one.Device!.Id).Select(async one =>
        {
            try
            {
                var uuid = RequestIds.NewGuid(context, $"attention {one.Device!.Id}").ToString("D").ToUpperInvariant();
                await CommandEndpoints.Queue(one.Device.Id, context, command with { CommandUuid = uuid }, ends, push: true, devices, log);
                return null;
            }
            catch (ApiProblem problem)
            {
                return $"{NameOf(one)}: {problem.Message}";
            }
        }));
        return new LessonDoneView { IPads = done.Count(one => one is null), LeftOut = [.. leftOut, .. done.OfType<string>()] };
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
            throw NotHere();
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

    private static TaughtPupilView Of(PupilDevice one, IReadOnlyList<ExamTile> tiles, IReadOnlyDictionary<string, TaughtStandingView> standings, DateTimeOffset now) => new()
    {
        Name = NameOf(one),
        Device = one.Device is not { } row ? null : new TaughtDeviceView
        {
            Id = row.Id,
            Name = row.DeviceName ?? row.SerialNumber,
            Here = row.LastSeenAt > now - HereWithin,
            LastSeenAt = row.LastSeenAt,
            BatteryLevel = row.BatteryLevel,
            IsLost = row.IsLost == true,
            Exam = InExamView.Of(tiles, row.Id, now),
            Standing = standings.GetValueOrDefault(row.Id),
            WhyNot = WhyNot(row) ?? (tiles.Any(tile => tile.DeviceId == row.Id && !tile.IsLesson && !tile.IsComing && tile.EndsAt > now && tile.State is "planned" or "sent" or "locked" or "failed") ? "An exam has it, and comes first." : null),
            CanClearPasscode = CanClear(row),
        },
    };

    private static bool CanClear(DeviceRow row) =>
        row.HasUnlockToken && row.IsLost != true && CommandFit.Reasons(AppleCatalogue.Instance.Commands[ClearPasscodeCommand], row).Count == 0;

    /// <summary>Why this iPad cannot be locked into an app; null: it can.</summary>
    private static string? WhyNot(DeviceRow row) => row switch
    {
        { Status: not EnrolmentStatus.Enrolled } => "It is being enrolled.",
        { IsSupervised: not true } => "It is not supervised. Ask a technician.",
        { IsLost: true } => "It is lost.",
        _ => null,
    };

    private static string NameOf(PupilDevice one) => $"{one.Pupil.GivenName} {one.Pupil.FamilyName}".Trim();

    private static string Some(List<string> sentences) =>
        string.Join(' ', sentences.Take(MostNamed)) + (sentences.Count > MostNamed ? $" And {sentences.Count - MostNamed} more." : "");

    private static ApiProblem NotHere() => ApiProblem.NotFound("No pupil of this class has this iPad.");

    private static ApiProblem NotYours() => ApiProblem.NotFound("You teach no such class.");
}
