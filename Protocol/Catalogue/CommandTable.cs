using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>
/// The commands that can be written as JSON, as data: a new one is a new entry. Keys, types and the word destructive are those
/// of <see href="https://developer.apple.com/documentation/devicemanagement/commands-and-queries">Apple's command pages</see> for
/// iOS; keys of macOS only are left out, so that naming one is an error and not silence.
/// </summary>
internal static class CommandTable
{
    /// <summary>Apple has no limit on a message; the lock screen shows a few lines.</summary>
    private const int LongestMessage = 1024;

    private const int LongestPhoneNumber = 64;

    /// <summary>More than there are queries, items or managed apps on an iPad.</summary>
    private const int LongestList = 1000;

    /// <summary>The freshness code of an attestation has 32 bytes.</summary>
    private const int LongestNonce = 32;

    /// <summary>All of an iPad that does not change by asking: without the push token, which is nobody's business, the attestation,
    /// which Apple rations, and the single-line cellular queries, which ServiceSubscriptions replaced in iOS 16. What an
    /// iPad does not have it leaves out of its answer.</summary>
    private static readonly PlistArray FullDeviceInformation = PlistArray.OfStrings(
    [
        "UDID", "SerialNumber", "DeviceName", "OSVersion", "BuildVersion", "SupplementalOSVersionExtra", "SupplementalBuildVersion",
        "ProductName", "ModelName", "Model", "ModelNumber", "SoftwareUpdateDeviceID", "DeviceCapacity", "AvailableDeviceCapacity",
        "BatteryLevel", "TimeZone", "IsSupervised", "IsMultiUser", "AwaitingConfiguration", "MDMOptions", "OrganizationInfo",
        "IsActivationLockEnabled", "IsDeviceLocatorServiceEnabled", "IsMDMLostModeEnabled", "IsDoNotDisturbInEffect",
        "IsCloudBackupEnabled", "LastCloudBackupDate", "EASDeviceIdentifier", "iTunesStoreAccountIsActive",
        "WiFiMAC", "BluetoothMAC", "ModemFirmwareVersion", "CellularTechnology", "ServiceSubscriptions",
        "DataRoamingEnabled", "PersonalHotspotEnabled", "IsNetworkTethered", "DiagnosticSubmissionEnabled", "AppAnalyticsEnabled",
        "AccessibilitySettings", "EstimatedResidentUsers", "ResidentUsers", "QuotaSize", "UserSessionTimeout", "TemporarySessionTimeout",
        "TemporarySessionOnly", "ManagedAppleIDDefaultDomains", "OnlineAuthenticationGracePeriod", "SkipLanguageAndLocaleSetupForNewUsers",
    ]);

    /// <summary>A configuration profile, checked as iPads do.</summary>
    public static readonly DataShape Profile = new(ProfileCheck.LongestProfile, static bytes => ProfileCheck.Accept(bytes));

    public static readonly IReadOnlyList<CommandShape> Commands =
    [
        new("ClearPasscode", Destructive: true),
        new("DeviceInformation", Destructive: false,
            new("Queries", Names(), Default: FullDeviceInformation),
            new("DeviceAttestationNonce", new DataShape(LongestNonce))),
        new("DeviceLock", Destructive: false,
            new("Message", new TextShape(LongestMessage)),
            new("PhoneNumber", new TextShape(LongestPhoneNumber))),
        new("EraseDevice", Destructive: true,
            new("PreserveDataPlan", new BooleanShape()),
            new("DisallowProximitySetup", new BooleanShape()),
            new("ReturnToService", new ObjectShape(
                new("Enabled", new BooleanShape(), Required: true),
                new("WiFiProfileData", Profile),
                new("MDMProfileData", new DataShape(ProfileCheck.LongestProfile, static bytes => ProfileCheck.Accept(bytes, mayEnrol: true)))))),
        new("InstalledApplicationList", Destructive: false,
            new("Identifiers", Names()),
            new("ManagedAppsOnly", new BooleanShape()),
            new("Items", Names())),
        new("InstallProfile", Destructive: false,
            new FieldShape("Payload", Profile, Required: true)),
        new("ProfileList", Destructive: false,
            new FieldShape("ManagedOnly", new BooleanShape())),
        new("RemoveProfile", Destructive: true,
            new FieldShape("Identifier", new NameShape(), Required: true)),
        new("RestartDevice", Destructive: false),
        new("SecurityInfo", Destructive: false),
    ];

    /// <summary>What Apple documents for iPads beside <see cref="Commands"/>; these are sent as property lists.
    /// <see href="https://github.com/apple/device-management/tree/release/mdm/commands"/></summary>
    private static readonly HashSet<string> OtherCommands = new(StringComparer.Ordinal)
    {
        "ActivationLockBypassCode", "ApplyRedemptionCode", "AvailableOSUpdates", "CancelEnhancedLogCollection", "CertificateList",
        "ClearActivationLockBypassCode", "ClearRestrictionsPassword", "DeclarativeManagement", "DeleteUser", "DeviceConfigured", "DeviceLocation",
        "DisableLostMode", "EnableLostMode", "InstallApplication", "InstallMedia", "InstallProvisioningProfile", "InviteToProgram", "LogOutUser",
        "ManagedApplicationAttributes", "ManagedApplicationConfiguration", "ManagedApplicationFeedback", "ManagedApplicationList", "ManagedMediaList",
        "OSUpdateStatus", "PlayLostModeSound", "ProvisioningProfileList", "RefreshCellularPlans", "RemoveApplication", "RemoveMedia",
        "RemoveProvisioningProfile", "RequestMirroring", "RequestUnlockToken", "Restrictions", "ScheduleOSUpdate", "Settings", "ShutDownDevice",
        "StopMirroring", "TriggerEnhancedLogCollection", "UserConfigured", "UserList", "ValidateApplications",
    };

    /// <summary>Apple documents it for iPads.</summary>
    public static bool IsKnown(string requestType) => OtherCommands.Contains(requestType) || Find(requestType) is not null;

    /// <summary>The one that differs in case only, or in the letter that is missing or wrong; null: none.</summary>
    public static string? Nearest(string requestType) =>
        OtherCommands.Concat(Commands.Select(command => command.RequestType)).Order(StringComparer.Ordinal)
            .FirstOrDefault(known => Differs(known.ToUpperInvariant(), requestType.ToUpperInvariant()) <= 1);

    /// <summary>0: alike; 1: by one letter; 2: by more.</summary>
    private static int Differs(string one, string other)
    {
        if (one == other)
            return 0;
        if (Math.Abs(one.Length - other.Length) > 1)
            return 2;
        var same = one.AsSpan().CommonPrefixLength(other.AsSpan());
        ReadOnlySpan<char> restOne = one.AsSpan(same), restOther = other.AsSpan(same);
        return restOne[Math.Min(1, restOne.Length)..].SequenceEqual(restOther[Math.Min(1, restOther.Length)..])
            || restOne.SequenceEqual(restOther[Math.Min(1, restOther.Length)..])
            || restOne[Math.Min(1, restOne.Length)..].SequenceEqual(restOther) ? 1 : 2;
    }

    /// <summary>Of the commands that come as property lists; the others take nothing away.</summary>
    private static readonly HashSet<string> OtherDestructive = new(StringComparer.Ordinal)
    {
        "ClearActivationLockBypassCode", "ClearRestrictionsPassword", "DeleteUser", "RemoveApplication", "RemoveMedia", "RemoveProvisioningProfile",
    };

    /// <summary>Carried out twice, or hours later than somebody wanted it, they do harm: an iPad that was set up again is erased again, one restarts
    /// for ever, a passcode is gone that was chosen since, a user's data that came since.</summary>
    private static readonly HashSet<string> OnceOnly = new(StringComparer.Ordinal)
    {
        "ClearPasscode", "DeleteUser", "EraseDevice", "LogOutUser", "RestartDevice", "ShutDownDevice",
    };

    public static bool IsOnceOnly(string requestType) => OnceOnly.Contains(requestType);

    public static CommandShape? Find(string requestType) =>
        Commands.FirstOrDefault(command => command.RequestType == requestType);

    public static bool IsDestructive(string requestType) =>
        Find(requestType)?.Destructive ?? OtherDestructive.Contains(requestType);

    private static ListShape Names() => new(new NameShape(), LongestList);

}
