using System.Collections.Frozen;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>
/// What iPadOS asks of payloads in a profile, as Apple's schema has it.
/// <see href="https://developer.apple.com/documentation/devicemanagement/profile-specific-payload-keys"/>
/// </summary>
internal static class PayloadRules
{
    /// <summary>The payload with restrictions, and the one with the rules for passcodes.</summary>
    public const string Restrictions = "com.apple.applicationaccess", Passcode = "com.apple.mobiledevice.passwordpolicy";

    public const string Management = "com.apple.mdm", AppLock = "com.apple.app.lock", RemovalPassword = "com.apple.profileRemovalPassword";

    public const string Pkcs12 = "com.apple.security.pkcs12";

    /// <summary>A profile with one of these is refused by an iPad that is not supervised.</summary>
    public static readonly FrozenSet<string> Supervised = Set(
        "com.apple.SetupAssistant.managed", AppLock, "com.apple.homescreenlayout", "com.apple.notificationsettings", RemovalPassword,
        "com.apple.proxy.http.global", "com.apple.shareddeviceconfiguration", "com.apple.tvremote");

    /// <summary>A Shared iPad refuses these on each channel.</summary>
    public static readonly FrozenSet<string> NotOnShared = Set(
        "com.apple.declarations", Passcode, "com.apple.osxserver.account", RemovalPassword, "com.apple.sso");

    /// <summary>One of these may be on an iPad, over all its profiles; with the code of the error for a second one.</summary>
    public static readonly FrozenDictionary<string, int> Once = new Dictionary<string, int>
    {
        ["com.apple.proxy.http.global"] = 4017,
        ["com.apple.apn.managed"] = 4018,
        ["com.apple.cellular"] = 4018,
        [AppLock] = 4019,
        ["com.apple.homescreenlayout"] = 4028,
        ["com.apple.notificationsettings"] = 4029,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Restrictions that do nothing on an iPad that is not supervised. The profile is installed all the same.</summary>
    public static readonly FrozenSet<string> SupervisedRestrictions = Set("""
        allowAccountModification allowAddingGameCenterFriends allowAirDrop allowAirPrint allowAirPrintCredentialsStorage allowAirPrintiBeaconDiscovery
        allowAppCellularDataModification allowAppClips allowAppInstallation allowAppRemoval allowAppsToBeHidden allowAppsToBeLocked
        allowAssistantUserGeneratedContent allowAutoCorrection allowAutoDim allowAutomaticAppDownloads allowBluetoothModification allowBookstore
        allowCallRecording allowCellularPlanModification allowChat allowCloudDocumentSync allowCloudPrivateRelay allowContinuousPathKeyboard
        allowDefaultBrowserModification allowDefinitionLookup allowDeviceNameModification allowDiagnosticSubmissionModification allowDictation
        allowESIMModification allowESIMOutgoingTransfers allowEnablingRestrictions allowEraseContentAndSettings allowExplicitContent
        allowExternalIntelligenceIntegrationsSignIn allowFilesNetworkDriveAccess allowFilesUSBDriveAccess allowFindMyDevice allowFindMyFriends
        allowFindMyFriendsModification allowFingerprintModification allowGameCenter allowGenmoji allowHostPairing allowImagePlayground allowImageWand
        allowKeyboardShortcuts allowListedAppBundleIDs allowLiveVoicemail allowMailPrivacyProtection allowMailSummary allowMarketplaceAppInstallation
        allowMultiplayerGaming allowMusicService allowNFC allowNews allowNotesTranscriptionSummary allowNotificationsModification allowPairedWatch
        allowPasscodeModification allowPasswordAutoFill allowPasswordProximityRequests allowPasswordSharing allowPersonalHotspotModification
        allowPersonalizedHandwritingResults allowPodcasts allowPredictiveKeyboard allowProximitySetupToNewDevice allowRCSMessaging allowRadioService
        allowRapidSecurityResponseInstallation allowRapidSecurityResponseRemoval allowSafari allowSatelliteConnection allowSharedDeviceTemporarySession
        allowSpellCheck allowSystemAppRemoval allowUIAppInstallation allowUIConfigurationProfileInstallation allowUSBRestrictedMode
        allowUnpairedExternalBootToRecovery allowVPNCreation allowVideoConferencing allowVisualIntelligenceSummary allowWallpaperModification
        allowWebDistributionAppInstallation allowWritingTools allowedExternalIntelligenceWorkspaceIDs allowiPhoneMirroring allowiPhoneWidgetsOnMac allowiTunes
        autonomousSingleAppModePermittedAppIDs blacklistedAppBundleIDs blockedAppBundleIDs enforcedSoftwareUpdateDelay forceAirPrintTrustedTLSRequirement
        forceAssistantProfanityFilter forceAuthenticationBeforeAutoFill forceAutomaticDateAndTime forceClassroomAutomaticallyJoinClasses
        forceClassroomRequestPermissionToLeaveClasses forceClassroomUnpromptedAppAndDeviceLock forceClassroomUnpromptedScreenObservation
        forceDelayedSoftwareUpdates forcePreserveESIMOnErase forceWiFiPowerOn forceWiFiToAllowedNetworksOnly forceWiFiWhitelisting safariAllowAutoFill
        whitelistedAppBundleIDs
        """.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static FrozenSet<string> Set(params IEnumerable<string> names) => names.ToFrozenSet(StringComparer.Ordinal);
}
