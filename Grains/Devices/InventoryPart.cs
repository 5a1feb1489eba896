using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Devices;

/// <summary>What an iPad's answers tell of it: rules without a store, a clock or a grain.</summary>
internal static class InventoryPart
{
    /// <summary>Of 1: what people tell apart in a list.</summary>
    private const double BatteryStep = 0.05;

    /// <summary>GB. An iPad that is used writes less than that all the time.</summary>
    private const double StorageStep = 0.5;

    /// <summary>The page says "as of": older than that, the time is news by itself.</summary>
    private static readonly TimeSpan OldDetails = TimeSpan.FromHours(1);

    /// <summary>The row as the answer says that the iPad is; the same row when it says nothing that is worth a write.</summary>
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
            IsShared = facts.IsShared ?? row.IsShared,
            IsLost = facts.IsLost ?? row.IsLost,
        };

        return IsWorthAWrite(row, changed, now) ? changed with { DetailsAt = now } : row;
    }

    /// <summary>Battery and free space move a little with each answer: that, and the time of the answer, wait for the next hour.</summary>
    private static bool IsWorthAWrite(DeviceRow row, DeviceRow changed, DateTimeOffset now) =>
        changed with { BatteryLevel = row.BatteryLevel, AvailableDeviceCapacity = row.AvailableDeviceCapacity } != row
        || Moved(row.BatteryLevel, changed.BatteryLevel, BatteryStep)
        || Moved(row.AvailableDeviceCapacity, changed.AvailableDeviceCapacity, StorageStep)
        || row.DetailsAt is not { } at || !at.IsWithin(OldDetails, now);

    private static bool Moved(double? before, double? after, double step) => before is null != after is null
        || Math.Round(Math.Abs((after ?? 0) - (before ?? 0)), digits: 3) >= step;

    /// <summary>An enrolment that begins anew: the iPad may have been erased, restored or supervised since.</summary>
    public static DeviceRow Forget(DeviceRow row) => row with
    {
        IsSupervised = null,
        BatteryLevel = null,
        AvailableDeviceCapacity = null,
        DetailsAt = null,
        IsShared = null,
        IsLost = null,
        AccessRights = null,
    };
}
