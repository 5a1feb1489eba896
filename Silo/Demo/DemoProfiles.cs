using System.Text.Json.Nodes;

namespace FleetMdm.Silo.Demo;

/// <summary>The profiles that the demo puts into the library.</summary>
internal static class DemoProfiles
{
    private const int First = 0, Last = 4;

    /// <summary>A filter as an administrator writes it.</summary>
    public static readonly string TwoSchools = $"school:\"{DemoFleet.Schools[First].Name}\" or school:\"{DemoFleet.Schools[Last].Name}\"";

    /// <summary>What the filter has to find.</summary>
    public static bool IsInTwoSchools(DemoIPad ipad) => ipad.School is First or Last;

    /// <summary>A network of the school's, with a name that nobody has, and a page that asks for help with this very iPad.</summary>
    public static JsonObject Wifi() => Profile("demo.school.start", "School Wi-Fi and help", "What each iPad of the demo has.", new JsonObject
    {
        ["PayloadType"] = "com.apple.wifi.managed",
        ["PayloadDisplayName"] = "Wi-Fi",
        ["SSID_STR"] = "FleetMdm Demo School",
        ["AutoJoin"] = true,
        ["EncryptionType"] = "WPA2",
        ["Password"] = "only-for-the-demo",
    }, new JsonObject
    {
        ["PayloadType"] = "com.apple.webClip.managed",
        ["PayloadDisplayName"] = "Help",
        ["Label"] = "Help with this iPad",
        ["URL"] = "https://help.school.example/?ipad={{serial}}",
    });

    public const string LibraryIdentifier = "demo.school.library";

    public const string Group = "The first school";

    /// <summary>The rule of the group.</summary>
    public static readonly string OneSchool = $"school:\"{DemoFleet.Schools[First].Name}\"";

    public static bool IsInOneSchool(DemoIPad ipad) => ipad.School is First;

    /// <summary>A page that only one school has.</summary>
    public static JsonObject Library() => Profile(LibraryIdentifier, "School library", "A page of the first school", new JsonObject
    {
        ["PayloadType"] = "com.apple.webClip.managed",
        ["PayloadDisplayName"] = "Library",
        ["Label"] = "Library",
        ["URL"] = "https://library.school.example/",
    });

    /// <summary>Some restrictions, and a text on the lock screen, which only a supervised iPad takes.</summary>
    public static JsonObject Rules() => Profile("demo.school.rules", "Rules for students", "What a student's iPad does not do", new JsonObject
    {
        ["PayloadType"] = "com.apple.applicationaccess",
        ["PayloadDisplayName"] = "Restrictions",
        ["allowAppInstallation"] = false,
        ["allowAirDrop"] = false,
        ["allowInAppPurchases"] = false,
        ["forceEncryptedBackup"] = true,
    }, new JsonObject
    {
        ["PayloadType"] = "com.apple.shareddeviceconfiguration",
        ["PayloadDisplayName"] = "Lock screen",
        ["AssetTagInformation"] = "{{serial}}",
        ["LockScreenFootnote"] = "This iPad belongs to {{school}}",
    });

    private static JsonObject Profile(string identifier, string name, string description, params ReadOnlySpan<JsonObject> payloads)
    {
        var content = new JsonArray();
        foreach (var payload in payloads)
            content.Add(payload);
        return new JsonObject
        {
            ["PayloadIdentifier"] = identifier,
            ["PayloadDisplayName"] = name,
            ["PayloadDescription"] = description,
            ["PayloadContent"] = content,
        };
    }
}
