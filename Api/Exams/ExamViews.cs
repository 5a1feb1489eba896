using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Operations;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Exams;

namespace FleetMdm.Api.Exams;

/// <summary>An exam, as a whole. Exactly one of <c>app</c>, <c>apps</c> and <c>profileId</c>; at least one of <c>target</c>, <c>classIds</c> and <c>iPads</c>.</summary>
public sealed record ExamRequest
{
    /// <summary>At most 200 characters. It stands on the iPad too.</summary>
    public required string Name { get; init; }
    /// <summary>Only iPads of this school; null: of the whole district.</summary>
    public string? SchoolId { get; init; }
    /// <summary>In the words of the filter: the enrolled iPads that it finds when the exam begins. Null: only those of <c>classIds</c> and <c>iPads</c>.</summary>
    public string? Target { get; init; }
    /// <summary>Classes: the iPads that their pupils have when the exam begins.</summary>
    public IReadOnlyList<string>? ClassIds { get; init; }
    /// <summary>In the words of the filter: not these.</summary>
    public string? Except { get; init; }
    /// <summary>Ids or serial numbers, one by one.</summary>
    public IReadOnlyList<string>? IPads { get; init; }
    /// <summary>Null: at once.</summary>
    public DateTimeOffset? StartsAt { get; init; }
    /// <summary>At most 24 hours after the beginning.</summary>
    public required DateTimeOffset EndsAt { get; init; }
    /// <summary>One app, which stays open.</summary>
    public ExamAppRequest? App { get; init; }
    /// <summary>Bundle identifiers: these apps can be used, and no others.</summary>
    public IReadOnlyList<string>? Apps { get; init; }
    /// <summary>A profile of the library, as it is now. It must not be signed.</summary>
    public string? ProfileId { get; init; }
}

/// <summary>The app of an exam.</summary>
public sealed record ExamAppRequest
{
    /// <summary>As in com.example.test. The app must be on the iPads already.</summary>
    public required string BundleId { get; init; }
    /// <summary>disableAutoLock, disableSleepWakeButton, disableVolumeButtons, disableDeviceRotation, allowVoiceOver, allowZoom, allowInvertColors, allowAssistiveTouch,
    /// enableSpeakSelection. Null: disableAutoLock.</summary>
    public IReadOnlyList<string>? Options { get; init; }
}

/// <summary>A new end.</summary>
public sealed record ExamProlongRequest
{
    /// <summary>Later than it is now. At most 24 hours after the beginning.</summary>
    public required DateTimeOffset EndsAt { get; init; }
}

/// <summary>Some iPads of an exam.</summary>
public sealed record ExamDevicesRequest
{
    /// <summary>Ids or serial numbers.</summary>
    public required IReadOnlyList<string> IPads { get; init; }
}

/// <summary>Who is to be released.</summary>
public sealed record ExamReleaseRequest
{
    /// <summary>Ids or serial numbers. Null: all; the exam is over then.</summary>
    public IReadOnlyList<string>? IPads { get; init; }
}

/// <summary>An exam, and how it stands.</summary>
public sealed record ExamView
{
    public required string Id { get; init; }
    /// <summary>One more with each change. The <c>ETag</c> is the same.</summary>
    public required int Version { get; init; }
    public required string Name { get; init; }
    public string? SchoolId { get; init; }
    public string? School { get; init; }
    public string? Target { get; init; }
    public IReadOnlyList<string>? ClassIds { get; init; }
    public string? Except { get; init; }
    /// <summary>Those that were named one by one, as ids; only where one exam is asked for, and only before it begins.</summary>
    public IReadOnlyList<string>? IPads { get; init; }
    public required DateTimeOffset StartsAt { get; init; }
    public required DateTimeOffset EndsAt { get; init; }
    /// <summary>When an iPad that never comes to the server again removes the lock by itself.</summary>
    public required DateTimeOffset FreesItselfAt { get; init; }
    /// <summary>Whose clock its times go by, as in Europe/Stockholm.</summary>
    public required string TimeZone { get; init; }
    /// <summary>coming, running, releasing (it is over, and iPads are not released yet) or over.</summary>
    public required string Phase { get; init; }
    /// <summary>app, apps or profile.</summary>
    public required string Kind { get; init; }
    public ExamAppRequest? App { get; init; }
    public IReadOnlyList<string>? Apps { get; init; }
    public string? ProfileId { get; init; }
    /// <summary>Why it found no iPads; null: it did, or has not begun.</summary>
    public string? Problem { get; init; }
    /// <summary>Who ended it before its time.</summary>
    public string? EndedBy { get; init; }
    /// <summary>The class whose teacher locked it for a lesson; null: it is an exam.</summary>
    public string? LessonOfClassId { get; init; }
    public required ExamCountsView Counts { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }

    internal static ExamView Of(ExamRow row, ExamCountsView counts, string zone)
    {
        var one = row.Exam;
        var asked = JsonSerializer.Deserialize(one.Asked, Rest.AdminJson.Default.ExamRequest);
        return new ExamView
        {
            Id = one.Id,
            Version = one.Version,
            Name = one.Name,
            SchoolId = one.SchoolId,
            School = row.School,
            Target = one.Target,
            ClassIds = one.ClassIds.Count == 0 ? null : one.ClassIds,
            Except = one.Except,
            StartsAt = one.StartsAt,
            EndsAt = one.EndsAt,
            FreesItselfAt = ExamWords.FreesItselfAt(one.EndsAt),
            TimeZone = row.TimeZone ?? zone,
            Phase = ExamWords.Phase(one.Phase, counts.NotReleased),
            Kind = ExamWords.Kind(one.Kind),
            App = asked?.App,
            Apps = asked?.Apps,
            ProfileId = one.Reference,
            Problem = one.Problem,
            EndedBy = one.EndedBy,
            LessonOfClassId = one.Lesson?.ClassId,
            Counts = counts,
            CreatedAt = one.CreatedAt,
            CreatedBy = one.CreatedBy,
            UpdatedAt = one.UpdatedAt,
            UpdatedBy = one.UpdatedBy,
        };
    }
}

/// <summary>How an exam stands, in numbers of iPads.</summary>
public sealed record ExamCountsView
{
    /// <summary>They are to be locked when they come.</summary>
    public required long Planned { get; init; }
    /// <summary>The lock is in their queue.</summary>
    public required long Sent { get; init; }
    public required long Locked { get; init; }
    /// <summary>They cannot be locked.</summary>
    public required long NotPossible { get; init; }
    /// <summary>They refused the lock; it is tried again.</summary>
    public required long Failed { get; init; }
    /// <summary>They are to be released, and have not said yet that they are.</summary>
    public required long Releasing { get; init; }
    public required long Released { get; init; }
    /// <summary>The lock was gone when they came: its time had run out on the iPad.</summary>
    public required long ReleasedByItself { get; init; }
    /// <summary>No lock was ever sent to them.</summary>
    public required long NeverLocked { get; init; }
    /// <summary>They were erased, or left management.</summary>
    public required long Gone { get; init; }

    internal long Total => Planned + Sent + Locked + NotPossible + Failed + Releasing + Released + ReleasedByItself + NeverLocked + Gone;

    /// <summary>While it runs: who should be locked, and is not.</summary>
    internal long NotLocked => Planned + Sent + NotPossible + Failed;

    internal long NotReleased => Releasing;

    internal static ExamCountsView Of(IEnumerable<ExamCount> counts)
    {
        var by = counts.ToDictionary(one => one.State, one => one.Count);
        long Number(ExamState state) => by.GetValueOrDefault(state);
        return new ExamCountsView
        {
            Planned = Number(ExamState.Planned),
            Sent = Number(ExamState.Sent),
            Locked = Number(ExamState.Locked),
            NotPossible = Number(ExamState.NotPossible),
            Failed = Number(ExamState.Failed),
            Releasing = Number(ExamState.Releasing),
            Released = Number(ExamState.Released),
            ReleasedByItself = Number(ExamState.ReleasedByItself),
            NeverLocked = Number(ExamState.NeverLocked),
            Gone = Number(ExamState.Gone),
        };
    }
}

/// <summary>What an exam would do, if it began now. Nothing was done.</summary>
public sealed record ExamPlanView
{
    /// <summary>Enrolled iPads that it would be for.</summary>
    public required long Total { get; init; }
    /// <summary>Those that can be locked, by what is known.</summary>
    public required long Can { get; init; }
    public required long Cannot { get; init; }
    /// <summary>Why. An iPad may have several reasons.</summary>
    public required IReadOnlyList<PlanReasonView> Reasons { get; init; }
    /// <summary>Other exams at the same time with some of these iPads. The one that begins first has them. The first 20 exams at that time are compared.</summary>
    public required IReadOnlyList<ExamOverlapView> Overlaps { get; init; }
    /// <summary>Exams at the same time beyond those 20. They may have some of these iPads as well.</summary>
    public required long NotCompared { get; init; }
    /// <summary>iPads that something assigned holds in an app already. They may refuse a second one.</summary>
    public required long LockedByAssignment { get; init; }
    /// <summary>iPads whose list of apps lacks the app: they would be locked into nothing.</summary>
    public required long WithoutApp { get; init; }
    /// <summary>Some of the total, at most ten.</summary>
    public required IReadOnlyList<PlanExampleView> Examples { get; init; }
}

/// <summary>Another exam at the same time.</summary>
/// <param name="Devices">How many iPads are in both.</param>
public sealed record ExamOverlapView(string Id, string Name, DateTimeOffset StartsAt, DateTimeOffset EndsAt, long Devices);

/// <summary>An iPad of an exam.</summary>
public sealed record ExamDeviceView
{
    public required string DeviceId { get; init; }
    public string? DeviceName { get; init; }
    public string? SerialNumber { get; init; }
    public string? School { get; init; }
    /// <summary>Who has it.</summary>
    public string? Holder { get; init; }
    /// <summary>planned, sent, locked, notPossible, failed, releasing, released, releasedByItself, neverLocked or gone.</summary>
    public required string State { get; init; }
    /// <summary>Since when.</summary>
    public required DateTimeOffset Since { get; init; }
    /// <summary>Why it is so, in a sentence.</summary>
    public required string Why { get; init; }
    public DateTimeOffset? LockedAt { get; init; }
    public DateTimeOffset? ReleasedAt { get; init; }
    /// <summary>When it is woken next; null: it is not.</summary>
    public DateTimeOffset? WokenAt { get; init; }
    public DateTimeOffset? LastSeenAt { get; init; }
    /// <summary>Of the last command for it.</summary>
    public string? CommandUuid { get; init; }

    internal static ExamDeviceView Of(ExamDeviceRow row, Exam exam, TimeZoneInfo zone, DateTimeOffset now) => new()
    {
        DeviceId = row.DeviceId,
        DeviceName = row.DeviceName,
        SerialNumber = row.SerialNumber,
        School = row.School,
        Holder = row.Holder,
        State = ExamWords.State(row.Shown),
        Since = row.Standing.ChangedAt,
        Why = ExamWords.Why(row, exam, zone, now),
        LockedAt = row.Standing.LockedAt,
        ReleasedAt = row.Standing.ReleasedAt,
        WokenAt = row.Standing.PushAt,
        LastSeenAt = row.LastSeenAt,
        CommandUuid = row.Standing.CommandUuid,
    };
}

/// <summary>What was done.</summary>
public sealed record ExamDoneView
{
    /// <summary>For how many iPads.</summary>
    public required long IPads { get; init; }
}

/// <summary>The exams that an iPad is in.</summary>
public sealed record DeviceExamsView
{
    /// <summary>The first to begin first.</summary>
    public required IReadOnlyList<DeviceExamView> Items { get; init; }
}

/// <summary>An exam that an iPad is in, and has not been released from.</summary>
public sealed record DeviceExamView
{
    public required string ExamId { get; init; }
    public required string Name { get; init; }
    /// <summary>It is the lock of a teacher's lesson.</summary>
    public required bool Lesson { get; init; }
    public required DateTimeOffset StartsAt { get; init; }
    public required DateTimeOffset EndsAt { get; init; }
    /// <summary>planned, sent, locked, notPossible, failed or releasing.</summary>
    public required string State { get; init; }
    public required DateTimeOffset Since { get; init; }
    /// <summary>A sentence, with times of the school's clock.</summary>
    public required string Words { get; init; }
    /// <summary>Whether the reader may open the exam itself.</summary>
    internal bool IsOpen { get; init; }
}

internal static class ExamWords
{
    public static string Kind(ExamKind kind) => kind switch
    {
        ExamKind.OneApp => "app",
        ExamKind.SeveralApps => "apps",
        _ => "profile",
    };

    public static string Phase(ExamPhase phase, long notReleased) => phase switch
    {
        ExamPhase.Coming => "coming",
        ExamPhase.Running => "running",
        _ => notReleased > 0 ? "releasing" : "over",
    };

    public static string ShownPhase(string phase) => phase switch
    {
        "coming" => "Not begun",
        "running" => "Running",
        "releasing" => "Releasing",
        _ => "Over",
    };

    public static string State(ExamState state) => JsonNamingPolicy.CamelCase.ConvertName(state.ToString());

    public static ExamState? ReadState(string? text) => Enum.GetValues<ExamState>().Where(state => State(state) == text).Cast<ExamState?>().FirstOrDefault();

    public static string Shown(string state) => state switch
    {
        "planned" => "To be locked",
        "sent" => "Lock on its way",
        "locked" => "Locked",
        "notPossible" => "Not possible",
        "failed" => "Lock refused",
        "releasing" => "Not released yet",
        "released" => "Released",
        "releasedByItself" => "Released by itself",
        "neverLocked" => "Never locked",
        _ => "Gone",
    };

    /// <summary>When an iPad that never comes again removes the lock by itself. An end that was stored at the end of the calendar breaks no page.</summary>
    public static DateTimeOffset FreesItselfAt(DateTimeOffset endsAt) =>
        endsAt > DateTimeOffset.MaxValue - ExamProfile.FreesItselfAfter ? DateTimeOffset.MaxValue : endsAt + ExamProfile.FreesItselfAfter;

    /// <summary>As in 10:00, by the school's clock; with the day when it is another one.</summary>
    public static string Clock(DateTimeOffset at, TimeZoneInfo zone, DateTimeOffset now)
    {
        var local = TimeZoneInfo.ConvertTime(at, zone);
        return local.ToString(local.Date == TimeZoneInfo.ConvertTime(now, zone).Date ? "HH:mm" : "yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
    }

    /// <summary>As in 2027-06-01 10:15, by the clock of this zone.</summary>
    public static string Moment(DateTimeOffset at, string zone) =>
        TimeZoneInfo.ConvertTime(at, TimeZoneInfo.FindSystemTimeZoneById(zone)).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary>As in 2027-06-01, 10:00 to 11:30.</summary>
    public static string Span(DateTimeOffset from, DateTimeOffset to, string zone)
    {
        var (starts, ends) = (TimeZoneInfo.ConvertTime(from, TimeZoneInfo.FindSystemTimeZoneById(zone)), TimeZoneInfo.ConvertTime(to, TimeZoneInfo.FindSystemTimeZoneById(zone)));
        return string.Create(CultureInfo.InvariantCulture, $"{starts:yyyy-MM-dd}, {starts:HH:mm} to {(starts.Date == ends.Date ? "" : $"{ends:yyyy-MM-dd} ")}{ends:HH:mm} ({zone})");
    }

    /// <summary>Why an iPad is as it is.</summary>
    public static string Why(ExamDeviceRow row, Exam exam, TimeZoneInfo zone, DateTimeOffset now)
    {
        var one = row.Standing;
        string At(DateTimeOffset at) => Clock(at, zone, now);
        var waits = row switch
        {
            { PushTokenDead: true } => "It cannot be woken: Apple says that its push token is dead. It comes by itself when it is used.",
            { NotNowAt: { } notNow } => $"It answered that it cannot now, last at {At(notNow)}: it is probably locked by its passcode. Ask for it to be unlocked.",
            { UnansweredCount: > 0 } => "It took the command, and has not answered.",
            _ => $"{Silent(row, At)}{(row.Waits ? "The command waits for it." : "")}",
        };
        var freed = FreesItselfAt(exam.EndsAt);
        return row.Shown switch
        {
            ExamState.Planned => one.Reason ?? (exam.Phase == ExamPhase.Coming ? "The exam has not begun." : Silent(row, At)),
            ExamState.Sent => waits,
            ExamState.Locked when one.Installed is { } installed && installed < exam.Revision => $"It is locked, and has not heard of the new end. {one.Reason ?? waits}",
            ExamState.Locked => one.LockedAt is { } locked ? $"Since {At(locked)}." : "It is locked.",
            ExamState.NotPossible => one.Reason ?? "It cannot be locked.",
            ExamState.Failed => one.Reason ?? "It refused the lock.",
            ExamState.Releasing => string.Concat(
                one.Reason is { } reason ? $"It refused to be released: {reason} " : "", waits,
                one.LockedAt is null ? " It may not be locked at all; only the iPad can say so."
                : now >= freed ? $" Its own clock should have freed it at {At(freed)}; it has not said so." : $" If it does not come, it frees itself at {At(freed)}."),
            ExamState.Released => one.ReleasedAt is { } released ? $"At {At(released)}." : "",
            ExamState.ReleasedByItself => "When it came, the lock had ended by itself.",
            ExamState.NeverLocked => one.Reason ?? "It did not come while the exam ran.",
            _ => "It was erased, or is not managed any more.",
        };
    }

    /// <summary>From here on down the battery is worth a word.</summary>
    private const double Flat = 0.1;

    private static string Silent(ExamDeviceRow row, Func<DateTimeOffset, string> at) => row.LastSeenAt is { } seen
        ? $"It has not come since {at(seen)}{(row.BatteryLevel < Flat ? $", and its battery was at {Math.Round(row.BatteryLevel.Value * 100)} %" : "")}. "
        : "It has never come. ";
}
