using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Devices;

/// <summary>What an iPad's answers tell of it: rules without a store, a clock or a grain.</summary>
internal static class InventoryPart
{
    /// <summary>The row as the answer says that the iPad is; the same row when it says nothing new.</summary>
    /// <remarks>What was not asked for stays as it is. The serial number is believed at enrolment, and here only when none came there.</remarks>
    public static DeviceRow DeviceInformation(DeviceRow row, DeviceFacts facts, DateTimeOffset now)
    {
        var changed = row with
        {
            DeviceName = NamingPart.NameOf(row, facts.DeviceName),
            SerialNumber = row.SerialNumber ?? facts.SerialNumber,
            ProductName = facts.ProductName ?? row.ProductName,
            Model = facts.Model ?? row.Model,
            ModelName = facts.ModelName ?? row.ModelName,
            OsVersion = facts.OsVersion ?? row.OsVersion,
            BuildVersion = facts.BuildVersion ?? row.BuildVersion,
            IsSupervised = facts.IsSupervised ?? row.IsSupervised,
            BatteryLevel = facts.BatteryLevel ?? row.BatteryLevel,
            DeviceCapacity = facts.DeviceCapacity ?? row.DeviceCapacity,
            AvailableDeviceCapacity = facts.AvailableDeviceCapacity ?? row.AvailableDeviceCapacity,
        };

        // What moves all the time is worth its time even when it has not moved. The rest is not worth a write.
        var moves = facts.BatteryLevel is not null || facts.AvailableDeviceCapacity is not null;
        return changed == row && !moves ? row : changed with { DetailsAt = now };
    }

    /// <summary>An enrolment that begins anew: the iPad may have been erased, restored or supervised since.</summary>
    public static DeviceRow Forget(DeviceRow row) => row with
    {
        IsSupervised = null,
        BatteryLevel = null,
        AvailableDeviceCapacity = null,
        DetailsAt = null,
    };
}
