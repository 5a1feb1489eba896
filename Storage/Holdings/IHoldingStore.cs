using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Holdings;

/// <summary>Who has which iPad, now and before. What the rights cover: iPads at a school of the scope.</summary>
public interface IHoldingStore
{
    /// <summary>Loans by their last day; everything else the newest first.</summary>
    /// <param name="scope">What the reader's rights cover.</param>
    /// <param name="filter">All parts that are set must hold.</param>
    /// <param name="after">The id of the last of the page before; one that is not known ends the list.</param>
    /// <param name="limit">At most so many.</param>
    Task<IReadOnlyList<HoldingRow>> List(Scope scope, HoldingFilter filter, string? after, int limit);

    /// <summary>Who has these iPads now, by the id of the iPad.</summary>
    Task<IReadOnlyDictionary<string, HoldingRow>> Current(Scope scope, IReadOnlyList<string> deviceIds);

    /// <summary>How many loans end before this day.</summary>
    Task<long> CountOverdue(Scope scope, DateOnly today);

    /// <summary>How many iPads their holders want to hand back.</summary>
    Task<long> CountReturnAsked(Scope scope);

    /// <summary>The iPads with this serial number or asset tag: three at most.</summary>
    Task<IReadOnlyList<string>> FindDevices(Scope scope, string serialOrTag);

    /// <summary>Gives an iPad to a person. The same once more changes nothing; another last day changes that alone.</summary>
    Task<HandOutResult> HandOut(Scope scope, HandOut handOut);

    /// <summary>False: nobody has it.</summary>
    Task<bool> Return(Scope scope, string deviceId, DateTimeOffset at, string by, AuditRecord? audit);

    /// <summary>An iPad enrolled: it is handed out to whom its placeholder names, once. Nobody who has it loses it.</summary>
    Task HandOutWaiting(string serialNumber, Holding holding, AuditRecord? audit);

    /// <summary>An iPad enrolled by an invitation that a person has made for an iPad in their own hands: it is theirs. Nobody who has it loses it.</summary>
    /// <param name="holding">To begin.</param>
    /// <param name="since">When the invitation was made: who has had the iPad since then does not get it once more.</param>
    /// <param name="audit">Written with it.</param>
    Task HandOutInvited(Holding holding, DateTimeOffset since, AuditRecord? audit);

    /// <summary>What profiles may say of the person who has an iPad; null: nobody has it, or the person is forgotten.</summary>
    Task<People.Person?> PersonOf(string deviceId);
}

public sealed record Holding
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    public required string DeviceId { get; init; }
    public required string PersonId { get; init; }
    /// <summary>The last day of a loan; null: for good.</summary>
    public DateOnly? DueOn { get; init; }
    public required DateTimeOffset GivenAt { get; init; }
    public required string GivenBy { get; init; }
    /// <summary>Null: the person has it now.</summary>
    public DateTimeOffset? ReturnedAt { get; init; }
    public string? ReturnedBy { get; init; }
    /// <summary>Since when the person wants to hand it back; null: nobody said so. Written by <see cref="SelfService.ISelfServiceStore"/>.</summary>
    public DateTimeOffset? ReturnAskedAt { get; init; }
}

/// <param name="Holding">As it stands.</param>
/// <param name="GivenName">Of the person; null: forgotten.</param>
/// <param name="FamilyName">Likewise.</param>
/// <param name="PersonLeft">The person has left.</param>
/// <param name="DeviceName">Of the iPad.</param>
/// <param name="SerialNumber">Of the iPad.</param>
public sealed record HoldingRow(Holding Holding, string? GivenName, string? FamilyName, bool PersonLeft, string? DeviceName, string? SerialNumber);

public sealed record HoldingFilter
{
    public string? DeviceId { get; init; }
    public string? PersonId { get; init; }
    /// <summary>Only those that are not returned.</summary>
    public bool Current { get; init; }
    /// <summary>Only those whose person wants to hand them back.</summary>
    public bool ReturnAsked { get; init; }
    /// <summary>Only loans that are not returned, by their last day.</summary>
    public bool Loans { get; init; }
    /// <summary>Only loans that end before this day.</summary>
    public DateOnly? DueBefore { get; init; }
    /// <summary>Only iPads of this school, by its id.</summary>
    public string? SchoolId { get; init; }
}

/// <summary>An iPad that is given to a person.</summary>
public sealed record HandOut
{
    public required Holding Holding { get; init; }
    /// <summary>Whoever has it now returns it in the same transaction.</summary>
    public bool ReturnFirst { get; init; }
    public AuditRecord? Audit { get; init; }
    /// <summary>For who returns it; its subject is filled in.</summary>
    public AuditRecord? AuditOfReturn { get; init; }
}

/// <param name="Outcome">What became of it.</param>
/// <param name="By">Who has the iPad, when it was refused for that.</param>
public sealed record HandOutResult(HandOutOutcome Outcome, HoldingRow? By = null);

public enum HandOutOutcome
{
    Written,
    /// <summary>The rights cover no such iPad, or it is a user of a Shared iPad.</summary>
    NoDevice,
    /// <summary>The rights cover no such person.</summary>
    NoPerson,
    PersonLeft,
    /// <summary>Another person has it.</summary>
    Taken,
}
