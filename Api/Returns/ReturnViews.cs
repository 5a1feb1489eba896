using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Returns;

namespace FleetMdm.Api.Returns;

/// <summary>Erase iPads that come back by themselves.</summary>
public sealed record ReturnRequest
{
    public required OperationTargetRequest Target { get; init; }
    /// <summary>A profile of the library: the Wi-Fi that an erased iPad joins. It is used as it stands when the iPad fetches the command.</summary>
    public required string WifiProfileId { get; init; }
    /// <summary>1 to 168: after so many hours an iPad that is not back is looked for. The enrolment profile that it gets is good for 7 days in any case. 24 when absent.</summary>
    public int? Hours { get; init; }
    /// <summary>true: managed apps stay on iPads that have escrowed a bootstrap token (iPadOS 26).</summary>
    public bool? KeepApps { get; init; }
    /// <summary>true: an eSIM stays.</summary>
    public bool? PreserveDataPlan { get; init; }
    /// <summary>From when on it is not delivered any more. 30 days from now when absent.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
    /// <summary>The same, 1 to 8760 hours from now.</summary>
    public int? ExpiresInHours { get; init; }
    /// <summary>false: wake nobody; each gets it when it next comes.</summary>
    /// <remarks>Settable: for an init property the serializer's generated code would put false where the field is absent.</remarks>
    public bool Push { get; set; } = true;
    /// <summary>For how many iPads it must be, or it is not started.</summary>
    public long? Expected { get; init; }
    /// <summary>What the dry run of the same request returned. It is needed for more than one iPad.</summary>
    public string? Confirmation { get; init; }
    /// <summary>true: also those get it that would refuse it, by what is known of them.</summary>
    public bool? Force { get; init; }
    /// <summary>How it begins, as of an operation. Absent: on all at once.</summary>
    public OperationPaceRequest? Pace { get; init; }
}

/// <summary>What it would do, now. Nothing was done.</summary>
public sealed record ReturnPlanView
{
    /// <summary>Who can, who cannot and why; and the confirmation.</summary>
    public required OperationPlanView Operation { get; init; }
    /// <summary>The name of the profile.</summary>
    public required string Wifi { get; init; }
    /// <summary>iPads of the target that have escrowed no bootstrap token: their apps go, whatever <c>keepApps</c> says.</summary>
    public required long WithoutBootstrapToken { get; init; }
    /// <summary>iPads of the target of which the server has no code for Activation Lock. Whether they are locked it cannot know: one that is stops in Setup Assistant.</summary>
    public required long WithoutBypassCode { get; init; }
}

/// <summary>iPads that were erased to come back by themselves.</summary>
public sealed record ReturnView
{
    /// <summary>That of its operation, by which it is paused, goes on, is tried again and cancelled.</summary>
    public required string Id { get; init; }
    public required string WifiProfileId { get; init; }
    /// <summary>As the profile was called.</summary>
    public required string Wifi { get; init; }
    public required int Hours { get; init; }
    public required bool KeepApps { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    /// <summary>Nobody waits any more for those that are missing.</summary>
    public DateTimeOffset? ClosedAt { get; init; }
    public string? ClosedBy { get; init; }
    public DateTimeOffset? CancelledAt { get; init; }
    /// <summary>How many iPads it is for.</summary>
    public required long Total { get; init; }
    /// <summary>iPads of the target that could not.</summary>
    public required long LeftOut { get; init; }
    public required ReturnCountsView Counts { get; init; }
    /// <summary>By the school that iPads had when it was started.</summary>
    public required IReadOnlyList<ReturnSchoolView> Schools { get; init; }
    internal bool IsPaused { get; init; }
    internal bool IsPaced { get; init; }
    internal string? Asked { get; init; }

    internal static ReturnView Of(ReturnRow row, IEnumerable<ReturnCount> counts)
    {
        var (one, by) = (row.Return, counts.ToList());
        return new ReturnView
        {
            Id = one.Id,
            WifiProfileId = one.WifiProfileId,
            Wifi = one.WifiName,
            Hours = one.Hours,
            KeepApps = one.KeepApps,
            CreatedAt = one.CreatedAt,
            CreatedBy = row.RequestedBy,
            ClosedAt = one.ClosedAt,
            ClosedBy = one.ClosedBy,
            CancelledAt = row.CancelledAt,
            Total = row.Total,
            LeftOut = row.LeftOut,
            Counts = ReturnCountsView.Of(by),
            Schools = [.. by.GroupBy(count => count.School).Select(group => new ReturnSchoolView(group.Key, ReturnCountsView.Of(group)))],
            IsPaused = row.IsPaused,
            IsPaced = row.IsPaced,
            Asked = row.Asked,
        };
    }
}

/// <param name="School">Absent: iPads of no school.</param>
public sealed record ReturnSchoolView(string? School, ReturnCountsView Counts);

/// <summary>How iPads stand, in numbers.</summary>
public sealed record ReturnCountsView
{
    /// <summary>Their turn has not come.</summary>
    public required long NotBegun { get; init; }
    /// <summary>The command waits for them.</summary>
    public required long Waiting { get; init; }
    /// <summary>The command left for them, and they have said nothing since.</summary>
    public required long Told { get; init; }
    /// <summary>They erase themselves, and are on their way back.</summary>
    public required long Erased { get; init; }
    /// <summary>They did not come back in time.</summary>
    public required long Missing { get; init; }
    /// <summary>They are enrolled again.</summary>
    public required long Back { get; init; }
    /// <summary>They answered an error, and were not erased.</summary>
    public required long Failed { get; init; }
    /// <summary>The command was cancelled, has expired, or the iPad had left.</summary>
    public required long Ended { get; init; }

    internal static ReturnCountsView Of(IEnumerable<ReturnCount> counts)
    {
        var sums = counts.GroupBy(count => count.State).ToDictionary(group => group.Key, group => group.Sum(count => count.Count));
        return new ReturnCountsView
        {
            NotBegun = sums.GetValueOrDefault(ReturnState.NotBegun),
            Waiting = sums.GetValueOrDefault(ReturnState.Waiting),
            Told = sums.GetValueOrDefault(ReturnState.Told),
            Erased = sums.GetValueOrDefault(ReturnState.Erased),
            Missing = sums.GetValueOrDefault(ReturnState.Missing),
            Back = sums.GetValueOrDefault(ReturnState.Back),
            Failed = sums.GetValueOrDefault(ReturnState.Failed),
            Ended = sums.GetValueOrDefault(ReturnState.Ended),
        };
    }
}

/// <summary>An iPad of a return. Name and school are those of when it was started.</summary>
public sealed record ReturnDeviceView
{
    public required string DeviceId { get; init; }
    [OneOf("NotBegun", "Waiting", "Told", "Erased", "Missing", "Back", "Failed", "Ended")]
    public required string State { get; init; }
    /// <summary>Why it stands so, as far as it is known: a sentence.</summary>
    public required string Reason { get; init; }
    public string? SerialNumber { get; init; }
    public string? DeviceName { get; init; }
    public string? School { get; init; }
    public string? AssetTag { get; init; }
    /// <summary>When the command left for it.</summary>
    public DateTimeOffset? ToldAt { get; init; }
    /// <summary>When it said that it erases itself.</summary>
    public DateTimeOffset? ErasedAt { get; init; }
    /// <summary>When it is looked for.</summary>
    public DateTimeOffset? DueAt { get; init; }
    /// <summary>When it was enrolled again.</summary>
    public DateTimeOffset? ReturnedAt { get; init; }
    /// <summary>ownProfile: without hands, by the profile that it was given. automatedEnrolment. another: by hand.</summary>
    [OneOf("ownProfile", "automatedEnrolment", "another")]
    public string? ReturnedBy { get; init; }
    /// <summary>The server has a code that lifts Activation Lock.</summary>
    public required bool HasBypassCode { get; init; }
    public DateTimeOffset? LastSeenAt { get; init; }

    internal static ReturnDeviceView Of(ReturnDeviceRow row) => new()
    {
        DeviceId = row.DeviceId,
        State = row.State.ToString(),
        Reason = ReturnWords.Reason(row),
        SerialNumber = row.SerialNumber,
        DeviceName = row.DeviceName,
        School = row.School,
        AssetTag = row.AssetTag,
        ToldAt = row.HandedAt,
        ErasedAt = row.ErasedAt,
        DueAt = row.DueAt,
        ReturnedAt = row.ReturnedAt,
        ReturnedBy = row.ReturnedBy switch
        {
            Storage.Returns.ReturnedBy.OwnProfile => "ownProfile",
            Storage.Returns.ReturnedBy.AutomatedEnrolment => "automatedEnrolment",
            Storage.Returns.ReturnedBy.Another => "another",
            _ => null,
        },
        HasBypassCode = row.HasBypassCode,
        LastSeenAt = row.LastSeenAt,
    };
}

/// <summary>How iPads return that ask for it themselves.</summary>
public sealed record ReturnAnswerRequest
{
    /// <summary>A profile of the library.</summary>
    public required string WifiProfileId { get; init; }
    public bool? KeepApps { get; init; }
    public bool? PreserveDataPlan { get; init; }
    /// <summary>The version that was read; absent: there is none yet.</summary>
    public int? Version { get; init; }
}

/// <summary>How iPads return that ask for it themselves.</summary>
public sealed record ReturnAnswerView
{
    public required int Version { get; init; }
    public required string WifiProfileId { get; init; }
    /// <summary>The name of the profile; null: it is not in the library any more, and iPads are told not to erase themselves.</summary>
    public string? Wifi { get; init; }
    /// <summary>Why an erased iPad could not join it any more; null: nothing speaks against it.</summary>
    public string? Problem { get; init; }
    public required bool KeepApps { get; init; }
    public required bool PreserveDataPlan { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }
}
