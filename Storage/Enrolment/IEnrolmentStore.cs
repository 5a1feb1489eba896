using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Enrolment;

/// <summary>Who may enrol (invitations), and which identity certificates our CA issued to them.</summary>
public interface IEnrolmentStore
{
    /// <summary>Idempotent by id: false when one with this id stands already (and is left as it is).</summary>
    /// <param name="audit">Written in the same transaction, if the invitation is new.</param>
    Task<bool> CreateInvitation(Invitation invitation, AuditRecord? audit = null);

    /// <summary>For an iPad that enrols: whoever knows the id.</summary>
    Task<Invitation?> FindInvitation(string id);

    /// <summary>For a person.</summary>
    Task<Invitation?> FindInvitation(Scope scope, string id);

    Task<Invitation?> FindInvitation(Scope scope, long number);

    /// <summary>Newest first, before the given number of the page before.</summary>
    Task<IReadOnlyList<Invitation>> ListInvitations(Scope scope, long? before, int limit);

    /// <summary>False when there is none. A revoked invitation gives no profile and no certificate, and a certificate of it that no iPad has
    /// used yet enrols none.</summary>
    /// <param name="id">Which one.</param>
    /// <param name="at">When.</param>
    /// <param name="withdrawCertificates">The certificates that iPads have are not renewed any more, and begin no enrolment again.</param>
    /// <param name="audit">Written in the same transaction, when something changes.</param>
    Task<bool> RevokeInvitation(string id, DateTimeOffset at, bool withdrawCertificates = false, AuditRecord? audit = null);

    /// <summary>
    /// Uses a one-time challenge: stores the certificate and counts one use of its invitation, in one transaction, group
    /// committed. A challenge that was used before with the same public key gives back the certificate issued then.
    /// </summary>
    Task<IssueResult> Issue(IssueRequest request);

    /// <summary>Stores a certificate that renews the newest pin of a living enrolment. Each certificate has one live successor: the same key
    /// gets the same certificate, another key takes the place of a successor that was not used yet.</summary>
    Task<RenewalResult> Renew(RenewalRequest request);

    /// <summary>An identity certificate of ours, DER, by its SHA-256; null: none was issued.</summary>
    Task<byte[]?> FindIssued(byte[] sha256);

    /// <summary>Takes a signed answer of an iPad, once. False: one with this hash was taken before.</summary>
    /// <param name="hash">32 bytes: of the answer's challenge and of the step that it is for.</param>
    /// <param name="expiresAt">When the challenge ends, and with it the need to remember it.</param>
    Task<bool> Spend(byte[] hash, DateTimeOffset expiresAt);

    /// <summary>Forgets answers whose challenge has ended. At most <paramref name="limit"/>.</summary>
    Task<int> ForgetSpent(DateTimeOffset before, int limit);
}

public sealed record Invitation
{
    /// <summary>Unguessable, URL-safe: whoever knows it can enrol while the invitation is open.</summary>
    public required string Id { get; init; }
    /// <summary>Its name for those who may not know the id; given by the store, filled when read.</summary>
    public long Number { get; init; }
    public string? Name { get; init; }
    public string? School { get; init; }
    /// <summary>How many iPads may enrol by it; null: any number. A certificate takes a place when it is issued; when its iPad had a place
    /// already, that one is given back at Authenticate.</summary>
    public int? MaxUses { get; init; }
    public int Uses { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }
    public required string CreatedBy { get; init; }
    /// <summary>Whoever comes by it may take over an enrolment that lives.</summary>
    public bool AllowReenrolment { get; init; }
    /// <summary>Serial numbers and UDIDs of the only iPads that may enrol by it; null: any.</summary>
    public IReadOnlyList<string>? OnlyFor { get; init; }
    public DateTimeOffset? CertificatesWithdrawnAt { get; init; }
    /// <summary>What the server may do on the iPads that come by it, as a sum of Apple's numbers; null: everything.</summary>
    public int? AccessRights { get; init; }
    /// <summary>Who has made it for an iPad in their own hands, which is theirs from then on; null: it is an administrator's.</summary>
    public string? PersonId { get; init; }
    /// <summary>Whoever made it has rights for some schools only: it takes no iPad over that is another school's.</summary>
    public bool OfSchools { get; init; }

    /// <summary>Whether it lets iPads in at this moment, and if not, why.</summary>
    public InvitationState StateAt(DateTimeOffset now) =>
        RevokedAt is not null ? InvitationState.Revoked
        : ExpiresAt <= now ? InvitationState.Expired
        : Uses >= MaxUses ? InvitationState.UsedUp
        : InvitationState.Open;
}

public enum InvitationState
{
    Open,
    Revoked,
    Expired,
    UsedUp,
}

public sealed record IssueRequest
{
    /// <summary>SHA-256 of the one-time challenge.</summary>
    public required byte[] ChallengeHash { get; init; }
    /// <summary>SHA-256 of the SubjectPublicKeyInfo that the certificate is for.</summary>
    public required byte[] PublicKeyHash { get; init; }
    public required IssuedCertificate Certificate { get; init; }
    public required DateTimeOffset At { get; init; }
}

public enum IssueOutcome
{
    Issued,
    /// <summary>A repetition: <see cref="IssueResult.Certificate"/> is the one issued before.</summary>
    IssuedBefore,
    /// <summary>The challenge was used with another key.</summary>
    ChallengeUsed,
    /// <summary>The invitation is unknown, revoked, expired or used up.</summary>
    InvitationClosed,
}

public sealed record IssueResult(IssueOutcome Outcome, IssuedCertificate? Certificate);

/// <summary>An identity certificate of our CA.</summary>
public sealed record IssuedCertificate
{
    /// <summary>SHA-256 of <see cref="Der"/>.</summary>
    public required byte[] Sha256 { get; init; }
    public required byte[] Der { get; init; }
    public string? InvitationId { get; init; }
    /// <summary>Of the invitation; filled when read.</summary>
    public string? School { get; init; }
    /// <summary>SHA-256 of the certificate that this one renews.</summary>
    public byte[]? Renews { get; init; }
    public required DateTimeOffset IssuedAt { get; init; }
    public required DateTimeOffset NotAfter { get; init; }
    /// <summary>Host, and port unless it is 443, of the URLs in the profile by which it was asked for: what its iPad is enrolled with. Null: issued
    /// before this was kept, or not told.</summary>
    public string? Authority { get; init; }
    /// <summary>SHA-256 of the CA that issued it; written, not read here. Null: the first CA of the installation.</summary>
    public byte[]? Issuer { get; init; }
    /// <summary>The iPad that it was issued to, which proved who it is; written when it is issued, read as <see cref="CertificateStanding.Proven"/>.</summary>
    public ProvenIPad? Proven { get; init; }
}
