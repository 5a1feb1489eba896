namespace FleetMdm.Protocol.Automated;

/// <summary>A pane of Setup Assistant that an enrolment profile can leave out.</summary>
/// <param name="Key">Apple's name, in <c>skip_setup_items</c>.</param>
/// <param name="Words">What the pane asks, for people.</param>
/// <param name="From">The first iPadOS or iOS that knows it; null: every one.</param>
/// <param name="Note">What else is to be known.</param>
public sealed record SetupItem(string Key, string Words, string? From = null, string? Note = null);

/// <summary>Apple's skip keys for iPadOS, of its schema for 26.4. A name that is not here is sent all the same: Apple adds some each year.</summary>
public static class SetupItems
{
    private const string NotAlways = "Shown all the same when the iPad asks before it has fetched its profile.";

    public static readonly IReadOnlyList<SetupItem> All =
    [
        new("AppleID", "Sign in with an Apple Account"),
        new("Passcode", "Set a passcode", Note: "A passcode policy asks for one later all the same."),
        new("Biometric", "Touch ID and Face ID", "8.1"),
        new("Restore", "Restore from a backup"),
        new("Android", "Move from Android", "9.0", "Only where the pane Restore is shown."),
        new("DeviceToDeviceMigration", "Transfer from another iPad", "12.4"),
        new("RestoreCompleted", "Restore finished", "14.0"),
        new("UpdateCompleted", "Update finished", "14.0"),
        new("SoftwareUpdate", "Automatic updates", "12.0"),
        new("TOS", "Terms and conditions"),
        new("Privacy", "Data and privacy", "11.3"),
        new("Location", "Location services"),
        new("Siri", "Siri"),
        new("Intelligence", "Apple Intelligence", "18.0"),
        new("ScreenTime", "Screen Time", "12.0"),
        new("WebContentFiltering", "Web content filter", "18.2"),
        new("Safety", "Safety", "16.0"),
        new("EnableLockdownMode", "Lockdown Mode", "17.1", "Only asked when an Apple Account is set up."),
        new("Diagnostics", "Share analytics"),
        new("Payment", "Apple Pay", "8.1"),
        new("iMessageAndFaceTime", "iMessage and FaceTime", "12.0"),
        new("MessagingActivationUsingPhoneNumber", "iMessage with a phone number", "10.0"),
        new("SIMSetup", "Mobile network", "12.0", "Without it an eSIM is not set up by itself."),
        new("WatchMigration", "Apple Watch", "11.0"),
        new("Appearance", "Light and dark", "13.0"),
        new("Zoom", "Display zoom", "8.3", "Up to iPadOS 16."),
        new("DisplayTone", "True Tone", "9.3.2", "Up to iPadOS 14."),
        new("HomeButtonSensitivity", "Home button", "10.0", "Up to iPadOS 14."),
        new("ActionButton", "Action button", "17.0"),
        new("CameraButton", "Camera control", "18.0"),
        new("Multitasking", "Multitasking", "26.0"),
        new("OSShowcase", "What is new in this version", "26.0"),
        new("AppStore", "App Store", "14.3"),
        new("OnBoarding", "Introduction for new users", "11.0", "Up to iPadOS 13."),
        new("Welcome", "Get started", "13.0"),
        new("Keyboard", "Keyboard", "13.0", NotAlways),
        new("SpokenLanguage", "Dictation", "13.0", NotAlways),
        new("TermsOfAddress", "Form of address", "16.0", NotAlways),
        new("SafetyAndHandling", "Safety and handling", "18.4", NotAlways),
    ];

    /// <summary>What a key may look like.</summary>
    public static bool IsName(string key) => key.Length is > 0 and <= 60 && key.All(char.IsAsciiLetterOrDigit);
}
