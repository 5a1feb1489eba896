using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Enrolment;

/// <summary>Who else says that it is an iPad which is enrolled already, and for which iPads a person has allowed it.</summary>
public interface IReenrolmentStore
{
    /// <summary>How many undecided claims are kept at most. Whoever has certificates to claim more ids than that is refused all the same;
    /// it is only not written down.</summary>
    const int MostOpenClaims = 10_000;

    /// <summary>How many undecided claims on one id are kept beside the newest one.</summary>
    const int MostEarlierClaims = 32;

    /// <summary>Keeps a claim: from now on it is the newest one on its id. What a person has allowed stays allowed, and can be used until it ends; what is
    /// undecided can still be decided about by its claim id.</summary>
    /// <returns>False: not kept, as the certificate claims another id already, or as too many are open.</returns>
    /// <param name="claim">Who says that it is which iPad.</param>
    /// <param name="audit">Written in the same transaction, when this certificate claims for the first time.</param>
    Task<bool> Keep(Claim claim, AuditRecord? audit = null);

    /// <summary>The newest undecided claim; where all are decided, the newest one.</summary>
    Task<Claim?> FindClaim(string deviceId);

    /// <summary>That one, then the earlier ones that are undecided, allowed or refused.</summary>
    Task<IReadOnlyList<Claim>> FindClaims(string deviceId);

    /// <summary>Undecided ones, the newest of each id, the newest first, before the given one.</summary>
    Task<IReadOnlyList<Claim>> ListOpenClaims(Scope scope, string? before, int limit);

    /// <summary>How many ids have undecided claims.</summary>
    Task<long> CountOpenClaims(Scope scope);

    /// <summary>Decides a claim, once; also one that is not the newest by now. A refused certificate belongs to the claimed id from then on, and speaks for nobody. An allowed one
    /// gets its place in the invitation back, so that the iPad may fetch its profile again.</summary>
    /// <returns>That claim as it stands now; null when there is none with this claim id.</returns>
    Task<Claim?> Decide(string deviceId, Guid claimId, ClaimDecision decision, DateTimeOffset at, string by, DateTimeOffset? allowedUntil);

    /// <summary>Drops claims whose last attempt is older. At most <paramref name="limit"/>.</summary>
    Task<int> DropClaims(DateTimeOffset before, int limit);

    /// <summary>Lets another certificate take over each of these enrolments until then, once.</summary>
    /// <returns>How many enrolments it is for.</returns>
    Task<long> Allow(Scope scope, IReadOnlyList<string> deviceIds, DateTimeOffset at, DateTimeOffset until);

    /// <summary>The same for all that the filter describes.</summary>
    Task<long> Allow(Scope scope, DeviceFilter filter, DateTimeOffset at, DateTimeOffset until);

    /// <summary>Forgets escrowed tokens of enrolments that ended before the given time. At most <paramref name="limit"/> of them.</summary>
    Task<int> ForgetEscrow(DateTimeOffset endedBefore, int limit);
}

/// <summary>Another certificate said that it is an iPad which is enrolled already.</summary>
public sealed record Claim
{
    /// <summary>The claimed enrolment.</summary>
    public required string DeviceId { get; init; }
    /// <summary>Names this very claim: who decides has seen it.</summary>
    public required Guid ClaimId { get; init; }
    /// <summary>SHA-256 of the certificate that claims.</summary>
    public required byte[] Sha256 { get; init; }
    public string? InvitationId { get; init; }
    /// <summary>What the claimant says of itself.</summary>
    public string? SerialNumber { get; init; }
    public string? ProductName { get; init; }
    public string? DeviceName { get; init; }
    public string? Address { get; init; }
    public required DateTimeOffset FirstAt { get; init; }
    public required DateTimeOffset LastAt { get; init; }
    public long Attempts { get; init; } = 1;
    public ClaimDecision Decision { get; init; }
    public DateTimeOffset? DecidedAt { get; init; }
    public string? DecidedBy { get; init; }
    public DateTimeOffset? AllowedUntil { get; init; }
}

/// <summary>Stored as a number: never renumber.</summary>
public enum ClaimDecision : short
{
    Open = 0,
    Allowed = 1,
    Refused = 2,
}
