using FleetMdm.Grains.Devices;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>Whose channel ends when a Shared iPad says who is on it.</summary>
public sealed class UserChannelPartTests
{
    private static readonly DateTimeOffset Asked = new(2026, 3, 2, 8, 0, 0, TimeSpan.Zero);

    private static UserChannel User(string name, EnrolmentStatus status = EnrolmentStatus.Enrolled, int seen = -60, int? token = null) =>
        new($"PAD:{name}", status, Asked.AddMinutes(seen)) { ShortName = name, TokenUpdatedAt = token is { } at ? Asked.AddMinutes(at) : null };

    private static string[] Gone(IReadOnlyList<UserChannel> users, string? deleted, params string[]? listed) =>
        [.. UserChannelPart.Gone(users, deleted, listed?.ToHashSet(StringComparer.OrdinalIgnoreCase), Asked).Select(user => user.ShortName!)];

    [Fact]
    public void The_one_who_was_deleted_goes_alone_however_the_name_is_spelt() =>
        Assert.Equal(["anna@a.example"], Gone([User("anna@a.example"), User("bo@a.example")], "Anna@A.example", null));

    [Fact]
    public void Who_was_deleted_and_is_there_again_stays() =>
        Assert.Empty(Gone([User("anna", seen: 1), User("anna", token: 0)], "anna", null));

    [Fact]
    public void Who_is_not_on_the_list_goes() => Assert.Equal(["bo"], Gone([User("anna"), User("bo")], null, "ANNA", "cia"));

    [Fact]
    public void An_empty_list_means_nobody() => Assert.Equal(["anna", "bo"], Gone([User("anna"), User("bo")], null));

    [Fact]
    public void A_list_of_other_names_means_nothing() => Assert.Empty(Gone([User("anna"), User("bo")], null, "4711", "4712"));

    [Fact]
    public void Who_came_since_the_iPad_was_asked_stays() =>
        Assert.Equal(["dan"], Gone([User("anna"), User("bo", seen: 1), User("cia", token: 1), User("dan")], null, "anna"));

    [Fact]
    public void What_has_ended_does_not_end_again() => Assert.Empty(Gone([User("anna"), User("bo", EnrolmentStatus.Unenrolled)], null, "anna"));

    [Fact]
    public void Without_a_name_nobody_goes() => Assert.Empty(Gone([User("anna") with { ShortName = null }], null));
}
