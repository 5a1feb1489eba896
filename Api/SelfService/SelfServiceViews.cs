using FleetMdm.Api.Rest;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Incidents;

namespace FleetMdm.Api.SelfService;

/// <summary>The iPads of whoever asks.</summary>
public sealed record MyDevicesView
{
    /// <summary>The name of the person whom the account is linked to.</summary>
    public required string Name { get; init; }
    public required IReadOnlyList<MyDeviceView> Items { get; init; }
    /// <summary>Whether they may enrol an iPad themselves.</summary>
    public required bool CanEnrol { get; init; }
}

/// <summary>One of one's own iPads.</summary>
public sealed record MyDeviceView
{
    public required string Id { get; init; }
    public string? Name { get; init; }
    public string? Model { get; init; }
    public string? SerialNumber { get; init; }
    public string? OsVersion { get; init; }
    /// <summary>0 to 1, as of detailsAt.</summary>
    public double? BatteryLevel { get; init; }
    /// <summary>In GB, as of detailsAt.</summary>
    public double? AvailableDeviceCapacity { get; init; }
    public DateTimeOffset? DetailsAt { get; init; }
    public DateTimeOffset? LastSeenAt { get; init; }
    /// <summary>The school manages it now.</summary>
    public required bool Managed { get; init; }
    /// <summary>In lost mode, as the iPad last said or acknowledged.</summary>
    public required bool IsLost { get; init; }
    public required DateTimeOffset Since { get; init; }
    /// <summary>The last day of the loan; null: for good.</summary>
    public DateOnly? Until { get; init; }
    /// <summary>The last day is over, in UTC: bring it back. There is nothing else to be done with it here.</summary>
    public required bool LoanEnded { get; init; }
    /// <summary>Since when they want to hand it back; null: they did not say so.</summary>
    public DateTimeOffset? ReturnAskedAt { get; init; }

    internal string Words => Name ?? SerialNumber ?? "iPad";

    internal static MyDeviceView Of(Storage.SelfService.OwnDevice own, DateOnly today) => new()
    {
        Id = own.Device.Id,
        Name = own.Device.DeviceName,
        Model = own.Device.ModelName ?? own.Device.ProductName,
        SerialNumber = own.Device.SerialNumber,
        OsVersion = own.Device.OsVersion,
        BatteryLevel = own.Device.BatteryLevel,
        AvailableDeviceCapacity = own.Device.AvailableDeviceCapacity,
        DetailsAt = own.Device.DetailsAt,
        LastSeenAt = own.Device.LastSeenAt,
        Managed = own.Device.Status is EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled,
        IsLost = own.Device.IsLost == true,
        Since = own.Holding.GivenAt,
        Until = own.Holding.DueOn,
        LoanEnded = own.Holding.DueOn < today,
        ReturnAskedAt = own.Holding.ReturnAskedAt,
    };
}

/// <summary>One of one's own iPads, with what can be done with it.</summary>
public sealed record MyDeviceDetailView
{
    public required MyDeviceView Device { get; init; }
    /// <summary>What is wrong with it, as somebody has reported, and the school has not closed.</summary>
    public required IReadOnlyList<MyReportView> Reports { get; init; }
    public required SchoolSayView School { get; init; }
    /// <summary>off: the district does not allow it, or this iPad cannot; ready; waiting: it begins when the iPad is reached; on: it is in lost mode by you; ending: it ends when
    /// the iPad is reached; others: somebody else has begun it; failed: the iPad refused it.</summary>
    [OneOf("off", "ready", "waiting", "on", "ending", "others", "failed")]
    public required string LostMode { get; init; }
    /// <summary>They may ask where it is.</summary>
    public required bool CanLocate { get; init; }
    /// <summary>Until then, nobody begins lost mode here; null: it is in no exam.</summary>
    public InExamView? Exam { get; init; }
}

/// <summary>What is wrong with an iPad.</summary>
public sealed record MyReportView
{
    [OneOf("brokenScreen", "inRepair", "lost", "other")]
    public required string Kind { get; init; }
    public required DateTimeOffset At { get; init; }

    internal IncidentKind Means { get; init; }
}

/// <summary>Something is wrong with one's own iPad.</summary>
public sealed record MyReportRequest
{
    [OneOf("brokenScreen", "lost", "other")]
    public required string Kind { get; init; }
    /// <summary>What happened. At most 2,000 characters. Everybody who looks after the iPads reads it.</summary>
    public string? Text { get; init; }
}

/// <summary>Where a lost iPad is, as it last said.</summary>
public sealed record MyLocationView
{
    /// <summary>When it said so; null: it has not yet.</summary>
    public DateTimeOffset? At { get; init; }
    public double? Latitude { get; init; }
    public double? Longitude { get; init; }
    /// <summary>In metres.</summary>
    public double? Accuracy { get; init; }
}

/// <summary>An iPad in one's own hands is to be enrolled.</summary>
public sealed record MyInvitationRequest
{
    /// <summary>true: the iPad is one's own. Then the school cannot erase it, nor clear its passcode, nor see which apps are on it. false: it is the school's.</summary>
    public required bool OwnIPad { get; init; }
}

/// <summary>The way to enrol one iPad.</summary>
public sealed record MyInvitationView
{
    /// <summary>To be opened in Safari on the iPad. It works once. Whoever has it can enrol an iPad as yours.</summary>
    public required string Url { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>A profile that one may download.</summary>
public sealed record MyProfileView
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public string? Description { get; init; }
}

/// <summary>Profiles that one may download, by name.</summary>
public sealed record MyProfilesView
{
    public required IReadOnlyList<MyProfileView> Items { get; init; }
}
