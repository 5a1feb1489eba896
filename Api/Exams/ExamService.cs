using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Operations;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Exams;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Profiles;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Exams;

/// <summary>Exams, for REST and for the console.</summary>
internal sealed class ExamService(
    IExamStore store, IProfileStore profiles, ClassService classes, DeviceLookup lookup, IGrainFactory grains, AuditTrail trail, IOptions<OperationOptions> options, TimeProvider time)
{
    /// <summary>Longer than any exam; short enough that a typing error locks nobody for a week.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(24);

    /// <summary>A lock that ends before iPads have heard of it helps nobody.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromMinutes(1);

    /// <summary>Two school years can be planned; a later beginning is a typing error.</summary>
    public const int MostYearsAhead = 2;

    public const int MostApps = 50;
    public const int MostNamed = 2_000;
    public const int MostClasses = 50;

    private const int LongestBundleId = 255;
    private const int Examples = 10;

    public string Zone => options.Value.TimeZone;

    /// <param name="lessons">The locks of lessons in place of exams.</param>
    public async Task<Page<ExamView>> List(FleetUser reader, string? text, string? phase, bool lessons, string? after, int limit)
    {
        ExamPhase? wanted = phase switch
        {
            null or "" => null,
            "coming" => ExamPhase.Coming,
            "running" => ExamPhase.Running,
            "over" => ExamPhase.Over,
            _ => throw ApiProblem.Field("phase", "It is one of coming, running, over."),
        };
        var last = after is null ? null : (await Row(reader, after))?.Exam ?? throw ApiProblem.InvalidCursor();
        var rows = await store.List(
            reader.Scope, string.IsNullOrWhiteSpace(text) ? null : Text.Optional("q", text.Trim()), wanted, lessons, last is null ? null : (last.StartsAt, last.Id), limit + 1);
        var counts = (await store.Count(reader.Scope, [.. rows.Select(row => row.Exam.Id)])).ToLookup(one => one.ExamId);
        return Page.Of(rows, limit, row => ExamView.Of(row, ExamCountsView.Of(counts[row.Exam.Id]), Zone), row => row.Exam.Id);
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<ExamView> Get(FleetUser reader, string id)
    {
        var row = await Row(reader, id) ?? throw NotFound();
        var view = ExamView.Of(row, ExamCountsView.Of(await store.Count(reader.Scope, [row.Exam.Id])), Zone);
        return row.Exam.Phase != ExamPhase.Coming || view.Counts.Total == 0 ? view
            : view with { IPads = [.. (await store.ListDevices(reader.Scope, row.Exam.Id, [], null, MostNamed)).Select(one => one.DeviceId)] };
    }

    /// <summary>What it would do, if it began now. Nothing is changed.</summary>
    /// <param name="id">Of the one that it would change; null: a new one.</param>
    /// <exception cref="ApiProblem">400, 404, 422.</exception>
    public async Task<ExamPlanView> Plan(HttpContext context, string? id, ExamRequest request)
    {
        var user = FleetUser.Of(context);
        var standing = id is null ? null : await Row(user, id) ?? throw NotFound();
        var (exam, named) = await Read(context, request, standing?.Exam.Id ?? Guid.Empty.ToString("D"));
        try
        {
            var plan = await store.Plan(
                user.Scope, standing?.Exam.Id, new ExamTarget(exam.Target, exam.ClassIds, exam.Except, exam.SchoolId, named, time.GetUtcNow()), exam.StartsAt, exam.EndsAt,
                [.. exam.Needs.Select(need => need.Requirement)],
                Looked(request.App),
                Examples);
            return new ExamPlanView
            {
                Total = plan.Total,
                Can = plan.Fits,
                Cannot = plan.Total - plan.Fits,
                Reasons = [.. plan.Reasons.Select(OperationPlans.Of)],
                Overlaps = [.. plan.Overlaps.Select(one => new ExamOverlapView(one.ExamId, one.Name, one.StartsAt, one.EndsAt, one.Devices))],
                NotCompared = plan.NotCompared,
                LockedByAssignment = exam.Kind == ExamKind.SeveralApps ? 0 : plan.LockedByAssignment,
                WithoutApp = plan.WithoutApp,
                Examples = [.. plan.Examples.Select(row => new PlanExampleView(row.EnrolmentId, row.SerialNumber, row.DeviceName, row.OsVersion))],
            };
        }
        catch (FilterException e)
        {
            throw ApiProblem.Field(e.IsOfException ? "except" : "target", e.Message, ProblemCodes.InvalidFilter);
        }
    }

    public async Task<ExamView> Create(HttpContext context, ExamRequest request)
    {
        var user = FleetUser.Of(context);
        var id = RequestIds.NewGuid(context, "exam").ToString("D");
        var (read, named) = await Read(context, request, id);
        // After the beginning was read: what is to begin at once begins in the same transaction.
        var now = time.GetUtcNow();
        var exam = read with { Version = 1, CreatedAt = now, CreatedBy = user.Name, UpdatedAt = now, UpdatedBy = user.Name };
        Check(await Written(() => store.Create(user.Scope, exam, named, trail.Entry(context, AuditVerbs.ExamCreate, AuditTargets.Exam, id, detail: Told(exam)))));
        await Tell();
        return await Get(user, id);
    }

    /// <param name="basedOn">The version that the change was made from; null: whatever stands.</param>
    public Task<ExamView> Change(HttpContext context, string id, int? basedOn, ExamRequest request) => EntityTag.Attempt(basedOn, async () =>
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id) ?? throw NotFound()).Exam;
        if (standing.Phase != ExamPhase.Coming) throw HasBegun();
        var (read, named) = await Read(context, request, standing.Id);
        var exam = read with
        {
            Version = (basedOn ?? standing.Version) + 1,
            CreatedAt = standing.CreatedAt,
            CreatedBy = standing.CreatedBy,
            UpdatedAt = time.GetUtcNow(),
            UpdatedBy = user.Name,
        };
        Check(await Written(() => store.Change(user.Scope, exam, named, trail.Entry(context, AuditVerbs.ExamChange, AuditTargets.Exam, standing.Id, detail: Told(exam)))));
        await Tell();
        return await Get(user, standing.Id);
    });

    public async Task<ExamView> Prolong(HttpContext context, string id, DateTimeOffset endsAt)
    {
        var user = FleetUser.Of(context);
        CommandRights.Require(context, ProfileCommand.Install);
        var standing = (await Row(user, id) ?? throw NotFound()).Exam;
        await Prolong(context, user.Scope, standing, endsAt);
        return await Get(user, standing.Id);
    }

    /// <summary>Whoever calls has checked the rights.</summary>
    internal async Task Prolong(HttpContext context, Scope scope, Exam standing, DateTimeOffset endsAt)
    {
        var ends = Milliseconds(endsAt);
        if (standing.Phase == ExamPhase.Running && ends < standing.EndsAt)
            throw ApiProblem.Field("endsAt", "It must be later than the end is now. To end the exam early, release all of its iPads.");
        if (ends - standing.StartsAt > Longest) throw ApiProblem.Field("endsAt", $"An exam lasts {Longest.TotalHours} hours at most.");
        Check(await store.Prolong(
            scope, standing.Id, ends, time.GetUtcNow(), FleetUser.Of(context).Name,
            trail.Entry(context, AuditVerbs.ExamProlong, AuditTargets.Exam, standing.Id, detail: Text.Printable($"{standing.Name}: until {ends:u}", 200))));
        await Tell();
    }

    /// <param name="named">Ids or serial numbers; null: all, and the exam is over.</param>
    public async Task<ExamDoneView> Release(HttpContext context, string id, IReadOnlyList<string>? named)
    {
        var user = FleetUser.Of(context);
        CommandRights.Require(context, ProfileCommand.Remove);
        var standing = (await Row(user, id) ?? throw NotFound()).Exam;
        return await Release(context, user.Scope, standing, named is null ? await OwnIfOthers(user.Scope, standing) : await OfExam(user, standing.Id, named));
    }

    /// <summary>"All" are those that the rights reach: when iPads have moved to other schools, the exam goes on for these until its end.</summary>
    /// <returns>Null: there are no others.</returns>
    private async Task<IReadOnlyList<string>?> OwnIfOthers(Scope scope, Exam standing)
    {
        if (scope.SchoolIds is null || standing.Phase == ExamPhase.Coming) return null;
        var own = await store.ListDeviceIds(scope, standing.Id, null);
        return own.Count == (await store.Count(Scope.District, [standing.Id])).Sum(one => one.Count) ? null : own;
    }

    /// <summary>Whoever calls has checked the rights.</summary>
    /// <param name="deviceIds">Null: all.</param>
    internal async Task<ExamDoneView> Release(HttpContext context, Scope scope, Exam standing, IReadOnlyList<string>? deviceIds)
    {
        var done = 0L;
        AuditRecord Record(long count)
        {
            done = count;
            var entry = trail.Entry(
                context, AuditVerbs.ExamRelease, AuditTargets.Exam, standing.Id, detail: Text.Printable(deviceIds is null ? $"{standing.Name}: all" : $"{standing.Name}: {string.Join(", ", deviceIds)}", 300));
            return entry with { Count = count };
        }

        if (deviceIds is null) Check(await store.ReleaseAll(scope, standing.Id, time.GetUtcNow(), FleetUser.Of(context).Name, Record));
        else if (await store.Release(scope, standing.Id, deviceIds, time.GetUtcNow(), Record) is null) throw NotFound();
        await Tell();
        return new ExamDoneView { IPads = done };
    }

    /// <param name="named">Ids or serial numbers.</param>
    public async Task<ExamDoneView> Add(HttpContext context, string id, IReadOnlyList<string> named)
    {
        var user = FleetUser.Of(context);
        CommandRights.Require(context, ProfileCommand.Install);
        var standing = (await Row(user, id) ?? throw NotFound()).Exam;
        var devices = await Named(user.Scope, standing.SchoolId, named);
        if (devices.Count == 0) throw ApiProblem.Field("iPads", "Name at least one iPad.");
        return await Add(context, user.Scope, standing, devices);
    }

    /// <summary>Whoever calls has checked the rights.</summary>
    internal async Task<ExamDoneView> Add(HttpContext context, Scope scope, Exam standing, IReadOnlyList<string> deviceIds)
    {
        var (outcome, count) = await store.Add(scope, standing.Id, deviceIds, time.GetUtcNow(), found =>
            trail.Entry(context, AuditVerbs.ExamAdd, AuditTargets.Exam, standing.Id, detail: Text.Printable($"{standing.Name}: {string.Join(", ", deviceIds)}", 300)) with { Count = found });
        Check(outcome);
        await Tell();
        return new ExamDoneView { IPads = count };
    }

    /// <param name="basedOn">The version that the person saw; null: whatever stands.</param>
    public async Task Delete(HttpContext context, string id, int? basedOn)
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id) ?? throw NotFound()).Exam;
        Check(await store.Delete(user.Scope, standing.Id, basedOn, trail.Entry(context, AuditVerbs.ExamDelete, AuditTargets.Exam, standing.Id, detail: Told(standing))));
    }

    public async Task<Page<ExamDeviceView>> Devices(FleetUser reader, string id, string? state, string? after, int limit)
    {
        var row = await Row(reader, id) ?? throw NotFound();
        IReadOnlyList<ExamState> wanted = state switch
        {
            null or "" => [],
            "notLocked" => [ExamState.Planned, ExamState.Sent, ExamState.NotPossible, ExamState.Failed],
            "notReleased" => [ExamState.Releasing],
            _ => [ExamWords.ReadState(state) ?? throw ApiProblem.Field("state", $"It is one of notLocked, notReleased, {string.Join(", ", Enum.GetValues<ExamState>().Select(ExamWords.State))}.")],
        };
        if (after is not null && Text.EnrolmentId(after) is null) throw ApiProblem.InvalidCursor();
        var (zone, now) = (ZoneOf(row), time.GetUtcNow());
        var rows = await store.ListDevices(reader.Scope, row.Exam.Id, wanted, after, limit + 1);
        return Page.Of(rows, limit, one => ExamDeviceView.Of(one, row.Exam, zone, now), one => one.DeviceId);
    }

    /// <summary>The exams that an iPad is in.</summary>
    public async Task<DeviceExamsView> Of(FleetUser reader, string deviceId)
    {
        var device = await lookup.Row(deviceId);
        return new DeviceExamsView { Items = await OfDevice(reader, device.Id) };
    }

    internal async Task<IReadOnlyList<DeviceExamView>> OfDevice(FleetUser reader, string deviceId)
    {
        var now = time.GetUtcNow();
        return
        [
            .. (await store.ListOfDevices([deviceId])).Select(one =>
            {
                var zone = ZoneOf(one.TimeZone);
                var (until, what) = (ExamWords.Clock(one.EndsAt, zone, now), one.IsLesson ? "lesson" : "exam");
                return new DeviceExamView
                {
                    ExamId = one.ExamId,
                    Name = one.Name,
                    Lesson = one.IsLesson,
                    StartsAt = one.StartsAt,
                    EndsAt = one.EndsAt,
                    State = ExamWords.State(one.Standing.State),
                    Since = one.Standing.ChangedAt,
                    IsOpen = reader.Scope.SchoolIds is not { } own || (one.SchoolId is { } school && own.Contains(school)),
                    Words = one.Standing.State switch
                    {
                        _ when one.Phase == ExamPhase.Coming => $"The exam begins at {ExamWords.Clock(one.StartsAt, zone, now)}, and lasts until {until}.",
                        ExamState.Locked => $"It is locked until {until}.",
                        ExamState.Releasing => $"The {what} is over for it. It has not said yet that it is released. If it does not come, it frees itself at {ExamWords.Clock(ExamWords.FreesItselfAt(one.EndsAt), zone, now)}.",
                        ExamState.NotPossible or ExamState.Failed => $"It is not locked. {one.Standing.Reason}",
                        _ => $"It is to be locked until {until}; it has not said yet that it is.",
                    },
                };
            }),
        ];
    }

    /// <summary>iPads of an exam whose list of apps lacks its app: they would be locked into nothing.</summary>
    internal async Task<long> WithoutApp(FleetUser reader, ExamView exam) =>
        exam.Phase is "coming" or "running" && Looked(exam.App) is { } app ? await store.CountWithoutApp(reader.Scope, exam.Id, app, time.GetUtcNow()) : 0;

    /// <summary>The app that is looked for in their lists; null: none. iPads do not list all of Apple's own.</summary>
    private static string? Looked(ExamAppRequest? app) => app is not null && !app.BundleId.StartsWith("com.apple.", StringComparison.OrdinalIgnoreCase) ? app.BundleId.Trim() : null;

    public TimeZoneInfo ZoneOf(ExamRow row) => ZoneOf(row.TimeZone);

    private TimeZoneInfo ZoneOf(string? name) => TimeZoneInfo.TryFindSystemTimeZoneById(name ?? Zone, out var zone) ? zone : TimeZoneInfo.Utc;

    /// <summary>It is durable: iPads come to it by themselves if nobody can be told now.</summary>
    internal Task Tell() => grains.GetGrain<IExamGrain>(0).Changed();

    internal static void Check(ExamOutcome outcome)
    {
        if (outcome != ExamOutcome.Written) throw Refusal(outcome);
    }

    private static ApiProblem Refusal(ExamOutcome outcome) => outcome switch
    {
        ExamOutcome.NotFound => NotFound(),
        ExamOutcome.VersionConflict => EntityTag.Changed("the exam"),
        ExamOutcome.TooMany => ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many exams", $"There can be {IExamStore.MostOpen} exams that run or have not begun."),
        ExamOutcome.TooManyDevices => ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many iPads", $"An exam can have {IExamStore.MostDevices} iPads. Choose fewer, or make several exams."),
        ExamOutcome.Nobody => new ApiProblem(
            StatusCodes.Status422UnprocessableEntity, ProblemCodes.EmptyTarget, "The exam has no iPads",
            "It would begin now, and no enrolled iPad is found for it. Nothing was saved. Change whom it is for, or choose a later beginning."),
        ExamOutcome.UnknownSchool => ApiProblem.Field("schoolId", "There is no such school."),
        ExamOutcome.HasBegun => HasBegun(),
        ExamOutcome.NotReleased => ApiProblem.Conflict(ProblemCodes.ExamNotReleased, "iPads are not released yet", "Release all iPads first. The exam can be deleted when each of them has said that it is released."),
        _ => ApiProblem.Conflict(ProblemCodes.ExamNotRunning, "The exam does not run", "Only an exam that runs can be prolonged or ended. One that is over stays over: create another one."),
    };

    private static ApiProblem HasBegun() => ApiProblem.Conflict(ProblemCodes.ExamBegun, "The exam has begun", "It cannot be changed any more. Prolong it, add iPads to it, or release them.");

    private static async Task<ExamOutcome> Written(Func<Task<ExamOutcome>> write)
    {
        try
        {
            return await write();
        }
        catch (FilterException e)
        {
            throw ApiProblem.Field(e.IsOfException ? "except" : "target", e.Message, ProblemCodes.InvalidFilter);
        }
    }

    private async Task<(Exam Exam, IReadOnlyList<string> Named)> Read(HttpContext context, ExamRequest request, string id)
    {
        var user = FleetUser.Of(context);
        CommandRights.Require(context, ProfileCommand.Install);
        var school = string.IsNullOrEmpty(request.SchoolId) ? null : PeopleService.Id("schoolId", request.SchoolId);
        if (user.Scope.SchoolIds is { } own && (school is null || !own.Contains(school))) throw ApiProblem.Field("schoolId", "Choose one of your schools.");
        var named = await Named(user.Scope, school, request.IPads ?? []);
        var target = Filter("target", request.Target);
        var taught = await Classes(user, request.ClassIds ?? []);
        if (target is null && named.Count == 0 && taught.Count == 0) throw ApiProblem.Field("target", "Say for which iPads it is: by a class, a group or a filter, or one by one.");
        return (await Build(request, id, target, Filter("except", request.Except), school) with { ClassIds = taught }, named);
    }

    /// <summary>What an exam sends, and when.</summary>
    internal async Task<Exam> Build(ExamRequest request, string id, string? target, string? except, string? school)
    {
        var now = time.GetUtcNow();
        if ((request.App is null ? 0 : 1) + (request.Apps is null ? 0 : 1) + (request.ProfileId is null ? 0 : 1) != 1)
            throw ApiProblem.Field("app", "Send exactly one of app, apps and profileId.");
        var name = Text.Required("name", request.Name).Trim();
        if (name.Contains("{{", StringComparison.Ordinal)) throw ApiProblem.Field("name", "It must not hold {{.");
        var (starts, ends) = (Milliseconds(request.StartsAt ?? now), Milliseconds(request.EndsAt));
        if (starts < now) starts = Milliseconds(now);
        if (starts > now.AddYears(MostYearsAhead)) throw ApiProblem.Field("startsAt", $"An exam begins {MostYearsAhead} years from now at the latest.");
        if (ends < starts + Shortest) throw ApiProblem.Field("endsAt", "It must be in the future, and at least a minute after the beginning.");
        if (ends - starts > Longest) throw ApiProblem.Field("endsAt", $"An exam lasts {Longest.TotalHours} hours at most.");
        var (kind, profile, reference) = request switch
        {
            { App: { } app } => (ExamKind.OneApp, ExamProfile.OfApp(id, name, BundleId("app.bundleId", app.BundleId), Options(app.Options)), null),
            { Apps: { } apps } => (ExamKind.SeveralApps, ExamProfile.OfApps(id, name, Apps(apps)), null),
            _ => await OfLibrary(id, name, request.ProfileId!),
        };
        return new Exam
        {
            Id = id,
            Version = 0,
            Name = name,
            SchoolId = school,
            Target = target,
            Except = except,
            Kind = kind,
            Reference = reference,
            Asked = JsonSerializer.SerializeToUtf8Bytes(request with { IPads = null, Target = null, ClassIds = null, Except = null }, AdminJson.Default.ExamRequest),
            Profile = PlistWriter.ToBytes(profile),
            Needs = [.. Needs(profile)],
            StartsAt = starts,
            EndsAt = ends,
            CreatedAt = default,
            CreatedBy = "",
            UpdatedAt = default,
            UpdatedBy = "",
        };
    }

    private static IEnumerable<ExamNeed> Needs(PlistDictionary profile)
    {
        var needs = ExamProfile.Needs(profile);
        return OperationPlans.ToStore(needs).Zip(needs, (requirement, need) => new ExamNeed(requirement, CommandFitness.Sentence(need)));
    }

    private async Task<(ExamKind, PlistDictionary, string?)> OfLibrary(string id, string name, string profileId)
    {
        var row = Text.Uuid(profileId) is { } uuid ? await profiles.Find(uuid.ToString("D")) : null;
        var content = row is null ? null : await profiles.Load(row.Id, row.Newest.Version);
        if (row is null || content is null) throw ApiProblem.Field("profileId", "The library has no such profile.");
        var stored = LibraryProfile.Stored(content);
        if (stored.Signed) throw ApiProblem.Field("profileId", "It is signed, so the end of the exam cannot be written into it. Upload it without a signature.");
        return (ExamKind.Profile, ExamProfile.OfLibrary(id, name, stored.Root), row.Id);
    }

    private async Task<IReadOnlyList<string>> Classes(FleetUser user, IReadOnlyList<string> ids)
    {
        if (ids.Count == 0) return [];
        user.Require(Rights.PeopleRead);
        if (ids.Count > MostClasses) throw ApiProblem.Field("classIds", $"Name {MostClasses} classes at most.");
        var found = new List<string>();
        foreach (var id in ids)
        {
            try
            {
                found.Add((await classes.Get(user, id)).Id);
            }
            catch (ApiProblem problem) when (problem.Status == StatusCodes.Status404NotFound)
            {
                throw ApiProblem.Field("classIds", $"There is no class {Text.Printable(id, 50)}.");
            }
        }

        return [.. found.Distinct(StringComparer.Ordinal)];
    }

    private static IReadOnlyList<string> Apps(IReadOnlyList<string> apps)
    {
        if (apps.Count is 0 or > MostApps) throw ApiProblem.Field("apps", $"Name 1 to {MostApps} apps by their bundle identifiers.");
        return [.. apps.Select((app, number) => BundleId($"apps[{number}]", app)).Distinct(StringComparer.Ordinal)];
    }

    private static string BundleId(string field, string? text)
    {
        var bundle = Text.Required(field, text, LongestBundleId).Trim();
        return bundle.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_')
            ? bundle
            : throw ApiProblem.Field(field, "It must be a bundle identifier, as in com.example.test.");
    }

    private static IReadOnlyCollection<string> Options(IReadOnlyList<string>? options)
    {
        // A screen that goes dark locks the iPad by its passcode, and then it cannot be released.
        if (options is null) return ["disableAutoLock"];
        return options.FirstOrDefault(option => !ExamProfile.Options.Any(known => known.Name == option)) is { } unknown
            ? throw ApiProblem.Field("app.options", $"{Text.Printable(unknown, 50)} is none. It is one of {string.Join(", ", ExamProfile.Options.Select(option => option.Name))}.")
            : options.ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>The ids of enrolled iPads that somebody named by ids or serial numbers.</summary>
    /// <param name="school">All have to be of this school; null: of any.</param>
    /// <exception cref="ApiProblem">400: one of them is not there, or of another school.</exception>
    private async Task<IReadOnlyList<string>> Named(Scope scope, string? school, IReadOnlyList<string> named)
    {
        if (named.Count > MostNamed) throw ApiProblem.Field("iPads", $"Name {MostNamed} iPads at most, or use a group or a filter.");
        var asked = named.Select((one, number) => Text.Required($"iPads[{number}]", one).Trim()).Distinct(StringComparer.Ordinal).ToList();
        var known = await store.Resolve(scope, asked);
        if (asked.FirstOrDefault(one => !known.ContainsKey(one)) is { } unknown)
            throw ApiProblem.Field("iPads", $"There is no enrolled iPad with the id or serial number {Text.Printable(unknown, 100)}.");
        if (school is not null)
        {
            var own = await store.Resolve(Scope.Of([school]), [.. known.Values.Distinct(StringComparer.Ordinal)]);
            if (asked.FirstOrDefault(one => !own.ContainsKey(known[one])) is { } stranger)
                throw ApiProblem.Field("iPads", $"{Text.Printable(stranger, 100)} is not an iPad of the exam's school.");
        }

        return [.. known.Values.Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Likewise, also of iPads that are not enrolled any more.</summary>
    private async Task<IReadOnlyList<string>> OfExam(FleetUser user, string examId, IReadOnlyList<string> named)
    {
        if (named.Count is 0 or > MostNamed) throw ApiProblem.Field("iPads", $"Name 1 to {MostNamed} iPads.");
        var known = await store.Resolve(user.Scope, named);
        var ids = named.Select(one => known.GetValueOrDefault(one, one)).Distinct(StringComparer.Ordinal).ToList();
        if (ids.FirstOrDefault(id => Text.EnrolmentId(id) is null) is { } odd) throw ApiProblem.Field("iPads", Text.Printable(odd, 100) + ": " + Text.NotAnEnrolmentId);
        var there = (await store.ListDeviceIds(user.Scope, examId, ids)).ToHashSet(StringComparer.Ordinal);
        return ids.FirstOrDefault(id => !there.Contains(id)) is { } stranger
            ? throw ApiProblem.Field("iPads", $"{Text.Printable(stranger, 100)} is not in this exam.")
            : ids;
    }

    private static string? Filter(string field, string? text) => string.IsNullOrWhiteSpace(text) ? null : DeviceFilters.Check(field, text.Trim());

    private static DateTimeOffset Milliseconds(DateTimeOffset at) => DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds());

    internal async Task<ExamRow?> Row(FleetUser reader, string id) => Text.Uuid(id) is { } uuid ? await store.Find(reader.Scope, uuid.ToString("D")) : null;

    internal static string Told(Exam exam) => Text.Printable(
        $"{exam.Name}: {exam.StartsAt:u} to {exam.EndsAt:u}{(exam.Target is { } target ? $" for {target}" : "")}{(exam.Except is { } except ? $" but not {except}" : "")}", 300);

    internal static ApiProblem NotFound() => ApiProblem.NotFound("There is no such exam.");
}
