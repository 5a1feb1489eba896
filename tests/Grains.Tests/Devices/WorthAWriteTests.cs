using FleetMdm.Grains.Devices;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>Which answers to DeviceInformation change the iPad's row.</summary>
public sealed class WorthAWriteTests
{
    private static readonly DateTimeOffset At = new(2026, 3, 2, 8, 0, 0, TimeSpan.Zero);

    private static readonly DeviceRow Row = new()
    {
        Id = "A",
        DeviceId = "A",
        Kind = EnrolmentKind.Device,
        Status = EnrolmentStatus.Enrolled,
        DeviceName = "Library 7",
        BatteryLevel = 0.55,
        AvailableDeviceCapacity = 41.5,
        DetailsAt = At,
    };

    [Theory]
    [InlineData(0.55, 41.5, 1, false)]
    [InlineData(0.52, 41.2, 59, false)]
    [InlineData(0.60, 41.5, 1, true)]
    [InlineData(0.55, 42.1, 1, true)]
    [InlineData(0.55, 41.5, 60, true)]
    [InlineData(0.55, 41.5, -1, true)]
    public void What_moves_a_little_waits_for_the_next_hour(double battery, double free, int minutes, bool written)
    {
        var now = At.AddMinutes(minutes);
        var learnt = InventoryPart.DeviceInformation(Row, new DeviceFacts { BatteryLevel = battery, AvailableDeviceCapacity = free }, now);
        if (written) Assert.Equal(Row with { BatteryLevel = battery, AvailableDeviceCapacity = free, DetailsAt = now }, learnt);
        else Assert.Same(Row, learnt);
    }

    [Fact]
    public void Anything_else_that_changed_is_written_at_once_with_what_moved()
    {
        var now = At.AddMinutes(1);
        Assert.Equal(
            Row with { DeviceName = "Library 8", BatteryLevel = 0.54, DetailsAt = now },
            InventoryPart.DeviceInformation(Row, new DeviceFacts { DeviceName = "Library 8", BatteryLevel = 0.54 }, now));
        Assert.Equal(
            Row with { BatteryLevel = null, AvailableDeviceCapacity = 41.5, DetailsAt = now },
            InventoryPart.DeviceInformation(Row with { BatteryLevel = null, AvailableDeviceCapacity = null }, new DeviceFacts { AvailableDeviceCapacity = 41.5 }, now));
    }
}
