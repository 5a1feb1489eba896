using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Automated;
using FleetMdm.Storage.Automated;

namespace FleetMdm.Api.Automated;

public sealed record AutomatedServerRequest
{
    /// <summary>1 to 200 characters, unique.</summary>
    public required string Name { get; init; }
    /// <summary>The enrolment profile of iPads that have no other one; null: they get none.</summary>
    public string? ProfileId { get; init; }
}

public sealed record AutomatedChoiceRequest
{
    /// <summary>The enrolment profile; null: none of its own.</summary>
    public string? ProfileId { get; init; }
}

public sealed record AutomatedGroupRequest
{
    /// <summary>The enrolment profile; null: none of its own.</summary>
    public string? ProfileId { get; init; }
    /// <summary>1 to 1000; 100 when absent. Of several groups of an iPad, the lowest number counts; of equal ones, the first name.</summary>
    public int? Priority { get; init; }
}

/// <summary>What stands in the way of a server.</summary>
/// <param name="Code">A stable name, as in termsNotSigned.</param>
/// <param name="Words">What it is, and what to do.</param>
/// <param name="Since">Since when.</param>
public sealed record AutomatedProblemView(string Code, string Words, DateTimeOffset? Since);

/// <param name="ExpiresAt">Then Apple takes it no more.</param>
/// <param name="DaysLeft">Whole days; 0 when it has ended.</param>
public sealed record AutomatedTokenView(DateTimeOffset ExpiresAt, int DaysLeft, DateTimeOffset? UploadedAt, string? UploadedBy);

/// <summary>Whose service it is, as Apple says.</summary>
public sealed record AutomatedServiceView(string? Name, string? Uuid, string? Organization, string? OrganizationId);

/// <param name="None">No profile is meant for them.</param>
/// <param name="Waiting">It is assigned with the next round.</param>
/// <param name="Assigned">They have it.</param>
/// <param name="Failed">Apple refused; it is tried again.</param>
/// <param name="Throttled">Apple wants them left alone for a while.</param>
/// <param name="NotAccessible">Apple says that they are not on this server.</param>
public sealed record AutomatedCountsView(long None, long Waiting, long Assigned, long Failed, long Throttled, long NotAccessible);

/// <summary>A device management service of Apple School Manager.</summary>
public sealed record AutomatedServerView
{
    public required string Id { get; init; }
    public required int Version { get; init; }
    public required string Name { get; init; }
    /// <summary>Null: none was uploaded yet.</summary>
    public AutomatedTokenView? Token { get; init; }
    /// <summary>Null: Apple has not been asked yet.</summary>
    public AutomatedServiceView? Service { get; init; }
    public AutomatedProblemView? Problem { get; init; }
    public string? ProfileId { get; init; }
    public string? ProfileName { get; init; }
    public required long Devices { get; init; }
    /// <summary>iPads that were on it, and are not any more.</summary>
    public required long Released { get; init; }
    public required AutomatedCountsView Counts { get; init; }
    public required DateTimeOffset KeyMadeAt { get; init; }
    /// <summary>When Apple was last asked for what is new.</summary>
    public DateTimeOffset? SyncedAt { get; init; }
    /// <summary>When the whole list was last here.</summary>
    public DateTimeOffset? FetchedAt { get; init; }
    public DateTimeOffset? NextAt { get; init; }
    /// <summary>Apple is being asked at this moment.</summary>
    public required bool Working { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>An iPad as Apple School Manager knows it.</summary>
public sealed record AutomatedDeviceView
{
    public required string SerialNumber { get; init; }
    public required string ServerId { get; init; }
    public string? Server { get; init; }
    public string? Model { get; init; }
    public string? Description { get; init; }
    public string? Color { get; init; }
    /// <summary>As it stands in Apple School Manager.</summary>
    public string? AssetTag { get; init; }
    public string? Os { get; init; }
    /// <summary>As Apple says: empty, assigned, pushed (the iPad has taken it) or removed.</summary>
    public string? ProfileStatus { get; init; }
    public DateTimeOffset? ProfileAssignedAt { get; init; }
    public DateTimeOffset? ProfilePushedAt { get; init; }
    public DateTimeOffset? AssignedAt { get; init; }
    public string? AssignedBy { get; init; }
    /// <summary>comes: it moves here from another service without an erase; late: its deadline has passed, and it has not come; came: it moved here; leaves: it is enrolled here, and on no service of
    /// this server any more.</summary>
    [OneOf("none", "comes", "late", "came", "leaves")]
    public required string Migration { get; init; }
    /// <summary>Until when it has to move, as Apple says; null: Apple says none. Of one that leaves, Apple tells it seldom.</summary>
    public DateTimeOffset? MigrationDeadline { get; init; }
    /// <summary>Since when Apple says that it comes.</summary>
    public DateTimeOffset? MigrationSince { get; init; }
    /// <summary>Why it cannot move, or what it would lose; null: nothing is known. Only where one iPad is asked for.</summary>
    public string? MigrationObstacle { get; init; }
    /// <summary>Since when it is on the server no more; null: it is.</summary>
    public DateTimeOffset? ReleasedAt { get; init; }
    [OneOf("none", "waiting", "assigned", "failed", "throttled", "notAccessible", "released")]
    public required string State { get; init; }
    public string? Reason { get; init; }
    /// <summary>When it is tried again.</summary>
    public DateTimeOffset? NextAt { get; init; }
    /// <summary>Chosen for this iPad; null: that of its group, its school or its server.</summary>
    public string? ProfileId { get; init; }
    /// <summary>The profile that it should have.</summary>
    public string? WantedProfileId { get; init; }
    public string? WantedProfile { get; init; }
    /// <summary>Whose profile that is: the first of iPad, group, school, server that has one; none: it should have none.</summary>
    [OneOf("iPad", "group", "school", "server", "none")]
    public required string WantedFrom { get; init; }
    /// <summary>The group whose enrolment profile counts for it, if it has none of its own; null: it is in no group that has one.</summary>
    public string? WantedGroupId { get; init; }
    public string? WantedGroup { get; init; }
    /// <summary>Of its placeholder.</summary>
    public string? Name { get; init; }
    /// <summary>Of its placeholder.</summary>
    public string? School { get; init; }
    /// <summary>The enrolled iPad with this serial number; null: none is.</summary>
    public string? DeviceId { get; init; }
    /// <summary>When it last asked for its enrolment profile.</summary>
    public DateTimeOffset? AskedAt { get; init; }
    public string? AskedOsVersion { get; init; }
    public string? Answer { get; init; }
    public required DateTimeOffset ChangedAt { get; init; }

    internal static AutomatedDeviceView Of(AutomatedDeviceRow row, DateTimeOffset now) => new()
    {
        SerialNumber = row.Device.Apple.SerialNumber,
        ServerId = row.Device.ServerId,
        Server = row.ServerName,
        Model = row.Device.Apple.Model,
        Description = row.Device.Apple.Description,
        Color = row.Device.Apple.Color,
        AssetTag = row.Device.Apple.AssetTag,
        Os = row.Device.Apple.Os,
        ProfileStatus = row.Device.Apple.ProfileStatus,
        ProfileAssignedAt = row.Device.Apple.ProfileAssignedAt,
        ProfilePushedAt = row.Device.Apple.ProfilePushedAt,
        AssignedAt = row.Device.Apple.AssignedAt,
        AssignedBy = row.Device.Apple.AssignedBy,
        Migration = AutomatedMigrations.NameOf(row, now),
        MigrationDeadline = row.Device.Apple.MigrationDeadline,
        MigrationSince = row.Device.MigrationSince,
        ReleasedAt = row.Device.ReleasedAt,
        State = row.Device.ReleasedAt is null ? StateOf(row.Device.State) : "released",
        Reason = row.Device.Reason,
        NextAt = row.Device.NextAt,
        ProfileId = row.Device.ProfileId,
        WantedProfileId = row.WantedId,
        WantedProfile = row.Wanted,
        WantedFrom = row.Origin switch
        {
            AutomatedOrigin.IPad => "iPad",
            AutomatedOrigin.Group => "group",
            AutomatedOrigin.School => "school",
            AutomatedOrigin.Server => "server",
            _ => "none",
        },
        WantedGroupId = row.GroupId,
        WantedGroup = row.Group,
        Name = row.Name,
        School = row.School,
        DeviceId = row.DeviceId,
        AskedAt = row.Device.AskedAt,
        AskedOsVersion = row.Device.AskedOs,
        Answer = row.Device.Answer,
        ChangedAt = row.Device.ChangedAt,
    };

    internal static string StateOf(AutomatedState state) => state switch
    {
        AutomatedState.Waiting => "waiting",
        AutomatedState.Assigned => "assigned",
        AutomatedState.Failed => "failed",
        AutomatedState.Throttled => "throttled",
        AutomatedState.NotAccessible => "notAccessible",
        _ => "none",
    };
}

/// <summary>iPads that move between device management services without an erase.</summary>
/// <param name="Comes">That have to come, and whose deadline has not passed.</param>
/// <param name="Within14Days">Of those, whose deadline is within 14 days.</param>
/// <param name="Within7Days">Within 7 days.</param>
/// <param name="Within1Day">Within 24 hours.</param>
/// <param name="Late">That did not come by their deadline.</param>
/// <param name="Came">That moved here.</param>
/// <param name="Leaves">That are enrolled here, and on no service of this server any more.</param>
public sealed record AutomatedMigrationsView(long Comes, long Within14Days, long Within7Days, long Within1Day, long Late, long Came, long Leaves);

/// <summary>What an iPad does out of the box.</summary>
public sealed record AutomatedProfileRequest
{
    /// <summary>1 to 125 characters, unique.</summary>
    public required string Name { get; init; }
    /// <summary>The person cannot leave it out. Since iPadOS 13 always so; true when absent.</summary>
    public bool? Mandatory { get; init; }
    /// <summary>The person may remove the management in Settings; false when absent.</summary>
    public bool? Removable { get; init; }
    /// <summary>Since iPadOS 13 always so; true when absent.</summary>
    public bool? Supervised { get; init; }
    /// <summary>Hold the iPad in Setup Assistant until what is assigned to it is there; true when absent.</summary>
    public bool? AwaitConfiguration { get; init; }
    /// <summary>false when absent.</summary>
    public bool? AutoAdvance { get; init; }
    /// <summary>Somebody signs in on the iPad before it enrols, and has it from then on; false when absent. Needs SelfService:PublicUrl.</summary>
    public bool? SignIn { get; init; }
    /// <summary>The iPad becomes a Shared iPad; false when absent. It must be held in Setup Assistant.</summary>
    public bool? SharedIPad { get; init; }
    /// <summary>Panes that are left out, by Apple's names: see GET /automated/setup-items.</summary>
    public IReadOnlyList<string>? SkipSetupItems { get; init; }
    public string? Department { get; init; }
    public string? SupportPhone { get; init; }
    public string? SupportEmail { get; init; }
    /// <summary>As in sv; with a region.</summary>
    public string? Language { get; init; }
    /// <summary>As in SE.</summary>
    public string? Region { get; init; }
    /// <summary>An older iPad updates itself before it enrols, as in 18.1.</summary>
    public string? MinimumOsVersion { get; init; }
}

/// <summary>An enrolment profile of Automated Device Enrolment.</summary>
public sealed record AutomatedProfileView
{
    public required string Id { get; init; }
    public required int Version { get; init; }
    public required string Name { get; init; }
    public required bool Mandatory { get; init; }
    public required bool Removable { get; init; }
    public required bool Supervised { get; init; }
    public required bool AwaitConfiguration { get; init; }
    public required bool AutoAdvance { get; init; }
    /// <summary>Somebody signs in on the iPad before it enrols, and has it from then on.</summary>
    public required bool SignIn { get; init; }
    public required bool SharedIPad { get; init; }
    public required IReadOnlyList<string> SkipSetupItems { get; init; }
    public string? Department { get; init; }
    public string? SupportPhone { get; init; }
    public string? SupportEmail { get; init; }
    public string? Language { get; init; }
    public string? Region { get; init; }
    public string? MinimumOsVersion { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }

    internal static AutomatedProfileView Of(AutomatedProfile profile)
    {
        var definition = AutomatedProfileService.DefinitionOf(profile);
        return new AutomatedProfileView
        {
            Id = profile.Id,
            Version = profile.Version,
            Name = profile.Name,
            Mandatory = definition.IsMandatory,
            Removable = definition.IsRemovable,
            Supervised = definition.IsSupervised,
            AwaitConfiguration = definition.AwaitConfigured,
            AutoAdvance = definition.AutoAdvance,
            SignIn = definition.AsksSignIn,
            SharedIPad = definition.IsShared,
            SkipSetupItems = definition.SkippedItems,
            Department = definition.Department,
            SupportPhone = definition.SupportPhone,
            SupportEmail = definition.SupportEmail,
            Language = definition.Language,
            Region = definition.Region,
            MinimumOsVersion = definition.MinimumOsVersion,
            UpdatedAt = profile.UpdatedAt,
            UpdatedBy = profile.UpdatedBy,
        };
    }
}

/// <summary>A pane of Setup Assistant.</summary>
public sealed record SetupItemView(string Key, string Words, string? From, string? Note)
{
    internal static SetupItemView Of(SetupItem item) => new(item.Key, item.Words, item.From, item.Note);
}

/// <summary>The profile of the iPads of a school.</summary>
public sealed record AutomatedSchoolView(string SchoolId, string School, string ProfileId, string ProfileName);

/// <summary>The profile of the iPads of a group.</summary>
/// <param name="Priority">Of several groups of an iPad, the lowest counts; of equal ones, the first name.</param>
public sealed record AutomatedGroupView(string GroupId, string Group, string ProfileId, string ProfileName, int Priority);

/// <summary>An iPad that waits, or waited, in Setup Assistant.</summary>
public sealed record AutomatedHoldView
{
    public required string DeviceId { get; init; }
    public string? SerialNumber { get; init; }
    public string? Name { get; init; }
    public string? School { get; init; }
    public required DateTimeOffset EnrolledAt { get; init; }
    /// <summary>Then it is let go, whatever is missing.</summary>
    public required DateTimeOffset UntilAt { get; init; }
    [OneOf("held", "going", "letGo", "letGoIncomplete", "left")]
    public required string State { get; init; }
    /// <summary>What it was let go without.</summary>
    public string? Missing { get; init; }
    public DateTimeOffset? EndedAt { get; init; }

    internal static AutomatedHoldView Of(AutomatedHoldRow row) => new()
    {
        DeviceId = row.Hold.DeviceId,
        SerialNumber = row.Hold.SerialNumber,
        Name = row.DeviceName,
        School = row.School,
        EnrolledAt = row.Hold.EnrolledAt,
        UntilAt = row.Hold.UntilAt,
        State = row.Hold.State switch
        {
            HoldState.Held => "held",
            HoldState.Going or HoldState.GoingIncomplete => "going",
            HoldState.LetGo => "letGo",
            HoldState.LetGoIncomplete => "letGoIncomplete",
            _ => "left",
        },
        Missing = row.Hold.Missing,
        EndedAt = row.Hold.EndedAt,
    };
}

/// <param name="Note">What is to be done besides; null: nothing.</param>
public sealed record AutomatedTokenUploadView(AutomatedServerView Server, string? Note);
