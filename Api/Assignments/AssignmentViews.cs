using System.Text.Json;
using FleetMdm.Api.Console;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.SharedIPads;
using FleetMdm.Storage.Assignments;

namespace FleetMdm.Api.Assignments;

/// <summary>What iPads should have, as a whole. Exactly one of <c>profileId</c>, <c>app</c>, <c>setting</c>, <c>declaration</c>, <c>softwareUpdate</c> and <c>sharedIPad</c>.</summary>
public sealed record AssignmentRequest
{
    /// <summary>At most 200 characters; no two assignments have the same, in whatever case.</summary>
    public required string Name { get; init; }
    /// <summary>A profile of the library, always in its newest version.</summary>
    public string? ProfileId { get; init; }
    /// <summary>The keys of InstallApplication, as in <c>{"iTunesStoreID": 361309726}</c> or <c>{"hostedApp": "…"}</c>; and <c>bundleId</c>, by which an app of the App Store
    /// is looked for on iPads and removed. With <c>location</c>, the id of a location of Apps and Books, each iPad gets a licence of it first; <c>pricing</c> is STDQ when absent.</summary>
    public JsonElement? App { get; init; }
    /// <summary>One item of Settings, as in <c>{"item": "DeviceName", "deviceName": "iPad {{serial}}"}</c>.</summary>
    public JsonElement? Setting { get; init; }
    /// <summary>A configuration or a management declaration with Apple's keys, as in <c>{"type": "com.apple.configuration.passcode.settings", "payload": {"MinimumLength": 6}}</c>;
    /// and <c>assets</c>, a list of <c>name</c>, <c>type</c> and <c>payload</c>, which the payload names by their names.</summary>
    public JsonElement? Declaration { get; init; }
    /// <summary>A version of iPadOS that iPads have at a time.</summary>
    public SoftwareUpdateRequest? SoftwareUpdate { get; init; }
    /// <summary>How Shared iPads work.</summary>
    public SharedIPadRequest? SharedIPad { get; init; }
    /// <summary>device: to the iPads. user: to each user who logs in on a Shared iPad of these, over the user's own channel; of a profile only. Null: device.</summary>
    public string? Channel { get; init; }
    /// <summary>In the words of the filter: the enrolled iPads that it finds, at each moment. Null: all enrolled iPads.</summary>
    public string? Target { get; init; }
    /// <summary>In the words of the filter: not these.</summary>
    public string? Except { get; init; }
    /// <summary>Only iPads of this school; null: of the whole district.</summary>
    public string? SchoolId { get; init; }
    /// <summary>It stays on an iPad that the assignment is not for any more. False: it is removed.</summary>
    public bool Keep { get; init; }
    /// <summary>Null: at once.</summary>
    public DateTimeOffset? StartsAt { get; init; }
    /// <summary>Null: never. Then it is taken from the iPads.</summary>
    public DateTimeOffset? EndsAt { get; init; }
    /// <summary>In waves, which stop by themselves. Null: it comes to all its iPads at once; in a change: how it is rolled out stays as it is. Sent in a change, it begins anew, for
    /// the iPads that do not have it.</summary>
    public RollOutRequest? RollOut { get; init; }
}

/// <summary>A version of iPadOS, and until when.</summary>
public sealed record SoftwareUpdateRequest
{
    /// <summary>As in <c>18.2.1</c>: this one. Without a third number, as in <c>18.2</c>: the newest of these.</summary>
    public required string Version { get; init; }
    /// <summary>As in <c>22C150</c>; null: whichever the version has.</summary>
    public string? Build { get; init; }
    /// <summary>A day and a time of the iPad's own clock, without a time zone, as in <c>2026-12-04T18:00</c>. After it the iPad installs the update, whatever its user does.</summary>
    public required string Deadline { get; init; }
    /// <summary>A page that tells the user more; it begins with <c>https://</c>.</summary>
    public string? DetailsUrl { get; init; }
}

/// <summary>How Shared iPads work, by Apple's names. What is left out stays as it is on the iPad.</summary>
public sealed record SharedIPadRequest
{
    /// <summary>Megabytes for each user, 1 to 2,000,000; too few are raised by the iPad. Not together with <c>residentUsers</c>.</summary>
    public int? QuotaSize { get; init; }
    /// <summary>How many users an iPad makes room for, 1 to 32; more than it can are cut by the iPad. Not together with <c>quotaSize</c>.</summary>
    public int? ResidentUsers { get; init; }
    /// <summary>Seconds without anybody at the iPad, 30 to 86,400, until the user is logged out; 0: never.</summary>
    public int? UserSessionTimeout { get; init; }
    /// <summary>Likewise for a guest.</summary>
    public int? TemporarySessionTimeout { get; init; }
    /// <summary>true: guests only, nobody signs in.</summary>
    public bool? TemporarySessionOnly { get; init; }
    /// <summary>At most 20 domains that are offered when somebody signs in. Of more than three the iPad shows three at random.</summary>
    public IReadOnlyList<string>? ManagedAppleIDDefaultDomains { get; init; }
    /// <summary>Days, 0 to 365, in which a user whom the iPad knows signs in without asking Apple; 0: Apple is asked each time.</summary>
    public int? OnlineAuthenticationGracePeriod { get; init; }
    /// <summary>true: a new user is not asked for language and region.</summary>
    public bool? SkipLanguageAndLocaleSetupForNewUsers { get; init; }
    /// <summary>true: after the login a user waits until the commands that wait for this user were handed over.</summary>
    public bool? AwaitUserConfiguration { get; init; }
    /// <summary>Seconds before a locked screen asks for the passcode: 0, 60, 300, 900, 3600 or 14400.</summary>
    public int? PasscodeLockGracePeriod { get; init; }
    /// <summary>Seconds until the screen goes dark, 120 to 86,400.</summary>
    public int? AutoLockTime { get; init; }

    internal SharedIPadConfiguration ToConfiguration() => new()
    {
        QuotaSize = QuotaSize,
        ResidentUsers = ResidentUsers,
        UserSessionTimeout = UserSessionTimeout,
        TemporarySessionTimeout = TemporarySessionTimeout,
        TemporarySessionOnly = TemporarySessionOnly,
        ManagedAppleIDDefaultDomains = ManagedAppleIDDefaultDomains,
        OnlineAuthenticationGracePeriod = OnlineAuthenticationGracePeriod,
        SkipLanguageAndLocaleSetupForNewUsers = SkipLanguageAndLocaleSetupForNewUsers,
        AwaitUserConfiguration = AwaitUserConfiguration,
        PasscodeLockGracePeriod = PasscodeLockGracePeriod,
        AutoLockTime = AutoLockTime,
    };
}

/// <summary>What iPads should have.</summary>
public sealed record AssignmentView
{
    public required string Id { get; init; }
    /// <summary>One more with each change. The <c>ETag</c> is the same.</summary>
    public required int Version { get; init; }
    public required string Name { get; init; }
    /// <summary>profile, app, setting, declaration, softwareUpdate or sharedIPad.</summary>
    public required string Kind { get; init; }
    /// <summary>device, or user: then <c>iPads</c> counts users of Shared iPads.</summary>
    public required string Channel { get; init; }
    public string? ProfileId { get; init; }
    public string? ProfileName { get; init; }
    /// <summary>The newest version of the profile, which iPads should have.</summary>
    public int? ProfileVersion { get; init; }
    /// <summary>As it was sent; only where one assignment is asked for.</summary>
    public JsonElement? App { get; init; }
    /// <summary>As it was sent; only where one assignment is asked for.</summary>
    public JsonElement? Setting { get; init; }
    /// <summary>As it was sent; only where one assignment is asked for.</summary>
    public JsonElement? Declaration { get; init; }
    public SoftwareUpdateRequest? SoftwareUpdate { get; init; }
    public SharedIPadRequest? SharedIPad { get; init; }
    public string? Target { get; init; }
    public string? Except { get; init; }
    public string? SchoolId { get; init; }
    public string? School { get; init; }
    public required bool Keep { get; init; }
    public DateTimeOffset? StartsAt { get; init; }
    public DateTimeOffset? EndsAt { get; init; }
    /// <summary>coming, inForce or over.</summary>
    public required string Phase { get; init; }
    /// <summary>In waves. Null: it comes to all its iPads at once.</summary>
    public RollOutView? RollOut { get; init; }
    public required AssignmentCountsView IPads { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }

    internal static AssignmentView Of(AssignmentRow row, AssignmentCountsView counts)
    {
        var one = row.Assignment;
        return new AssignmentView
        {
            Id = one.Id,
            Version = one.Version,
            Name = one.Name,
            Kind = AssignmentWords.Kind(one.Kind),
            Channel = AssignmentWords.Channel(one.Channel),
            ProfileId = one.Kind == AssignmentKind.Profile ? one.Reference : null,
            ProfileName = row.ProfileName,
            ProfileVersion = row.ProfileVersion,
            SoftwareUpdate = one is { Kind: AssignmentKind.SoftwareUpdate, Asked: { } asked } ? JsonSerializer.Deserialize(asked, AdminJson.Default.SoftwareUpdateRequest) : null,
            SharedIPad = one is { Kind: AssignmentKind.SharedIPad, Asked: { } wanted } ? JsonSerializer.Deserialize(wanted, AdminJson.Default.SharedIPadRequest) : null,
            Target = one.Target,
            Except = one.Except,
            SchoolId = one.SchoolId,
            School = row.School,
            Keep = one.Keep,
            StartsAt = one.StartsAt,
            EndsAt = one.EndsAt,
            Phase = AssignmentWords.Phase(one.Phase),
            RollOut = RollOutView.From(one.RollOut),
            IPads = counts,
            CreatedAt = one.CreatedAt,
            CreatedBy = one.CreatedBy,
            UpdatedAt = one.UpdatedAt,
            UpdatedBy = one.UpdatedBy,
        };
    }
}

/// <summary>How an assignment stands, in numbers of enrolled iPads.</summary>
public sealed record AssignmentCountsView
{
    public required long Installed { get; init; }
    /// <summary>They have to come, or something else has to be done first.</summary>
    public required long Waiting { get; init; }
    /// <summary>The command is in their queue.</summary>
    public required long Sent { get; init; }
    /// <summary>They refused it; it is tried again.</summary>
    public required long Failed { get; init; }
    /// <summary>They cannot have it.</summary>
    public required long NotApplicable { get; init; }
    /// <summary>It is being taken from them.</summary>
    public required long Leaving { get; init; }

    internal long OnTheWay => Waiting + Sent;

    internal long Total => Installed + Waiting + Sent + Failed + NotApplicable;

    internal static AssignmentCountsView Of(IEnumerable<AssignmentCount> counts)
    {
        var by = counts.ToDictionary(one => one.State, one => one.Count);
        long Number(AssignmentState state) => by.GetValueOrDefault(state);
        return new AssignmentCountsView
        {
            Installed = Number(AssignmentState.Installed),
            Waiting = Number(AssignmentState.Waiting),
            Sent = Number(AssignmentState.Sent),
            Failed = Number(AssignmentState.Failed),
            NotApplicable = Number(AssignmentState.NotApplicable),
            Leaving = Number(AssignmentState.Leaving) + Number(AssignmentState.Removing) + Number(AssignmentState.RemovalFailed),
        };
    }
}

/// <summary>What an assignment would do, now. Nothing was done.</summary>
public sealed record AssignmentPlanView
{
    /// <summary>Enrolled iPads that it would be for; of one for users: the users of Shared iPads who have logged in.</summary>
    public required long Total { get; init; }
    /// <summary>Those that can have it, by what is known.</summary>
    public required long Can { get; init; }
    public required long Cannot { get; init; }
    /// <summary>Why. An iPad may have several reasons.</summary>
    public required IReadOnlyList<PlanReasonView> Reasons { get; init; }
    /// <summary>Those that it is not for now.</summary>
    public required long Arriving { get; init; }
    /// <summary>Those that it is for now, and would not be any more.</summary>
    public required long Leaving { get; init; }
    /// <summary>Some of the total, at most ten.</summary>
    public required IReadOnlyList<PlanExampleView> Examples { get; init; }
    public required IReadOnlyList<PlanExampleView> LeavingExamples { get; init; }
    /// <summary>Of one for users; null: it is for iPads.</summary>
    public AssignmentUsersView? Users { get; init; }
    /// <summary>Of Apps and Books; null: it needs no licences.</summary>
    public AssignmentLicencesView? Licences { get; init; }
}

/// <summary>On which iPads an assignment for users finds its users.</summary>
public sealed record AssignmentUsersView
{
    /// <summary>Enrolled iPads that the target finds.</summary>
    public required long IPads { get; init; }
    /// <summary>Of these, those that are not shared, or have not said so: nobody on them can have it.</summary>
    public required long NotShared { get; init; }
    public required string Words { get; init; }

    internal static AssignmentUsersView Of(long iPads, long notShared, long users) => new()
    {
        IPads = iPads,
        NotShared = notShared,
        Words = iPads == 0 ? "It finds no iPad now."
            : notShared == iPads ? "None of these iPads is shared: nobody on them can have it."
            : users == 0 ? "Nobody has logged in on these iPads yet. Whoever does gets it."
            : notShared > 0 ? "Whoever logs in gets it. On iPads that are not shared nobody can have it."
            : "Whoever logs in gets it.",
    };
}

/// <summary>Whether the licences of a location are enough.</summary>
public sealed record AssignmentLicencesView
{
    public required string Location { get; init; }
    /// <summary>iPads that have no licence yet.</summary>
    public required long Needed { get; init; }
    /// <summary>Licences that are left.</summary>
    public required long Available { get; init; }
    /// <summary>Other iPads that wait for the same licences.</summary>
    public required long OthersWaiting { get; init; }
    /// <summary>How many would be missing.</summary>
    public required long Missing { get; init; }
}

/// <summary>An assignment on an iPad.</summary>
public sealed record AssignmentDeviceView
{
    public required string DeviceId { get; init; }
    /// <summary>Whose it is: the iPad's, or that of a user of it.</summary>
    public required string EnrolmentId { get; init; }
    /// <summary>Of an assignment for users: the Managed Apple Account.</summary>
    public string? UserName { get; init; }
    public string? DeviceName { get; init; }
    public string? SerialNumber { get; init; }
    public string? School { get; init; }
    /// <summary>waiting, sent, installed, failed, notApplicable, leaving, removing or removalFailed.</summary>
    public required string State { get; init; }
    /// <summary>Since when.</summary>
    public required DateTimeOffset Since { get; init; }
    /// <summary>Why, where there is a reason.</summary>
    public string? Reason { get; init; }
    /// <summary>When it is tried again; null: it is not, or at once.</summary>
    public DateTimeOffset? TriedAgainAt { get; init; }
    public string? CommandUuid { get; init; }
    public DateTimeOffset? LastSeenAt { get; init; }

    internal static AssignmentDeviceView Of(AssignmentDeviceRow row) => new()
    {
        DeviceId = row.DeviceId,
        EnrolmentId = row.EnrolmentId,
        UserName = row.UserName,
        DeviceName = row.DeviceName,
        SerialNumber = row.SerialNumber,
        School = row.School,
        State = AssignmentWords.State(row.Standing.State),
        Since = row.Standing.ChangedAt,
        Reason = row.UserName is { } user && AssignmentWords.WaitsForUser(row.Standing.State) ? AssignmentWords.OfUser(row.Standing, user, false, row.LastSeenAt) : row.Standing.Reason,
        TriedAgainAt = AssignmentWords.TriedAgainAt(row.Standing),
        CommandUuid = row.Standing.CommandUuid,
        LastSeenAt = row.LastSeenAt,
    };
}

/// <summary>What an iPad should have, and how it stands.</summary>
public sealed record DeviceAssignmentsView
{
    /// <summary>By name.</summary>
    public required IReadOnlyList<DeviceAssignmentView> Items { get; init; }
    /// <summary>What its users should have, by name. For each user it stands in <c>/api/v1/devices/{id}/shared-ipad</c>.</summary>
    public required IReadOnlyList<UsersAssignmentView> ForUsers { get; init; }
}

/// <summary>What the users of one iPad should have.</summary>
public sealed record UsersAssignmentView
{
    public required string AssignmentId { get; init; }
    /// <summary>Whether the reader's token may open the assignment itself.</summary>
    internal bool IsOpen { get; init; }
    public required string Name { get; init; }
    /// <summary>Users of this iPad, by state.</summary>
    public required AssignmentCountsView Users { get; init; }
    /// <summary>A sentence: who has it, or why nobody has.</summary>
    public required string Words { get; init; }
}

/// <summary>An assignment on one iPad.</summary>
public sealed record DeviceAssignmentView
{
    public required string AssignmentId { get; init; }
    /// <summary>Whether the reader's token may open the assignment itself.</summary>
    internal bool IsOpen { get; init; }
    public required string Name { get; init; }
    /// <summary>profile, app, setting, declaration, softwareUpdate, sharedIPad or classroom.</summary>
    public required string Kind { get; init; }
    /// <summary>waiting, sent, installed, failed, notApplicable, leaving, removing or removalFailed.</summary>
    public required string State { get; init; }
    public required DateTimeOffset Since { get; init; }
    /// <summary>A sentence: how it is, and why not yet.</summary>
    public required string Words { get; init; }
    public DateTimeOffset? TriedAgainAt { get; init; }
    public string? CommandUuid { get; init; }
}

/// <summary>What an assignment did on an iPad: one command, and what became of it.</summary>
public sealed record AssignmentEventView
{
    /// <summary>When it ended.</summary>
    public required DateTimeOffset At { get; init; }
    /// <summary>installed, failed, removed, removalFailed, or ended: it was cancelled, or the iPad never got it.</summary>
    public required string What { get; init; }
    /// <summary>What the iPad said, where it refused it.</summary>
    public string? Reason { get; init; }
    /// <summary>When the command was put into the iPad's queue.</summary>
    public required DateTimeOffset SentAt { get; init; }
    public required string CommandUuid { get; init; }
    public required string RequestType { get; init; }
    /// <summary>Null: the assignment is gone, or an older version of the server sent the command.</summary>
    public string? AssignmentId { get; init; }
    /// <summary>Whether the reader's token may open the assignment itself.</summary>
    internal bool IsOpen { get; init; }
    public string? Name { get; init; }
    /// <summary>Who made the assignment, and when. Each change of it is in the audit record, by its id.</summary>
    public string? CreatedBy { get; init; }
    public DateTimeOffset? CreatedAt { get; init; }
    /// <summary>Who changed it last, and when.</summary>
    public string? UpdatedBy { get; init; }
    public DateTimeOffset? UpdatedAt { get; init; }

    internal static AssignmentEventView Of(AssignmentHistoryRow row, bool isOpen) => new()
    {
        At = row.EndedAt,
        What = row.Ending switch
        {
            Storage.Devices.CommandEnding.Acknowledged => row.Takes ? "removed" : "installed",
            Storage.Devices.CommandEnding.Error or Storage.Devices.CommandEnding.CommandFormatError => row.Takes ? "removalFailed" : "failed",
            _ => "ended",
        },
        Reason = row.Summary,
        SentAt = row.SentAt,
        CommandUuid = row.CommandUuid,
        RequestType = row.RequestType,
        AssignmentId = row.Assignment?.Assignment.Id,
        IsOpen = isOpen,
        Name = row.Assignment?.Assignment.Name,
        CreatedBy = row.Assignment?.Assignment.CreatedBy,
        CreatedAt = row.Assignment?.Assignment.CreatedAt,
        UpdatedBy = row.Assignment?.Assignment.UpdatedBy,
        UpdatedAt = row.Assignment?.Assignment.UpdatedAt,
    };
}

/// <summary>What was done.</summary>
public sealed record AssignmentRetryView
{
    /// <summary>On how many iPads it is tried again at once.</summary>
    public required long IPads { get; init; }
}

internal static class AssignmentWords
{
    public static string Kind(AssignmentKind kind) => kind switch
    {
        AssignmentKind.Profile => "profile",
        AssignmentKind.App => "app",
        AssignmentKind.Declaration => "declaration",
        AssignmentKind.SoftwareUpdate => "softwareUpdate",
        AssignmentKind.Classroom => "classroom",
        AssignmentKind.SharedIPad => "sharedIPad",
        _ => "setting",
    };

    public static string Channel(AssignmentChannel channel) => channel == AssignmentChannel.User ? "user" : "device";

    public static AssignmentChannel ReadChannel(string? text) => text switch
    {
        null or "" or "device" => AssignmentChannel.Device,
        "user" => AssignmentChannel.User,
        _ => throw ApiProblem.Field("channel", "It is device or user."),
    };

    /// <summary>Nothing happens before the user is there.</summary>
    public static bool WaitsForUser(AssignmentState state) => state is AssignmentState.Waiting or AssignmentState.Sent or AssignmentState.Leaving or AssignmentState.Removing;

    /// <summary>How it stands with one user.</summary>
    /// <param name="isThere">The user was logged in when the iPad last told.</param>
    public static string OfUser(AssignmentStanding one, string userName, bool isThere, DateTimeOffset? lastSeen)
    {
        if (!WaitsForUser(one.State)) return one is { State: AssignmentState.Installed, Reason: null } ? $"{userName} has it on this iPad." : Sentence(one);
        var waits = SharedIPads.SharedIPadWords.Waits(userName, isThere, lastSeen, putOff: false);
        return one.Reason is { } reason ? $"{reason} {waits}" : one.State is AssignmentState.Leaving or AssignmentState.Removing ? $"It is to be removed. {waits}" : waits;
    }

    /// <summary>How it stands with the users of one iPad.</summary>
    public static string OfUsers(bool? isShared, AssignmentCountsView users) =>
        users.Total + users.Leaving > 0 ? $"{Words.Count(users.Installed, "user has", "users have")} it, of {users.Total}."
        : isShared == false ? "It is for users of Shared iPads. This iPad is not shared: nobody on it can have it."
        : isShared is null ? "It is for users of Shared iPads. This iPad has not said whether it is shared."
        : "Nobody has logged in on this iPad yet. Whoever does gets it.";

    /// <summary>It stays on iPads that leave it, whatever it says.</summary>
    public static bool Stays(string kind) => kind is "setting" or "sharedIPad";

    /// <summary>The iPad itself tries it again.</summary>
    public static bool IsDeclared(string kind) => kind is "declaration" or "softwareUpdate";

    public static string Phase(AssignmentPhase phase) => phase switch
    {
        AssignmentPhase.Coming => "coming",
        AssignmentPhase.InForce => "inForce",
        _ => "over",
    };

    /// <summary>One that waits after an attempt has its time; null: it has none.</summary>
    public static DateTimeOffset? TriedAgainAt(AssignmentStanding one) =>
        one.State is AssignmentState.Failed or AssignmentState.RemovalFailed || (one.State == AssignmentState.Waiting && one.Attempts > 0) ? one.DueAt : null;

    public static string State(AssignmentState state) => JsonNamingPolicy.CamelCase.ConvertName(state.ToString());

    public static AssignmentState? ReadState(string? text) =>
        Enum.GetValues<AssignmentState>().Where(state => State(state) == text).Cast<AssignmentState?>().FirstOrDefault();

    public static string Shown(string state) => state switch
    {
        "waiting" => "Waiting",
        "sent" => "On its way",
        "installed" => "Installed",
        "failed" => "Failed",
        "notApplicable" => "Not possible",
        "leaving" => "To be removed",
        "removing" => "Being removed",
        _ => "Removal failed",
    };

    public static string Happened(string what) => what switch
    {
        "installed" => "Installed",
        "failed" => "Failed",
        "removed" => "Removed",
        "removalFailed" => "Removal failed",
        _ => "Not delivered",
    };

    /// <param name="iPad">As its grain knows it; null: its queue says nothing of this.</param>
    public static string Sentence(AssignmentStanding one, DeviceDescription? iPad = null) => one.State switch
    {
        AssignmentState.Sent or AssignmentState.Removing when iPad?.Queue.FirstOrDefault(command => command.CommandUuid == one.CommandUuid) is { } command =>
            command.Reason ?? (command.State == CommandState.Sent ? "The iPad is working on it." : iPad.Waiting ?? "The command is in the iPad's queue."),
        AssignmentState.Waiting => one.Reason ?? "It is sent when the iPad comes.",
        AssignmentState.Sent => one.Reason ?? "The command is in the iPad's queue.",
        AssignmentState.Installed => one.Reason ?? "It is on the iPad.",
        AssignmentState.Failed => one.Reason ?? "The iPad refused it.",
        AssignmentState.NotApplicable => one.Reason ?? "This iPad cannot have it.",
        AssignmentState.Leaving => one.Reason ?? "It is removed when the iPad comes.",
        AssignmentState.Removing => "The command that removes it is in the iPad's queue.",
        _ => one.Reason ?? "The iPad refused to remove it.",
    };
}
