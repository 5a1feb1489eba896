using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>
/// Plausible answers to the queries of DeviceInformation. What a setting changed stands in <see cref="IPadState.Facts"/> and goes first.
/// <see href="https://developer.apple.com/documentation/devicemanagement/deviceinformationresponse/queryresponses"/>
/// </summary>
internal static class DeviceFacts
{
    private const int SharedQuotaMegabytes = 2_000, SharedUsers = 10;

    private static readonly FrozenDictionary<string, Func<VirtualIPad, object?>> Facts =
        new Dictionary<string, Func<VirtualIPad, object?>>
        {
            ["UDID"] = ipad => ipad.Udid,
            ["SerialNumber"] = ipad => ipad.Description.SerialNumber,
            ["DeviceName"] = ipad => ipad.Name,
            ["OSVersion"] = ipad => ipad.OsVersion,
            ["BuildVersion"] = ipad => ipad.BuildVersion,
            ["ProductName"] = ipad => ipad.Description.ProductName,
            ["ModelName"] = ipad => ipad.Description.ModelName,
            ["Model"] = ipad => ipad.Description.ModelNumber,
            ["ModelNumber"] = ipad => ipad.Description.ModelNumber,
            ["DeviceCapacity"] = ipad => ipad.Description.CapacityGigabytes,
            ["AvailableDeviceCapacity"] = ipad => ipad.Description.AvailableGigabytes ?? Math.Round(ipad.Description.CapacityGigabytes * (0.15 + 0.65 * Share(ipad, 0)), 2),
            ["BatteryLevel"] = ipad => ipad.Description.BatteryLevel ?? Math.Round(0.2 + 0.8 * Share(ipad, 1), 2),
            ["CellularTechnology"] = ipad => ipad.Description.Cellular ? 1 : 0,
            ["DataRoamingEnabled"] = ipad => ipad.Description.Cellular ? false : null,
            ["VoiceRoamingEnabled"] = ipad => ipad.Description.Cellular ? false : null,
            ["PersonalHotspotEnabled"] = ipad => ipad.Description.Cellular ? false : null,
            ["IsSupervised"] = ipad => ipad.Description.Supervised,
            ["IsMultiUser"] = ipad => ipad.Description.Shared,
            ["IsDeviceLocatorServiceEnabled"] = _ => false,
            ["IsActivationLockEnabled"] = _ => false,
            ["IsDoNotDisturbInEffect"] = _ => false,
            ["IsCloudBackupEnabled"] = _ => false,
            ["IsNetworkTethered"] = _ => false,
            ["IsMDMLostModeEnabled"] = ipad => ipad.Touched?.Lost is not null,
            ["IsRoaming"] = _ => false,
            ["AwaitingConfiguration"] = ipad => ipad.AwaitsConfiguration,
            ["DiagnosticSubmissionEnabled"] = _ => false,
            ["AppAnalyticsEnabled"] = _ => false,
            ["iTunesStoreAccountIsActive"] = _ => false,
            ["MDMOptions"] = _ => new PlistDict { ["ActivationLockAllowedWhileSupervised"] = false },
            ["AccessibilitySettings"] = ipad => ipad.Description.Supervised ? new PlistDict { ["TextSize"] = 4 } : null,
            ["WiFiMAC"] = ipad => Mac(ipad, 2),
            ["BluetoothMAC"] = ipad => Mac(ipad, 3),
            ["EASDeviceIdentifier"] = ipad => Convert.ToHexString(Hash(ipad, 4)[..16]),
            ["TimeZone"] = _ => "Europe/Berlin",
            ["SupplementalBuildVersion"] = ipad => ipad.BuildVersion,
            ["SoftwareUpdateDeviceID"] = ipad => ipad.MajorVersion < 27 ? ipad.Description.ProductName : null,
            ["QuotaSize"] = ipad => ipad.Description.Shared ? SharedQuotaMegabytes : null,
            ["MaximumResidentUsers"] = ipad => ipad.Description.Shared ? SharedUsers : null,
            ["EstimatedResidentUsers"] = ipad => ipad.Description.Shared ? SharedUsers : null,
            ["ResidentUsers"] = ipad => ipad.Description.Shared ? ipad.State.Users.Count : null,
        }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Null: this iPad has no such thing.</summary>
    public static object? Answer(string query, VirtualIPad ipad) => ipad.Touched?.Fact(query) ?? Facts.GetValueOrDefault(query)?.Invoke(ipad);

    /// <summary>Between 0 and 1, the same for the same iPad each time.</summary>
    private static double Share(VirtualIPad ipad, byte fact) => BitConverter.ToUInt16(Hash(ipad, fact)) / 65536.0;

    private static string Mac(VirtualIPad ipad, byte fact) =>
        string.Join(':', Hash(ipad, fact)[..5].Prepend((byte)0xa8).Select(value => value.ToString("x2")));

    private static byte[] Hash(VirtualIPad ipad, byte fact) => SHA256.HashData([fact, .. Encoding.ASCII.GetBytes(ipad.Udid)]);
}
