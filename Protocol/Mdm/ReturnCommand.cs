using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Mdm;

/// <summary>What an erasure with Return to Service was ordered with. It holds no secret: the Wi-Fi stands in it by its id.</summary>
/// <param name="WifiProfileId">Of the library.</param>
/// <param name="WifiName">As the profile was called then, for the record.</param>
/// <param name="Hours">How long an iPad may take until it is looked for; so long the enrolment profile that it gets is good.</param>
/// <param name="KeepApps">Where the iPad has escrowed a bootstrap token.</param>
/// <param name="PreserveDataPlan">An eSIM stays.</param>
public sealed record ReturnOrder(string WifiProfileId, string WifiName, int Hours, bool KeepApps = false, bool PreserveDataPlan = false);

/// <summary>
/// EraseDevice with Return to Service: the iPad erases itself, joins a Wi-Fi and enrols again without hands. It is stored once for all iPads; what is secret, and what is another for each
/// iPad, is put in when the command leaves.
/// <see href="https://developer.apple.com/documentation/devicemanagement/returning-a-managed-device-to-service"/>
/// </summary>
public static class ReturnCommand
{
    public const string RequestType = "EraseDevice";

    private const string Key = "ReturnToService";
    private const string Stored = "com.fleetmdm.return";

    // No command of Apple's: a server of an earlier version, which does not know it, makes an iPad refuse it instead of erasing itself and staying away.
    private static ReadOnlySpan<byte> TemplateStart => "<dict><key>RequestType</key><string>com.fleetmdm.return</string>"u8;

    /// <summary>What stands in the queue. No iPad ever sees this.</summary>
    public static byte[] Template(ReturnOrder order)
    {
        var settings = new PlistDictionary { ["WiFi"] = order.WifiProfileId, ["Name"] = order.WifiName, ["Hours"] = order.Hours, ["KeepApps"] = order.KeepApps, ["PreserveDataPlan"] = order.PreserveDataPlan };
        return PlistWriter.ToFragment(new PlistDictionary { ["RequestType"] = Stored, ["Order"] = settings });
    }

    public static bool IsTemplate(ReadOnlySpan<byte> body) => body.StartsWith(TemplateStart);

    /// <summary>Null: it is none, or cannot be read.</summary>
    public static ReturnOrder? Read(byte[] body)
    {
        if (!IsTemplate(body)) return null;
        try
        {
            return PlistReader.ReadDictionary(body, PlistLimits.Admin).GetDictionary("Order") is { } order && order.GetString("WiFi") is { } wifi && order.GetInteger("Hours") is { } hours
                ? new ReturnOrder(wifi, order.GetString("Name") ?? "", (int)hours, order.GetBoolean("KeepApps") ?? false, order.GetBoolean("PreserveDataPlan") ?? false)
                : null;
        }
        catch (PlistFormatException)
        {
            // One that was written past all checks.
            return null;
        }
    }

    /// <summary>The command as an iPad takes it.</summary>
    /// <param name="wifi">A profile.</param>
    /// <param name="management">An enrolment profile; null: the iPad finds its server by Automated Device Enrolment.</param>
    /// <param name="bootstrapToken">With it the apps stay; null: everything goes.</param>
    public static byte[] Command(byte[] wifi, byte[]? management, byte[]? bootstrapToken, bool preserveDataPlan)
    {
        var command = new PlistDictionary { ["RequestType"] = RequestType, [Key] = Settings(wifi, management, bootstrapToken) };
        if (preserveDataPlan) command["PreserveDataPlan"] = true;
        return PlistWriter.ToFragment(command);
    }

    /// <summary>The answer to the check-in message ReturnToService: the iPad erases itself and returns.
    /// <see href="https://developer.apple.com/documentation/devicemanagement/returntoserviceresponse"/></summary>
    public static byte[] Answer(byte[] wifi, byte[]? management, byte[]? bootstrapToken, bool preserveDataPlan)
    {
        var answer = new PlistDictionary { [Key] = Settings(wifi, management, bootstrapToken) };
        if (preserveDataPlan) answer["PreserveDataPlan"] = true;
        return PlistWriter.ToBytes(answer);
    }

    /// <summary>The answer where nobody has said how an iPad returns: it does not erase itself.</summary>
    public static byte[] No() => PlistWriter.ToBytes(new PlistDictionary { [Key] = new PlistDictionary { ["Enabled"] = false } });

    private static PlistDictionary Settings(byte[] wifi, byte[]? management, byte[]? bootstrapToken)
    {
        var settings = new PlistDictionary { ["Enabled"] = true, ["WiFiProfileData"] = wifi };
        if (management is not null) settings["MDMProfileData"] = management;
        if (bootstrapToken is not null) settings["BootstrapToken"] = bootstrapToken;
        return settings;
    }
}
