using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Storage;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>What one enrolled iPad can make the server keep for it is bounded, and no bound keeps an iPad from being enrolled.</summary>
public sealed class EscrowAndUserTests(DeviceServer server) : IClassFixture<DeviceServer>
{
    private const string CheckIn = "/mdm/checkin";
    private const int Most = 64 * 1024;

    private async Task<(string Udid, X509Certificate2 Certificate)> Authenticated()
    {
        var udid = Guid.NewGuid().ToString().ToUpperInvariant();
        var certificate = await server.IssueIdentity();
        Assert.Equal(200, (await server.Put(CheckIn, Message.Authenticate(udid), certificate)).Status);
        return (udid, certificate);
    }

    private static string Token(string key, int bytes) => $"<key>{key}</key><data>{Convert.ToBase64String(RandomNumberGenerator.GetBytes(bytes))}</data>";

    private static string TokenUpdate(string udid, string more) =>
        Message.Of(udid, "TokenUpdate", $"<key>Token</key><data>{Convert.ToBase64String(new byte[32])}</data><key>PushMagic</key><string>magic</string>{more}");

    private static string User(string udid, string name, string more = "") => TokenUpdate(udid,
        $"<key>UserID</key><string>FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF</string><key>UserShortName</key><string>{name}</string>{more}");

    [Fact]
    public async Task An_unlock_token_that_is_too_large_is_not_kept_and_the_iPad_is_enrolled_all_the_same()
    {
        var (udid, certificate) = await Authenticated();
        var escrow = server.Service<IEscrowStore>();

        Assert.Equal(200, (await server.Put(CheckIn, TokenUpdate(udid, Token("UnlockToken", Most + 1)), certificate)).Status);
        var row = (await server.Service<IFleetQueries>().FindDevice(udid))!;
        Assert.Equal((EnrolmentStatus.Enrolled, false), (row.Status, row.HasUnlockToken));
        Assert.Null(await escrow.Find(udid, EscrowedToken.Unlock));

        Assert.Equal(200, (await server.Put(CheckIn, TokenUpdate(udid, Token("UnlockToken", Most)), certificate)).Status);
        var kept = await escrow.Find(udid, EscrowedToken.Unlock);
        Assert.InRange(kept!.Length, Most, Most + 256);

        // One that is too large does not take the place of one that is good.
        Assert.Equal(200, (await server.Put(CheckIn, TokenUpdate(udid, Token("UnlockToken", Most + 1)), certificate)).Status);
        Assert.Equal(kept, await escrow.Find(udid, EscrowedToken.Unlock));
    }

    [Fact]
    public async Task A_bootstrap_token_that_is_too_large_is_answered_400_and_the_one_before_stays()
    {
        var (udid, certificate) = await Authenticated();
        Assert.Equal(200, (await server.Put(CheckIn, Message.Of(udid, "SetBootstrapToken", Token("BootstrapToken", Most)), certificate)).Status);

        var refused = await server.Put(CheckIn, Message.Of(udid, "SetBootstrapToken", Token("BootstrapToken", Most + 1)), certificate);
        Assert.Equal(400, refused.Status);
        Assert.Contains("at most 65536 are kept", refused.Body);
        Assert.Contains("<data>", (await server.Put(CheckIn, Message.Of(udid, "GetBootstrapToken"), certificate)).Body);
    }

    [Fact]
    public async Task Lists_and_grains_do_not_load_what_is_in_escrow()
    {
        var (udid, certificate) = await Authenticated();
        await server.Put(CheckIn, TokenUpdate(udid, Token("UnlockToken", Most)), certificate);

        var row = Assert.Single(await server.Service<IFleetQueries>().ListDevices(Scope.District, new FleetMdm.Storage.Devices.DeviceFilter { Query = udid }, null, 10));
        var loaded = (await server.Service<IDeviceStore>().Load(udid)).Row!;
        Assert.All([row, loaded], each => Assert.True(each.HasUnlockToken));
        Assert.DoesNotContain(typeof(DeviceRow).GetProperties(), property =>
            property.PropertyType == typeof(byte[]) && ((byte[]?)property.GetValue(row))?.Length > 1024);
    }

    [Fact]
    public async Task New_users_of_an_iPad_end_at_a_hundred_and_the_iPad_and_its_users_go_on()
    {
        var (udid, certificate) = await Authenticated();
        await server.Put(CheckIn, Message.TokenUpdate(udid), certificate);
        var answers = await Task.WhenAll(Enumerable.Range(0, 130).Select(n => server.Put(CheckIn, User(udid, $"ghost{n}"), certificate)));
        Assert.Equal((100, 30), (answers.Count(answer => answer.Status == 200), answers.Count(answer => answer.Status == 403)));
        Assert.All(answers.Where(answer => answer.Status == 403), answer => Assert.Contains("too-many-users", answer.Body));

        var users = (await server.Service<IUserChannelStore>().Find(udid))!.Users;
        Assert.Equal(100, users.Count);
        Assert.Equal(200, (await server.Put(CheckIn, User(udid, users[0].Id[(users[0].Id.IndexOf(':') + 1)..]), certificate)).Status);
        Assert.Equal(200, (await server.Put("/mdm/connect", Message.Report(udid, "Idle"), certificate)).Status);
    }

    [Fact]
    public async Task An_iPhone_has_no_users()
    {
        var udid = Guid.NewGuid().ToString().ToUpperInvariant();
        using var certificate = await server.IssueIdentity();
        await server.Put(CheckIn, Message.Of(udid, "Authenticate", "<key>ProductName</key><string>iPhone15,2</string>"), certificate);
        await server.Put(CheckIn, Message.TokenUpdate(udid), certificate);
        var refused = await server.Put(CheckIn, User(udid, "pupil"), certificate);
        Assert.Equal(403, refused.Status);
        Assert.Contains("not-shared", refused.Body);
    }
}
