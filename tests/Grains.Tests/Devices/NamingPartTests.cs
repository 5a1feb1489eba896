using FleetMdm.Grains.Devices;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Placeholders;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>Whose an iPad is when it enrols.</summary>
public sealed class NamingPartTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 2, 8, 0, 0, TimeSpan.Zero);

    private static string? SchoolOf(string? own, Placeholder placeholder) => NamingPart.Enrol(
        new DeviceRow { Id = "PAD", DeviceId = "PAD", Kind = EnrolmentKind.Device, Status = EnrolmentStatus.Authenticated, School = own }, placeholder, Now).School;

    private static Placeholder SignedIn(int minutesAgo = 1) =>
        new() { SerialNumber = "S1", PersonId = "ali", PersonBy = PersonBy.SignIn, PersonAt = Now.AddMinutes(-minutesAgo), PersonSchool = "North" };

    [Fact]
    public void The_list_says_the_school_then_the_iPad_and_who_signed_in_last()
    {
        Assert.Equal("South", SchoolOf("East", SignedIn() with { School = "South" }));
        Assert.Equal("East", SchoolOf("East", SignedIn()));
        Assert.Equal("North", SchoolOf(null, SignedIn()));
    }

    [Fact]
    public void Who_signed_in_and_did_not_finish_says_nothing() => Assert.Null(SchoolOf(null, SignedIn(minutesAgo: 120)));
}
