using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.AppsAndBooks;

/// <summary>Why a location is not worked with. Stored as a number: never renumber.</summary>
public enum ContentProblem : short
{
    None = 0,
    /// <summary>Apple takes the token no more: another one was downloaded.</summary>
    TokenRevoked = 1,
    TokenExpired = 2,
    TokenInvalid = 3,
    /// <summary>Another server has claimed the location: nothing is written.</summary>
    ClaimedByAnother = 4,
    /// <summary>Apple wants fewer requests.</summary>
    Throttled = 5,
    /// <summary>Apple does not answer, or answers that it cannot.</summary>
    Unreachable = 6,
    /// <summary>Apple answers what nobody here understands.</summary>
    Unexpected = 7,
    /// <summary>Sealed under another master key.</summary>
    Unreadable = 8,
    /// <summary>Apple refuses the service to this account.</summary>
    AccessDenied = 9,
}

/// <summary>A location of Apps and Books.</summary>
public sealed record ContentLocation
{
    public required string Id { get; init; }
    /// <summary>Apple's id of it.</summary>
    public required string Uid { get; init; }
    public required string Name { get; init; }
    public string? Organization { get; init; }
    /// <summary>Two letters: whose App Store it is.</summary>
    public string? Country { get; init; }
    /// <summary>For <see cref="TokenPurpose"/>.</summary>
    public required byte[] SealedToken { get; init; }
    public required DateTimeOffset TokenExpiresAt { get; init; }
    public required DateTimeOffset TokenAt { get; init; }
    public required string TokenBy { get; init; }
    public int? WarnedDays { get; init; }
    /// <summary>Who manages it, as Apple says.</summary>
    public string? MdmId { get; init; }
    public string? MdmName { get; init; }
    /// <summary>When an administrator claimed it for this server; null: nothing is written at Apple.</summary>
    public DateTimeOffset? ClaimedAt { get; init; }
    public string? ClaimedBy { get; init; }
    /// <summary>For <see cref="NotifyPurpose"/>: what Apple sends with a notification.</summary>
    public byte[]? SealedNotify { get; init; }
    public DateTimeOffset? NotifiedAt { get; init; }
    /// <summary>One more with each write of its grain.</summary>
    public long Revision { get; init; }
    public DateTimeOffset? AssetsAt { get; init; }
    public string? SinceVersion { get; init; }
    public DateTimeOffset? LicencesAt { get; init; }
    public DateTimeOffset? NextAt { get; init; }
    public int Failures { get; init; }
    public ContentProblem Problem { get; init; }
    public string? ProblemDetail { get; init; }
    public DateTimeOffset? ProblemAt { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    /// <summary>Assignments of its apps have changed since they were looked at.</summary>
    public bool Touched { get; init; }

    /// <summary>As this server calls itself at Apple.</summary>
    public string OwnMdmId => OwnMdmIdOf(Id);

    /// <summary>This server may write: a person claimed it, and Apple still says so.</summary>
    public bool IsOurs => ClaimedAt is not null && MdmId == OwnMdmId;

    public static string OwnMdmIdOf(string id) => $"fleetmdm-{id}";

    public static string TokenPurpose(string id) => $"content-token/{id}";

    public static string NotifyPurpose(string id) => $"content-notify/{id}";

    /// <summary>Without its secrets.</summary>
    public override string ToString() => $"ContentLocation {{ Id = {Id}, Name = {Name} }}";
}

/// <summary>Where notifications of a location come in.</summary>
/// <param name="Hash">Of the secret part of the address.</param>
/// <param name="SealedSecret">For <see cref="ContentLocation.NotifyPurpose"/>: what Apple sends with them.</param>
public sealed record ContentPlace(string LocationId, string Uid, byte[] Hash, byte[] SealedSecret)
{
    /// <summary>Without its secrets.</summary>
    public override string ToString() => $"ContentPlace {{ LocationId = {LocationId} }}";
}

/// <param name="Apps">How many apps and books it owns.</param>
/// <param name="Short">Apps of which fewer are left than are wanted.</param>
/// <param name="Waiting">Licences that are asked for, or wanted.</param>
public sealed record ContentLocationRow(ContentLocation Location, long Apps, long Short, long Waiting);

/// <summary>What a location owns, with how Apple counts it.</summary>
public sealed record ContentAsset
{
    /// <summary>Its number in the App Store.</summary>
    public required string AdamId { get; init; }
    /// <summary>STDQ or PLUS.</summary>
    public required string Pricing { get; init; }
    public string ProductType { get; init; } = "App";
    public bool DeviceAssignable { get; init; }
    public bool Revocable { get; init; }
    public long Total { get; init; }
    public long Assigned { get; init; }
    public long Available { get; init; }
    public DateTimeOffset CountedAt { get; init; }
    /// <summary>As the App Store says; null: not known.</summary>
    public string? Name { get; init; }
    public string? BundleId { get; init; }
    /// <summary>When the App Store was asked.</summary>
    public DateTimeOffset? MetadataAt { get; init; }
}

/// <summary>For lists.</summary>
/// <param name="Wanted">Licences that this server wants and has not got.</param>
public sealed record ContentAssetRow(string LocationId, string Location, ContentAsset Asset, long Wanted)
{
    public long Missing => Math.Max(Wanted - Asset.Available, 0);
}

/// <summary>How a licence of an iPad stands. Stored as a number: never renumber.</summary>
public enum LicenceState : short
{
    /// <summary>An assignment wants it.</summary>
    Wanted = 1,
    /// <summary>Apple was asked, and works on it.</summary>
    Asked = 2,
    Held = 3,
    /// <summary>Nothing wants it any more.</summary>
    Leaving = 4,
    /// <summary>Apple was asked to take it back.</summary>
    Returning = 5,
}

/// <summary>Which licence an app needs.</summary>
/// <param name="Pricing">STDQ or PLUS.</param>
public sealed record AssignedLicence(string LocationId, string AdamId, string Pricing);

/// <summary>The licence of an iPad.</summary>
public sealed record ContentLicence
{
    public required string AdamId { get; init; }
    public required string Pricing { get; init; }
    public required string SerialNumber { get; init; }
    public required LicenceState State { get; init; }
    /// <summary>An assignment of this server wants it, or did.</summary>
    public bool Ours { get; init; }
    public bool Keep { get; init; }
    public string? EventId { get; init; }
    public DateTimeOffset? AskedAt { get; init; }
    public DateTimeOffset? NextAt { get; init; }
    public int Attempts { get; init; }
    public string? Reason { get; init; }
    public required DateTimeOffset ChangedAt { get; init; }
}

/// <summary>For lists.</summary>
/// <param name="DeviceId">The enrolled iPad with this serial number; null: none is.</param>
public sealed record ContentLicenceRow(string LocationId, ContentLicence Licence, string? Name, string? DeviceId, string? DeviceName);

/// <summary>A token that Apple was asked with.</summary>
/// <param name="Sealed">For the purpose of this id, and of the one that the location has already.</param>
/// <param name="Audit">Of the upload; which location it is about, is seen when it is written. Null: nobody asked.</param>
public sealed record ContentTokenUpload(Func<string, byte[]> Sealed, DateTimeOffset ExpiresAt, string? Organization, string By, ContentConfig Config, AuditRecord? Audit = null);

/// <summary>What Apple says of a location.</summary>
public sealed record ContentConfig(string Uid, string Name, string? Country, string? MdmId, string? MdmName, DateTimeOffset? TokenExpiresAt);

/// <summary>An open request at Apple.</summary>
/// <param name="Since">When it was made.</param>
public sealed record ContentEvent(string EventId, LicenceState State, DateTimeOffset Since);

/// <summary>What became of a licence.</summary>
/// <param name="Gone">It is not there any more; else <paramref name="State"/>.</param>
public sealed record LicenceAnswer(string AdamId, string Pricing, string SerialNumber, LicenceState State, bool Gone, DateTimeOffset? NextAt, string? Reason);

public enum ContentOutcome
{
    Written,
    NotFound,
    /// <summary>The one that is used ends later.</summary>
    OlderToken,
    TooMany,
    InUse,
}
