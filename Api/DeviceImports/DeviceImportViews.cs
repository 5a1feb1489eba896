using FleetMdm.Api.Imports;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.DeviceImports;

namespace FleetMdm.Api.DeviceImports;

/// <summary>A list of iPads of another server, with what applying it does.</summary>
public sealed record DeviceImportView
{
    public required string Id { get; init; }
    /// <summary>preview: nothing is changed yet; applied: it was applied as a whole; undone: what it handed out was taken back.</summary>
    [OneOf("preview", "applied", "undone")]
    public required string State { get; init; }
    public required DeviceImportCountsView Counts { get; init; }
    /// <summary>Wrong lines; the first hundred.</summary>
    public required IReadOnlyList<ImportFault> Faults { get; init; }
    /// <summary>How many are wrong.</summary>
    public required long FaultCount { get; init; }
    /// <summary>It can be applied: no line is wrong, or wrong lines are left out.</summary>
    public required bool CanBeApplied { get; init; }
    /// <summary>An iPad that another person has comes back from that one, and is handed out.</summary>
    public required bool HandOver { get; init; }
    /// <summary>How the file was read.</summary>
    public required IReadOnlyList<string> Remarks { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public DateTimeOffset? AppliedAt { get; init; }
    public string? AppliedBy { get; init; }
    /// <summary>Until then, what it handed out can be taken back.</summary>
    public DateTimeOffset? CanBeUndoneUntil { get; init; }
    public DateTimeOffset? UndoneAt { get; init; }
    public string? UndoneBy { get; init; }
    public DeviceImportUndoneView? Undone { get; init; }
}

/// <summary>What was taken back.</summary>
public sealed record DeviceImportUndoneView
{
    /// <summary>iPads that whoever got them by the list has no more.</summary>
    public required long TakenBack { get; init; }
    /// <summary>Of these: who had them before has them again.</summary>
    public required long GivenBack { get; init; }
    /// <summary>iPads that are not enrolled, and do not wait for the person of the list any more.</summary>
    public required long NotWaiting { get; init; }
    /// <summary>iPads that have changed hands since. They stay as they are.</summary>
    public required long Left { get; init; }

    internal static DeviceImportUndoneView Of(DeviceImportUndone undone) => new()
    {
        TakenBack = undone.TakenBack,
        GivenBack = undone.GivenBack,
        NotWaiting = undone.NotWaiting,
        Left = undone.Left,
    };
}

/// <summary>How many iPads are new, differ, and get a person. Nothing is removed.</summary>
public sealed record DeviceImportCountsView
{
    /// <summary>New placeholders.</summary>
    public required long Added { get; init; }
    /// <summary>Placeholders whose name, school or asset tag differs.</summary>
    public required long Changed { get; init; }
    public required long Unchanged { get; init; }
    /// <summary>Enrolled iPads that get their person now.</summary>
    public required long HandedOut { get; init; }
    /// <summary>iPads that get their person when they enrol.</summary>
    public required long Waiting { get; init; }
    /// <summary>iPads that another person has. They keep that one.</summary>
    public required long Kept { get; init; }
    /// <summary>iPads that another person has. They come back from that one, and are handed out. To apply the list, say how many: <c>handedOver</c>.</summary>
    public required long HandedOver { get; init; }

    internal static DeviceImportCountsView Of(DeviceImportCounts counts) => new()
    {
        Added = counts.Added,
        Changed = counts.Changed,
        Unchanged = counts.Unchanged,
        HandedOut = counts.HandedOut,
        Waiting = counts.Waiting,
        Kept = counts.Kept,
        HandedOver = counts.HandedOver,
    };
}

/// <summary>An iPad of a list.</summary>
public sealed record DeviceImportChangeView
{
    public required string SerialNumber { get; init; }
    /// <summary>Null: it is not enrolled.</summary>
    public string? DeviceId { get; init; }
    /// <summary>Whom the file names.</summary>
    public string? PersonId { get; init; }
    public string? Person { get; init; }
    /// <summary>Who has it now.</summary>
    public string? HolderId { get; init; }
    public string? Holder { get; init; }

    internal static DeviceImportChangeView Of(DeviceImportChange change) => new()
    {
        SerialNumber = change.SerialNumber,
        DeviceId = change.DeviceId,
        PersonId = change.PersonId,
        Person = Name(change.GivenName, change.FamilyName),
        HolderId = change.HolderId,
        Holder = Name(change.HolderGivenName, change.HolderFamilyName),
    };

    private static string? Name(string? given, string? family) => family is null ? null : $"{given} {family}".Trim();
}
