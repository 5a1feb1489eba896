using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Mdm;

/// <summary>Of an answer to DeviceInformation, what the list of iPads shows. Null: it was not asked for, or the answer makes no sense.
/// <see href="https://developer.apple.com/documentation/devicemanagement/deviceinformationresponse/queryresponses"/></summary>
public sealed record ReportedDevice
{
    private const int LongestText = 255;

    /// <summary>In GB. No iPad comes near it.</summary>
    private const double LargestCapacity = 1_000_000;

    public string? DeviceName { get; private set; }
    public string? SerialNumber { get; private set; }
    public string? ProductName { get; private set; }
    public string? Model { get; private set; }
    public string? ModelName { get; private set; }
    public string? OsVersion { get; private set; }
    public string? BuildVersion { get; private set; }
    public bool? IsSupervised { get; private set; }
    /// <summary>A Shared iPad.</summary>
    public bool? IsShared { get; private set; }
    /// <summary>In lost mode.</summary>
    public bool? IsLost { get; private set; }
    /// <summary>0 to 1.</summary>
    public double? BatteryLevel { get; private set; }
    /// <summary>In GB.</summary>
    public double? DeviceCapacity { get; private set; }
    /// <summary>In GB.</summary>
    public double? AvailableDeviceCapacity { get; private set; }

    internal void Set(string query, string text)
    {
        var clean = PlistText.Cut(Clean(text), LongestText);
        if (clean.Length == 0)
            return;
        switch (query)
        {
            case "DeviceName": DeviceName = clean; break;
            case "SerialNumber": SerialNumber = clean; break;
            case "ProductName": ProductName = clean; break;
            case "Model": Model = clean; break;
            case "ModelName": ModelName = clean; break;
            case "OSVersion": OsVersion = clean; break;
            case "BuildVersion": BuildVersion = clean; break;
        }
    }

    internal void Set(string query, bool flag)
    {
        switch (query)
        {
            case "IsSupervised": IsSupervised = flag; break;
            case "IsMultiUser": IsShared = flag; break;
            case "IsMDMLostModeEnabled": IsLost = flag; break;
        }
    }

    internal void Set(string query, double number)
    {
        switch (query)
        {
            // -1: the iPad does not know.
            case "BatteryLevel" when number is >= 0 and <= 1: BatteryLevel = number; break;
            case "DeviceCapacity" when number is >= 0 and <= LargestCapacity: DeviceCapacity = number; break;
            case "AvailableDeviceCapacity" when number is >= 0 and <= LargestCapacity: AvailableDeviceCapacity = number; break;
        }
    }

    private static string Clean(string text)
    {
        foreach (var character in text)
        {
            if (char.IsControl(character))
                return string.Concat(text.Where(one => !char.IsControl(one))).Trim();
        }

        return text.Trim();
    }

    /// <summary>The query of this name, if its answer is of use; else null. Spares the strings of the others.</summary>
    internal static string? Known(ReadOnlySpan<byte> name) => name.Length switch
    {
        5 when name.SequenceEqual("Model"u8) => "Model",
        9 when name.SequenceEqual("OSVersion"u8) => "OSVersion",
        9 when name.SequenceEqual("ModelName"u8) => "ModelName",
        10 when name.SequenceEqual("DeviceName"u8) => "DeviceName",
        11 when name.SequenceEqual("ProductName"u8) => "ProductName",
        11 when name.SequenceEqual("IsMultiUser"u8) => "IsMultiUser",
        12 when name.SequenceEqual("SerialNumber"u8) => "SerialNumber",
        12 when name.SequenceEqual("BuildVersion"u8) => "BuildVersion",
        12 when name.SequenceEqual("IsSupervised"u8) => "IsSupervised",
        12 when name.SequenceEqual("BatteryLevel"u8) => "BatteryLevel",
        14 when name.SequenceEqual("DeviceCapacity"u8) => "DeviceCapacity",
        20 when name.SequenceEqual("IsMDMLostModeEnabled"u8) => "IsMDMLostModeEnabled",
        23 when name.SequenceEqual("AvailableDeviceCapacity"u8) => "AvailableDeviceCapacity",
        _ => null,
    };
}
