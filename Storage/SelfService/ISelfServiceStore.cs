using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Holdings;
using FleetMdm.Storage.People;

namespace FleetMdm.Storage.SelfService;

/// <summary>What a person sees and does for themselves. Each method takes the person first, and covers what is theirs: who has left or is forgotten has nothing.</summary>
public interface ISelfServiceStore
{
    /// <summary>What is kept of <see cref="SelfServiceAct"/>.</summary>
    static readonly TimeSpan ActsKnown = TimeSpan.FromDays(30);

    /// <summary>Null: forgotten, or has left.</summary>
    Task<PersonRow?> FindPerson(string personId);

    /// <summary>The iPads that the person has now, the newest first. Those of a loan that has ended are among them.</summary>
    Task<IReadOnlyList<OwnDevice>> ListDevices(string personId, int limit);

    /// <summary>Null: the person does not have this iPad, or the last day of the loan is over.</summary>
    Task<OwnDevice?> FindDevice(string personId, string deviceId, DateOnly today);

    /// <summary>The person wants to hand it back, or to keep it after all. The same once more changes nothing.</summary>
    /// <param name="personId">Who has it.</param>
    /// <param name="deviceId">Which.</param>
    /// <param name="today">The last day of the loan must not be over.</param>
    /// <param name="at">Null: not any more.</param>
    /// <param name="audit">Written with it.</param>
    /// <returns>False: the person does not have it.</returns>
    Task<bool> AskReturn(string personId, string deviceId, DateOnly today, DateTimeOffset? at, AuditRecord? audit);

    /// <summary>To be asked before it is done: it counts, whatever becomes of it.</summary>
    /// <param name="act">The same once more counts once.</param>
    /// <param name="most">So many since then.</param>
    /// <param name="since">From when on they count.</param>
    /// <returns>False: there were as many as there may be, or the person has left.</returns>
    Task<bool> Take(SelfServiceAct act, int most, DateTimeOffset since);

    /// <summary>The newest of these kinds with this iPad, whoever did it; null: none is known.</summary>
    Task<SelfServiceAct?> Newest(string deviceId, SelfServiceActKind kind);
}

/// <param name="Device">As it stands.</param>
/// <param name="Holding">Since when it is theirs, and until when.</param>
public sealed record OwnDevice(DeviceRow Device, Holding Holding);

/// <summary>Stored as a number: never renumber.</summary>
public enum SelfServiceActKind : short
{
    Invitation = 1,
    Report = 2,
    LostModeBegun = 3,
    LostModeEnded = 4,
    Located = 5,
    PasscodeCleared = 6,
    AskedWhoIsHere = 7,
    ClassLocked = 8,
    AttentionAsked = 9,
}

/// <summary>Something that a person did for themselves, or for a pupil.</summary>
/// <param name="Id">The same request once more has the same.</param>
/// <param name="DeviceId">With which iPad; null: with none.</param>
public sealed record SelfServiceAct(string Id, string PersonId, SelfServiceActKind Kind, string? DeviceId, DateTimeOffset At);
