using System.Collections.Frozen;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>
/// The commands that behave differently from what the catalogue says of them, all in one place: what takes something away, what must
/// not run twice, what is filled in here, what is checked further.
/// </summary>
internal static class CommandBehaviours
{
    /// <summary>More warnings about profiles are not read by anybody, and an answer must not grow with what somebody sent.</summary>
    private const int MostNoticed = 50;

    /// <summary>They take away data, apps, settings or protection that the server alone cannot bring back.</summary>
    private static readonly FrozenSet<string> Destructive = new[]
    {
        "ClearActivationLockBypassCode", "ClearPasscode", "ClearRestrictionsPassword", "DeleteUser", "EraseDevice", "RemoveApplication", "RemoveMedia",
        "RemoveProfile", "RemoveProvisioningProfile",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Carried out twice, or hours later than somebody wanted it, they do harm: an iPad that was set up again is erased again, one restarts
    /// for ever, a passcode is gone that was chosen since, a user's data that came since.</summary>
    private static readonly FrozenSet<string> OnceOnly = new[]
    {
        "ClearPasscode", "DeleteUser", "EraseDevice", "LogOutUser", "RestartDevice", "ShutDownDevice",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>An iPad that is not in lost mode answers them with an error.</summary>
    private static readonly FrozenSet<string> InLostMode = new[] { "DeviceLocation", "PlayLostModeSound" }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Keys that nobody writes: the server adds them when it delivers the command.</summary>
    private static readonly FrozenDictionary<string, (string Key, string Why)> AddedOnDelivery = new Dictionary<string, (string, string)>(StringComparer.Ordinal)
    {
        ["ClearPasscode"] = ("UnlockToken", "the server adds the one that the iPad gave it, when it delivers the command"),
        ["DeclarativeManagement"] = ("Data", "the server adds what stands for the declarations of the iPad, when it delivers the command"),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Keys that hold a configuration profile.</summary>
    private static readonly (string RequestType, string[] Path, bool MayEnrol)[] Profiles =
    [
        ("InstallProfile", ["Payload"], false),
        ("EraseDevice", ["ReturnToService", "WiFiProfileData"], false),
        // For an iPad that has just been erased, which may be told how to enrol.
        ("EraseDevice", ["ReturnToService", "MDMProfileData"], true),
    ];

    /// <summary>Of these keys a command has exactly one.</summary>
    private static readonly (string RequestType, string[] Keys)[] ExactlyOne =
    [
        ("InstallApplication", ["iTunesStoreID", "Identifier", "ManifestURL"]),
        ("InstallMedia", ["iTunesStoreID", "MediaURL"]),
    ];

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

    public static bool IsDestructive(string requestType) => Destructive.Contains(requestType);

    public static bool IsOnceOnly(string requestType) => OnceOnly.Contains(requestType);

    public static bool NeedsLostMode(string requestType) => InLostMode.Contains(requestType);

    /// <summary>The keys that an administrator writes.</summary>
    public static KeySet Written(CatalogueType command) =>
        AddedOnDelivery.TryGetValue(command.Name, out var added) ? KeySet.Of(command.Keys.Where(key => key.Name != added.Key), command.Keys.Elsewhere) : command.Keys;

    /// <summary>What is filled in when a key is left out; null: the key is left out too, or must be written.</summary>
    public static PlistNode? Standard(string requestType, string key) => (requestType, key) is ("DeviceInformation", "Queries") ? FullDeviceInformation : null;

    /// <summary>Of these keys exactly one must be there; null: there is no such rule.</summary>
    public static IReadOnlyList<string>? OneOf(string requestType) => ExactlyOne.FirstOrDefault(rule => rule.RequestType == requestType).Keys;

    /// <summary>Whether a key holds a profile, for forms: a file is chosen.</summary>
    public static bool IsProfile(string requestType, string path) =>
        Profiles.Any(profile => profile.RequestType == requestType && string.Join('/', profile.Path) == path);

    /// <summary>Refuses a command that brings what the server adds: what is queued is stored in the open.</summary>
    /// <exception cref="CommandFieldException"/>
    public static void RefuseAdded(PlistDictionary command, string requestType, string pointer)
    {
        if (AddedOnDelivery.TryGetValue(requestType, out var added)
            && command.FirstOrDefault(entry => entry.Key.Equals(added.Key, StringComparison.OrdinalIgnoreCase)).Key is { } name)
        {
            throw new CommandFieldException($"{pointer}/{name}", $"Leave {added.Key} out: {added.Why}.");
        }
    }

    /// <summary>Checks what the catalogue cannot say, and puts profiles into the form that iPads take.</summary>
    /// <returns>What was noticed in the profiles, and what the one that is installed asks of an iPad.</returns>
    /// <exception cref="CommandFieldException"/>
    public static (IReadOnlyList<Finding> Noticed, ProfileNeeds Needs) Finish(PlistDictionary command, CatalogueType type, KeyNames names, string pointer)
    {
        if (OneOf(type.Name) is { } keys && keys.Where(command.ContainsKey).ToList() is { Count: not 1 } given)
        {
            var all = string.Join(", ", keys.Select(key => Name(type.Keys[key], names)));
            throw new CommandFieldException(
                $"{pointer}/{Name(type.Keys[given.Count == 0 ? keys[0] : given[1]], names)}", $"Exactly one of {all} must be there, and {given.Count} are.");
        }

        var (noticed, needs) = (new List<Finding>(), ProfileNeeds.None);
        foreach (var (_, path, mayEnrol) in Profiles.Where(profile => profile.RequestType == type.Name))
        {
            // One that is installed after an erase meets another iPad than the one that is known.
            if (Profile(command, type.Keys, path, mayEnrol, names, pointer, noticed) is { } found && type.Name == ProfileCommand.Install)
                needs = found;
        }

        return (noticed, needs);
    }

    private static ProfileNeeds? Profile(
        PlistDictionary dictionary, KeySet keys, ReadOnlySpan<string> path, bool mayEnrol, KeyNames names, string pointer, List<Finding> noticed)
    {
        var key = keys[path[0]];
        var at = $"{pointer}/{Name(key, names)}";
        if (path.Length > 1)
        {
            return dictionary.GetDictionary(path[0]) is { } inside ? Profile(inside, key.Keys, path[1..], mayEnrol, names, at, noticed) : null;
        }

        if (dictionary.GetData(path[0]) is not { } given)
            return null;
        var (bytes, needs) = AcceptProfile(given, mayEnrol, at, noticed);
        dictionary[path[0]] = bytes;
        return needs;
    }

    /// <summary>A configuration profile, checked as iPads do.</summary>
    /// <exception cref="CommandFieldException"/>
    public static (byte[] Bytes, ProfileNeeds Needs) AcceptProfile(byte[] given, bool mayEnrol, string at, List<Finding> noticed)
    {
        if (given.Length == 0)
            throw new CommandFieldException(at, "The profile is empty: there are 0 bytes.");
        if (given.Length > ProfileInspectionFile.LongestProfile)
            throw new CommandFieldException(at, $"The profile has {given.Length} bytes; at most {ProfileInspectionFile.LongestProfile} are taken.");
        var inspection = ProfileInspection.OfFile(given, new ProfileRules { Use = mayEnrol ? ProfileUse.AfterErase : ProfileUse.Command });
        foreach (var finding in inspection.Findings)
        {
            if (finding.Severity == ProfileSeverity.Refused)
                throw new CommandFieldException(at, finding.Message) { Fault = finding.Code == ProfileCodes.EndsEnrolment ? CommandFault.EndsEnrolment : CommandFault.Profile };
            if (finding.Severity == ProfileSeverity.Warning && noticed.Count < MostNoticed)
                noticed.Add(new Finding(at, finding.Path.Length > 0 ? $"{finding.Path}: {finding.Message}" : finding.Message));
        }

        return (inspection.Bytes, inspection.Profile is { } profile ? CommandFitness.OfProfile(profile, at) : ProfileNeeds.None);
    }

    private static string Name(CatalogueKey key, KeyNames names) => names == KeyNames.Json ? key.JsonName : key.Name;
}
