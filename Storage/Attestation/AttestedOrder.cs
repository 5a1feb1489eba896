namespace FleetMdm.Storage.Attestation;

/// <summary>How an order of ACME stands.</summary>
public enum AttestedOrderState
{
    /// <summary>The iPad has not attested yet.</summary>
    Pending = 0,
    /// <summary>It has, and may ask for its certificate.</summary>
    Ready = 1,
    /// <summary>It has got one.</summary>
    Valid = 2,
    /// <summary>Its attestation was refused.</summary>
    Invalid = 3,
}

/// <summary>What an attestation proved.</summary>
public sealed record AttestedProperties
{
    public required string Udid { get; init; }
    public required string SerialNumber { get; init; }
    public string? OsVersion { get; init; }
    public string? SepOsVersion { get; init; }
    public string? SoftwareUpdateDeviceId { get; init; }
    public required DateTimeOffset ProvedAt { get; init; }
}

/// <summary>An order of ACME: an iPad on its way to an identity certificate.</summary>
public sealed record AttestedOrder
{
    /// <summary>Unguessable.</summary>
    public required string Id { get; init; }
    /// <summary>SHA-256 of the client identifier.</summary>
    public required byte[] ChallengeHash { get; init; }
    /// <summary>The client identifier, sealed.</summary>
    public required byte[] SealedIdentifier { get; init; }
    /// <summary>SHA-256 of the account's key.</summary>
    public required byte[] Account { get; init; }
    /// <summary>Whose use it counts as; null: it renews.</summary>
    public string? InvitationId { get; init; }
    /// <summary>SHA-256 of the certificate that it renews; null: it enrols.</summary>
    public byte[]? Renews { get; init; }
    public string? Authority { get; init; }
    /// <summary>The only iPad that it is for; null: for the one that attests.</summary>
    public string? Udid { get; init; }
    public string? SerialNumber { get; init; }
    /// <summary>Of its challenge: what the attestation has to be made for.</summary>
    public required string Token { get; init; }
    public AttestedOrderState State { get; init; }
    /// <summary>Why it is invalid.</summary>
    public string? Problem { get; init; }
    /// <summary>SHA-256 of the key that was attested.</summary>
    public byte[]? KeyHash { get; init; }
    public AttestedProperties? Attested { get; init; }
    /// <summary>The leaf of the attestation, DER.</summary>
    public byte[]? Leaf { get; init; }
    /// <summary>SHA-256 of what was issued.</summary>
    public byte[]? Certificate { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Without token, for a log.</summary>
    public override string ToString() => $"AttestedOrder {{ State = {State} }}";
}

/// <summary>An iPad that was given a profile with ACME.</summary>
/// <param name="Tries">How many profiles, since it last got a certificate.</param>
/// <param name="LastAt">When the last one.</param>
/// <param name="Refused">Why its attestation was refused; null: none came.</param>
public sealed record AttestationTry(int Tries, DateTimeOffset LastAt, string? Refused);

/// <summary>What a renewal with an attestation is decided by.</summary>
/// <param name="IsAttested">The certificate that is to be renewed was issued with one.</param>
/// <param name="Failures">How often this renewal has failed.</param>
public sealed record RenewingIPad(string? Udid, string? SerialNumber, string? ProductName, string? OsVersion, bool IsAttested, int Failures);

/// <summary>An administrator's question for an attestation.</summary>
public sealed record AttestationQuestion(string DeviceId, string CommandUuid, byte[] Nonce, DateTimeOffset AskedAt, string AskedBy);
