namespace FleetMdm.Grains.Interfaces;

/// <summary>The identity certificate that the sender of a message proved to own.</summary>
/// <param name="Sha256">SHA-256 of the certificate's DER: what an enrolment is pinned to.</param>
/// <param name="NotAfter">When it expires.</param>
/// <param name="OnlyWherePinned">It may go on where it is pinned, and begins no enrolment: a certificate of a further CA outside of the
/// migration window, or not meant for clients.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.presented-certificate")]
public sealed record PresentedCertificate(
    [property: Id(0)] byte[] Sha256,
    [property: Id(1)] DateTimeOffset NotAfter,
    [property: Id(2)] bool OnlyWherePinned = false)
{
    /// <summary>SHA-256 of what was signed: the same when the very same message comes again. Null: nothing is remembered of such a message.</summary>
    [Id(3)] public byte[]? Signed { get; init; }
    /// <summary>The message was signed, and did not come by a connection of the iPad: whoever has recorded it can send it again.</summary>
    [Id(4)] public bool BySignature { get; init; }
    /// <summary>An administrator has brought the message, and vouches for the certificate: the iPad itself was not here.</summary>
    [Id(5)] public bool Vouched { get; init; }
}

/// <summary>What Authenticate tells of an iPad. Absent keys are null.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.authenticate")]
public sealed record AuthenticateMessage
{
    /// <summary>The topic of the push certificate, <c>com.apple.mgmt.…</c>.</summary>
    [Id(0)] public string? Topic { get; init; }
    /// <summary>Absent in a User Enrollment.</summary>
    [Id(1)] public string? Udid { get; init; }
    /// <summary>Present in a User Enrollment only.</summary>
    [Id(2)] public string? EnrollmentId { get; init; }
    [Id(3)] public string? SerialNumber { get; init; }
    [Id(4)] public string? ProductName { get; init; }
    [Id(5)] public string? Model { get; init; }
    [Id(6)] public string? ModelName { get; init; }
    [Id(7)] public string? DeviceName { get; init; }
    [Id(8)] public string? OsVersion { get; init; }
    [Id(9)] public string? BuildVersion { get; init; }
    [Id(10)] public string? Imei { get; init; }
    [Id(11)] public string? Meid { get; init; }
    /// <summary>From where it came, for people who decide about a claim.</summary>
    [Id(12)] public string? Address { get; init; }
}

/// <summary>What TokenUpdate brings. <see cref="UnlockToken"/> absent means: keep the one you have.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.token-update")]
public sealed record TokenUpdateMessage
{
    [Id(0)] public string? Topic { get; init; }
    [Id(1)] public required byte[] Token { get; init; }
    [Id(2)] public required string PushMagic { get; init; }
    [Id(3)] public byte[]? UnlockToken { get; init; }
    [Id(4)] public bool AwaitingConfiguration { get; init; }
    /// <summary>Shared iPad user channel only.</summary>
    [Id(5)] public string? UserShortName { get; init; }
    /// <summary>Shared iPad user channel only.</summary>
    [Id(6)] public string? UserLongName { get; init; }
}

/// <summary>A declarative management request.</summary>
/// <param name="Endpoint"><c>tokens</c>, <c>declaration-items</c>, <c>declaration/KIND/IDENTIFIER</c> or <c>status</c>.</param>
/// <param name="Data">The status report's JSON; null for the others.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.declarative-management")]
public sealed record DeclarativeManagementMessage(
    [property: Id(0)] string Endpoint,
    [property: Id(1)] byte[]? Data);

/// <summary>The Status of a command report.</summary>
public enum ReportStatus : byte
{
    /// <summary>No result: asks for the next command.</summary>
    Idle = 0,
    Acknowledged = 1,
    Error = 2,
    CommandFormatError = 3,
    /// <summary>Received, cannot run now; stays queued.</summary>
    NotNow = 4,
}

/// <summary>A command report, with the bytes that the iPad sent.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.command-report")]
public sealed record CommandReportMessage
{
    /// <summary>Shared, since most messages are Idle.</summary>
    public static readonly CommandReportMessage Idle = new() { Status = ReportStatus.Idle };

    [Id(0)] public required ReportStatus Status { get; init; }
    /// <summary>Null for Idle.</summary>
    [Id(1)] public string? CommandUuid { get; init; }
    /// <summary>The report's plist as it came; null for Idle, and null when <see cref="ResultHash"/> is set.</summary>
    [Id(2)] public byte[]? Result { get; init; }
    /// <summary>SHA-256 of a large report that is stored already as a body (see the store's StoreBody).</summary>
    [Id(3)] public byte[]? ResultHash { get; init; }
    /// <summary>Of the first item of the ErrorChain, for lists and logs; null when there is none.</summary>
    [Id(4)] public string? ErrorSummary { get; init; }
    /// <summary>What an answer to DeviceInformation says; null for other answers.</summary>
    [Id(5)] public DeviceFacts? Device { get; init; }
    /// <summary>Stands for the list in the report, as long as that is the same; null: there is none.</summary>
    [Id(6)] public Guid? InventoryDigest { get; init; }
}

/// <summary>What an iPad says of itself in an answer to DeviceInformation. Null: it was not asked for.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.device-facts")]
public sealed record DeviceFacts
{
    [Id(0)] public string? DeviceName { get; init; }
    [Id(1)] public string? SerialNumber { get; init; }
    [Id(2)] public string? ProductName { get; init; }
    [Id(3)] public string? Model { get; init; }
    [Id(4)] public string? ModelName { get; init; }
    [Id(5)] public string? OsVersion { get; init; }
    [Id(6)] public string? BuildVersion { get; init; }
    [Id(7)] public bool? IsSupervised { get; init; }
    /// <summary>0 to 1.</summary>
    [Id(8)] public double? BatteryLevel { get; init; }
    /// <summary>In GB.</summary>
    [Id(9)] public double? DeviceCapacity { get; init; }
    /// <summary>In GB.</summary>
    [Id(10)] public double? AvailableDeviceCapacity { get; init; }
    /// <summary>A Shared iPad.</summary>
    [Id(11)] public bool? IsShared { get; init; }
    /// <summary>In lost mode.</summary>
    [Id(12)] public bool? IsLost { get; init; }
}

/// <summary>Why a message of an iPad was refused. The API's table maps each to a status.</summary>
public enum DeviceRefusal : byte
{
    None = 0,
    /// <summary>The certificate is not pinned to this enrolment.</summary>
    NotPinned = 1,
    /// <summary>Authenticate with a certificate that is pinned to another iPad.</summary>
    PinnedElsewhere = 2,
    /// <summary>Removed by an administrator: the iPad is told to unenrol.</summary>
    Unrecognized = 3,
    /// <summary>UserAuthenticate: this server does not manage that user.</summary>
    WillNotManageUser = 4,
    /// <summary>GetToken for a service that this server does not have.</summary>
    UnknownTokenService = 5,
    /// <summary>A declaration that does not exist: the iPad removes its copy.</summary>
    DeclarationNotFound = 6,
    /// <summary>The message makes no sense here (an unknown declarative endpoint, a message of another channel).</summary>
    BadMessage = 7,
    /// <summary>Authenticate: this iPad is enrolled with another certificate. The claim is kept for a person to decide.</summary>
    Claimed = 8,
    /// <summary>Authenticate: the invitation of the certificate was withdrawn before any iPad used it.</summary>
    InvitationWithdrawn = 9,
    /// <summary>Authenticate: the invitation is for another iPad.</summary>
    InvitationForAnother = 10,
    /// <summary>Authenticate: a certificate of a further CA that enrols nothing now.</summary>
    OnlyWherePinned = 11,
    /// <summary>Authenticate: the certificate has expired.</summary>
    CertificateExpired = 12,
    /// <summary>Authenticate: the certificate was replaced or refused, and speaks for nobody.</summary>
    Superseded = 13,
    /// <summary>Authenticate: the id belongs to an enrolment of another kind.</summary>
    OtherKind = 14,
    /// <summary>TokenUpdate of a user: the iPad cannot be a Shared iPad.</summary>
    NotShared = 15,
    /// <summary>TokenUpdate of a user: the iPad has as many user channels as it may, and all were used today.</summary>
    TooManyUsers = 16,
    /// <summary>Authenticate: the certificate was issued to another iPad, which had proved who it is.</summary>
    ProvenAnother = 17,
    /// <summary>A status report that is larger than any may be.</summary>
    StatusTooLarge = 18,
}

/// <summary>What the body of a reply is.</summary>
public enum ReplyContent : byte
{
    Empty = 0,
    /// <summary>An XML property list: a command, or an answer to a check-in message.</summary>
    Plist = 1,
    Json = 2,
}

/// <summary>The answer to a message of an iPad: a refusal, or a body that may be empty.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.device-reply")]
public sealed record DeviceReply(
    [property: Id(0)] DeviceRefusal Refusal,
    [property: Id(1)] ReplyContent Content,
    [property: Id(2)] byte[]? Body)
{
    /// <summary>The command that is to be made and sent instead of a body, which is then null; null: there is none.</summary>
    [Id(3)] public RenewalOrder? Renewal { get; init; }

    /// <summary>The profile that is to be signed and sent instead of a body, which is then null; null: there is none.</summary>
    [Id(4)] public ProfileDelivery? Profile { get; init; }

    /// <summary>The erasure that is to be completed and sent instead of a body, which is then null; null: there is none.</summary>
    [Id(5)] public ReturnDelivery? Return { get; init; }

    /// <summary>200 with no body: accepted, or nothing to do.</summary>
    public static readonly DeviceReply Empty = new(DeviceRefusal.None, ReplyContent.Empty, null);

    public static DeviceReply Refused(DeviceRefusal refusal) => new(refusal, ReplyContent.Empty, null);

    public static DeviceReply Plist(byte[] body) => new(DeviceRefusal.None, ReplyContent.Plist, body);

    public static DeviceReply Json(byte[] body) => new(DeviceRefusal.None, ReplyContent.Json, body);
}

/// <summary>A profile of the library with the values of this iPad, as its grain hands it over: whoever answers the iPad signs it.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.profile-delivery")]
public sealed record ProfileDelivery([property: Id(0)] string CommandUuid, [property: Id(1)] byte[] Profile);

/// <summary>An iPad is to erase itself and to return: whoever answers it adds the enrolment profile, for this iPad alone.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.return-delivery")]
public sealed record ReturnDelivery
{
    /// <summary>Null: the iPad has asked for it, by the check-in message ReturnToService.</summary>
    [Id(0)] public string? CommandUuid { get; init; }
    /// <summary>The profile of the Wi-Fi, as the library keeps it.</summary>
    [Id(1)] public required byte[] Wifi { get; init; }
    /// <summary>With it the apps stay; null: everything goes.</summary>
    [Id(2)] public byte[]? BootstrapToken { get; init; }
    [Id(3)] public bool PreserveDataPlan { get; init; }
    /// <summary>By which it enrols.</summary>
    [Id(4)] public required string InvitationId { get; init; }
    [Id(5)] public required string Udid { get; init; }
    [Id(6)] public required string SerialNumber { get; init; }
    /// <summary>Until when it can enrol so.</summary>
    [Id(7)] public required DateTimeOffset Ends { get; init; }
    /// <summary>By this and the next two it is known whether the iPad can attest.</summary>
    [Id(8)] public string? ProductName { get; init; }
    [Id(9)] public string? OsVersion { get; init; }
    [Id(10)] public string? BuildVersion { get; init; }

    /// <summary>It holds secrets and says which iPad it is for: neither belongs in a log.</summary>
    public override string ToString() => nameof(ReturnDelivery);
}

/// <summary>The store or the cluster could not keep a promise now: nothing was promised, try again. Becomes 503.</summary>
[GenerateSerializer, Alias("fleetmdm.unavailable")]
public sealed class FleetUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
