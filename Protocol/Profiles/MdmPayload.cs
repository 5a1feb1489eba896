using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>What the server may do (<c>AccessRights</c>).</summary>
[Flags]
public enum MdmAccessRights
{
    InspectProfiles = 1,
    ChangeProfiles = 2,
    LockAndPasscode = 4,
    Erase = 8,
    DeviceInformation = 16,
    NetworkInformation = 32,
    InspectProvisioningProfiles = 64,
    ChangeProvisioningProfiles = 128,
    InspectApps = 256,
    RestrictionQueries = 512,
    SecurityQueries = 1024,
    Settings = 2048,
    ManageApps = 4096,
    All = 8191,
}

/// <summary>Account-driven enrolments say which they are (iOS 15).</summary>
public enum MdmEnrollmentMode
{
    /// <summary>The iPad belongs to its user.</summary>
    Byod,
    /// <summary>Account-driven device enrolment.</summary>
    Adde,
}

/// <summary>
/// The payload that puts an iPad under management (developer.apple.com/documentation/devicemanagement/mdm). Topic and URLs
/// must never change while it is enrolled: a profile that changes them is refused by the iPad.
/// </summary>
public sealed record MdmPayload : Payload
{
    /// <summary>The iPad keeps one connection for each user of a Shared iPad.</summary>
    public const string PerUserConnections = "com.apple.mdm.per-user-connections";
    /// <summary>The iPad escrows its bootstrap token (iOS 26).</summary>
    public const string BootstrapToken = "com.apple.mdm.bootstraptoken";
    /// <summary>The iPad may ask for tokens (iOS 17).</summary>
    public const string GetToken = "com.apple.mdm.token";

    private const string TopicPrefix = "com.apple.mgmt.";

    public override string Type => "com.apple.mdm";

    /// <summary>Of the SCEP, ACME or PKCS #12 payload in the same profile.</summary>
    public required Guid IdentityCertificateUuid { get; init; }

    /// <summary>Of the push certificate.</summary>
    public required string Topic { get; init; }

    public required Uri ServerUrl { get; init; }

    /// <summary>Null: the same as <see cref="ServerUrl"/>.</summary>
    public Uri? CheckInUrl { get; init; }

    /// <summary>Null only with <see cref="MdmEnrollmentMode.Byod"/>, which must not have any.</summary>
    public MdmAccessRights? AccessRights { get; init; }

    /// <summary>Each message carries the Mdm-Signature header.</summary>
    public bool SignMessage { get; init; }

    public bool CheckOutWhenRemoved { get; init; }

    /// <summary>Only for certificates that were not made by Apple's push certificate portal.</summary>
    public bool UseDevelopmentApns { get; init; }

    public IReadOnlyList<string> ServerCapabilities { get; init; } = [];

    /// <summary>Of certificate payloads in the same profile; empty: the iPad's usual trust.</summary>
    public IReadOnlyList<Guid> ServerUrlPinningCertificateUuids { get; init; } = [];

    /// <inheritdoc cref="ServerUrlPinningCertificateUuids"/>
    public IReadOnlyList<Guid> CheckInUrlPinningCertificateUuids { get; init; } = [];

    /// <summary>Pinned connections fail unless the certificate is proved not to be revoked.</summary>
    public bool PinningRevocationCheckRequired { get; init; }

    public string? AssignedManagedAppleId { get; init; }

    public MdmEnrollmentMode? EnrollmentMode { get; init; }

    /// <summary>iTunes Store id of the app that installs without asking (account-driven enrolment).</summary>
    public long? RequiredAppIdForMdm { get; init; }

    /// <exception cref="InvalidOperationException">A rule of Apple's is broken; an iPad would cancel its enrolment.</exception>
    protected override void Fill(PlistDictionary payload)
    {
        if (FindFault() is { } fault)
            throw new InvalidOperationException(fault);
        payload["IdentityCertificateUUID"] = Format(IdentityCertificateUuid);
        payload["Topic"] = Topic;
        payload["ServerURL"] = ServerUrl.AbsoluteUri;
        if (CheckInUrl is not null)
            payload["CheckInURL"] = CheckInUrl.AbsoluteUri;
        if (AccessRights is { } rights)
            payload["AccessRights"] = (int)rights;
        payload["SignMessage"] = SignMessage;
        payload["CheckOutWhenRemoved"] = CheckOutWhenRemoved;
        if (UseDevelopmentApns)
            payload["UseDevelopmentAPNS"] = true;
        if (ServerCapabilities.Count > 0)
            payload["ServerCapabilities"] = PlistArray.OfStrings(ServerCapabilities);
        if (ServerUrlPinningCertificateUuids.Count > 0)
            payload["ServerURLPinningCertificateUUIDs"] = PlistArray.OfStrings(ServerUrlPinningCertificateUuids.Select(Format));
        if (CheckInUrlPinningCertificateUuids.Count > 0)
            payload["CheckInURLPinningCertificateUUIDs"] = PlistArray.OfStrings(CheckInUrlPinningCertificateUuids.Select(Format));
        if (PinningRevocationCheckRequired)
            payload["PinningRevocationCheckRequired"] = true;
        if (AssignedManagedAppleId is not null)
            payload["AssignedManagedAppleID"] = AssignedManagedAppleId;
        if (EnrollmentMode is { } mode)
            payload["EnrollmentMode"] = mode == MdmEnrollmentMode.Byod ? "BYOD" : "ADDE";
        if (RequiredAppIdForMdm is { } app)
            payload["RequiredAppIDForMDM"] = app;
    }

    private string? FindFault()
    {
        if (!Topic.StartsWith(TopicPrefix, StringComparison.Ordinal))
            return $"The topic must begin with {TopicPrefix}, but is \"{Topic}\".";
        if (ServerUrl.Scheme != Uri.UriSchemeHttps || CheckInUrl is not null && CheckInUrl.Scheme != Uri.UriSchemeHttps)
            return "ServerURL and CheckInURL must be https.";
        if (EnrollmentMode == MdmEnrollmentMode.Byod)
            return AccessRights is null ? null : "An enrolment of kind BYOD must not have access rights.";
        if (AccessRights is not { } rights || rights == 0)
            return "An enrolment needs access rights.";
        if (rights.HasFlag(MdmAccessRights.ChangeProfiles) && !rights.HasFlag(MdmAccessRights.InspectProfiles))
            return "Whoever may change profiles must be allowed to inspect them.";
        if (rights.HasFlag(MdmAccessRights.ChangeProvisioningProfiles) && !rights.HasFlag(MdmAccessRights.InspectProvisioningProfiles))
            return "Whoever may change provisioning profiles must be allowed to inspect them.";
        return null;
    }
}
