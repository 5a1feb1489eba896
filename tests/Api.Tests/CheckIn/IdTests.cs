using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>An enrolment has one id, however it is spelled.</summary>
public sealed class IdTests(DeviceServer server) : IClassFixture<DeviceServer>
{
    public static TheoryData<string> NobodysIds =>
    [
        " ", "\u00A0", "\u2028", "A/B", "A\\B", "..", ".", "A B", "\u00C5", "A:B", "A%2FB", "A?B", new string('A', 65), "\u202EA",
    ];

    [Theory]
    [MemberData(nameof(NobodysIds))]
    public async Task An_id_that_no_iPad_can_have_is_answered_400_on_every_path(string id)
    {
        using var certificate = await server.IssueIdentity();
        foreach (var (path, message) in new[]
        {
            ("/mdm/checkin", Message.Authenticate(id)), ("/mdm/checkin", Message.TokenUpdate(id)), ("/mdm/connect", Message.Report(id, "Idle")),
            ("/mdm/checkin", Message.Plist($"<key>MessageType</key><string>Authenticate</string><key>EnrollmentID</key><string>{id}</string>")),
        })
        {
            var answer = await server.Put(path, message, certificate);
            Assert.Equal(400, answer.Status);
            Assert.Contains("bad-message", answer.Body);
        }
    }

    [Theory]
    [InlineData("{0}.")]
    [InlineData(".{0}")]
    public async Task An_id_that_looks_like_another_one_with_a_dot_does_not_enrol(string spelling)
    {
        var udid = Guid.NewGuid().ToString().ToUpperInvariant();
        using var certificate = await server.IssueIdentity();
        using var other = await server.IssueIdentity();
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Authenticate(udid), certificate)).Status);
        Assert.Equal(400, (await server.Put("/mdm/checkin", Message.Authenticate(spelling.Replace("{0}", udid, StringComparison.Ordinal)), other)).Status);
    }

    [Fact]
    public async Task Another_spelling_of_a_UDID_is_the_same_enrolment_and_takes_nothing_over()
    {
        var udid = Guid.NewGuid().ToString().ToUpperInvariant();
        using var certificate = await server.IssueIdentity();
        using var other = await server.IssueIdentity();
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Authenticate(udid), certificate)).Status);
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.TokenUpdate(udid), certificate)).Status);

        var answer = await server.Put("/mdm/checkin", Message.Authenticate(udid.ToLowerInvariant()), other);
        Assert.Equal(403, answer.Status);
        Assert.Contains("claimed", answer.Body);
        Assert.Equal(200, (await server.Put("/mdm/connect", Message.Report(udid.ToLowerInvariant(), "Idle"), certificate)).Status);
        Assert.Null(await server.Service<IFleetQueries>().FindDevice(udid.ToLowerInvariant()));
    }

    [Theory]
    [InlineData("mira", "mira")]
    [InlineData("\u00C5sa Berg", "\u00C5sa%20Berg")]
    [InlineData("a/b", "a%2Fb")]
    [InlineData("50%", "50%25")]
    [InlineData("a:b", "a%3Ab")]
    [InlineData("..", "..")]
    public async Task A_user_of_a_Shared_iPad_may_have_any_name_that_can_be_printed(string name, string encoded)
    {
        var udid = Guid.NewGuid().ToString().ToUpperInvariant();
        using var certificate = await server.IssueIdentity();
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Authenticate(udid), certificate)).Status);
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.TokenUpdate(udid), certificate)).Status);

        var user = Message.Of(udid, "TokenUpdate",
            $"<key>Token</key><data>AAAA</data><key>PushMagic</key><string>m</string><key>UserID</key><string>FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF</string><key>UserShortName</key><string>{name}</string>");
        Assert.Equal(200, (await server.Put("/mdm/checkin", user, certificate)).Status);
        var row = await server.Service<IFleetQueries>().FindDevice($"{udid}:{encoded}");
        Assert.Equal(name, row!.UserShortName);
        Assert.Equal(RemoveOutcome.Removed, await server.Grains.GetGrain<IDeviceGrain>(row.Id).Remove());
    }
}
