using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>
/// The errors that this iPad reports, with the domains and codes of the list in Apple's "Mobile Device Management Protocol Reference". Apple may
/// change them with any release. The words are ours. What the list has no code for is reported with the code of its nearest kind.
/// </summary>
internal static class AppleErrors
{
    private const string Mdm = "MCMDMErrorDomain", Profile = "MCProfileErrorDomain", Installation = "MCInstallationErrorDomain",
        Setting = "MCSettingsErrorDomain", Provisioning = "MCProvisioningProfileErrorDomain";

    // ---- The command as a whole ----

    public static AppleError Rights => new(Mdm, 12007, "The management profile does not grant the right for this command.");

    /// <summary>This is how real iPads answer a command that is not for them, one for supervised iPads among others (micromdm/micromdm#970).</summary>
    public static AppleError RequestType(string requestType) => new(Mdm, 12021, $"“{requestType}” is not a valid request type.");

    public static AppleError NotForUsers(string requestType) => new(Mdm, 12021, $"“{requestType}” is not a command for users.");

    public static AppleError WhileLost(string requestType) => new(Mdm, 12078, $"“{requestType}” is not possible while this iPad is in Lost Mode.");

    // ---- Profiles ----

    public static AppleError OtherManagement => new(Mdm, 12009, "This iPad is managed by another profile.");
    public static AppleError PastRemovalDate => new(Installation, 4026, "The profile's removal date is in the past.");
    public static AppleError Malformed(string why) => new(Profile, 1000, why);
    public static AppleError Encrypted => new(Profile, 1006, "The profile is encrypted for another iPad.");
    public static AppleError NoProfile(string identifier) => new(Mdm, 12075, $"The profile “{identifier}” is not installed.");
    public static AppleError NotManagedProfile(string identifier) => new(Mdm, 12013, $"The profile “{identifier}” was not installed by management.");
    public static AppleError NotInstalled(string name) => new(Installation, 4001, $"The profile “{name}” could not be installed.");
    public static AppleError NotSupervised(string type) => new(Installation, 4025, $"The payload “{type}” can be installed on a supervised iPad only.");
    public static AppleError NotOnShared(string type) => new(Installation, 4030, $"The payload “{type}” cannot be installed on a Shared iPad.");
    public static AppleError SecondPayload(int code, string type) => new(Installation, code, $"Another profile has a payload “{type}” already.");
    public static AppleError BadCertificate(string why) => new("MCCertificateErrorDomain", 9005, why);
    public static AppleError BadIdentity => new("MCCertificateErrorDomain", 9000, "The password of the identity certificate is wrong.");

    public static AppleError BadProvisioning => new(Provisioning, 25000, "This is not a provisioning profile.");
    public static AppleError NotManagedProvisioning(string uuid) => new(Mdm, 12014, $"The provisioning profile “{uuid}” is not managed.");

    // ---- Apps and books ----

    public static AppleError BadStoreId => new(Mdm, 12023, "The App Store does not know this number.");
    public static AppleError ManifestNotReached(string why) => new(Mdm, 12024, $"The app's manifest could not be fetched: {why}");
    public static AppleError AppInstalled(string identifier) => new(Mdm, 12025, $"The app “{identifier}” is installed already.");
    /// <summary>Apple does not know of a licence, or not yet.</summary>
    public static AppleError NoLicence(string identifier) => new("ASDServerErrorDomain", 9610, $"No license was found for “{identifier}”.");
    public static AppleError NotWaiting(string identifier) => new(Mdm, 12028, $"The app “{identifier}” does not wait for a code.");
    public static AppleError NotManagedApp(string identifier) => new(Mdm, 12029, $"The app “{identifier}” is not managed.");
    public static AppleError ManyApps => new(Mdm, 12032, "The manifest names more than one app.");
    public static AppleError BadManifest(string why) => new(Mdm, 12033, why);
    public static AppleError NotHttps => new(Mdm, 12034, "The address of the manifest does not begin with https.");
    public static AppleError BadCode => new(Mdm, 12037, "The redemption code is empty.");
    public static AppleError BadMediaType => new(Mdm, 12044, "Only books can be installed.");
    public static AppleError NoMedia => new(Mdm, 12046, "No such book is managed.");

    // ---- Settings ----

    public static AppleError UnknownItem(string item) => new(Setting, 28000, $"“{item}” is not a setting of this iPad.");
    public static AppleError QuotaTooLate => new(Setting, 28000, "The room for users can be changed only before the first user is on this iPad.");
    public static AppleError BadWallpaper => new(Setting, 28001, "The wallpaper is neither PNG nor JPEG.");
    public static AppleError ItemNeedsSupervision => new("MCChaperoneErrorDomain", 29000, "This iPad is not supervised.");

    // ---- The rest ----

    public static AppleError WrongUnlockToken => new(Installation, 4001, "The unlock token is not the one that this iPad gave out.");
    public static AppleError NoUpdate => new(Mdm, 12048, "No update is available.");
    public static AppleError NotDownloaded => new(Mdm, 12059, "The update has to be downloaded first.");
    public static AppleError CannotBeLost => new(Mdm, 12066, "Lost Mode needs a message or a phone number.");
    public static AppleError NotLost => new(Mdm, 12067, "This iPad is not in Lost Mode.");
    public static AppleError NowhereKnown => new(Mdm, 12068, "This iPad could not find out where it is.");
    public static AppleError NoUser(string name) => new(Mdm, 12071, $"There is no user “{name}” on this iPad.");
    public static AppleError UserLoggedIn(string name) => new(Mdm, 12072, $"The user “{name}” is logged in.");
    public static AppleError UserUnsynced(string name) => new(Mdm, 12073, $"The user “{name}” has data that is not in iCloud yet.");

    /// <summary>As a report or a setting's answer has it.</summary>
    public static List<object> Chain(IEnumerable<AppleError> chain) =>
    [
        .. chain.Select(error => new PlistDict
        {
            ["ErrorCode"] = error.Code,
            ["ErrorDomain"] = error.Domain,
            ["LocalizedDescription"] = error.Description,
            ["USEnglishDescription"] = error.Description,
        }),
    ];
}
