using System.Security.Cryptography.X509Certificates;
using System.Text;
using FleetMdm.Storage.Devices;
using RealSignature = FleetMdm.VirtualFleet.Enrolment.MdmSignature;

namespace FleetMdm.Api.Tests.CheckIn;

public sealed class ReplayOnSqlite(AdministeredOnSqlite server) : ReplayTests(server), IClassFixture<AdministeredOnSqlite>;

public sealed class ReplayOnPostgreSql(AdministeredOnPostgreSql server) : ReplayTests(server), IClassFixture<AdministeredOnPostgreSql>;

/// <summary>A stranger has recorded what an iPad signed, and sends it once more from a connection of his own.</summary>
public abstract class ReplayTests(AdministeredServer server)
{
    private sealed record Recorded(string Path, byte[] Body, string Signature);

    private sealed record SignedPad(AdministeredServer Server, string Udid, X509Certificate2 Certificate)
    {
        public EnrolledPad Known => new(Server, Udid, Certificate);

        public Recorded Sign(string plist, DateTimeOffset? signedAt = null)
        {
            var body = Encoding.UTF8.GetBytes(plist);
            return new Recorded(plist.Contains("MessageType", StringComparison.Ordinal) ? "/mdm/checkin" : "/mdm/connect", body,
                signedAt is { } at ? RealSignature.Sign(body, Certificate, at) : RealSignature.Sign(body, Certificate));
        }

        public Recorded Authenticate(string os = "18.3", DateTimeOffset? signedAt = null) =>
            Sign(Message.Of(Udid, "Authenticate", $"<key>OSVersion</key><string>{os}</string><key>SerialNumber</key><string>F1</string>"), signedAt);

        public Recorded TokenUpdate(byte token) => Sign(Message.Of(
            Udid, "TokenUpdate", $"<key>Token</key><data>{Convert.ToBase64String([token, .. new byte[31]])}</data><key>PushMagic</key><string>magic</string>"));

        public Recorded CheckOut() => Sign(Message.Of(Udid, "CheckOut"));
    }

    private async Task<int> Send(Recorded message) => (await server.Put(message.Path, message.Body, ("Mdm-Signature", message.Signature))).Status;

    private async Task<SignedPad> NewPad() => new(server, Guid.NewGuid().ToString().ToUpperInvariant(), await server.IssueIdentity(rsa: true));

    private async Task<(SignedPad Pad, Recorded Authenticate, Recorded TokenUpdate)> Enrolled()
    {
        var pad = await NewPad();
        var (authenticate, tokens) = (pad.Authenticate(), pad.TokenUpdate(1));
        Assert.Equal(200, await Send(authenticate));
        Assert.Equal(200, await Send(tokens));
        return (pad, authenticate, tokens);
    }

    private async Task<DeviceRow> Row(SignedPad pad) => (await server.Service<IDeviceStore>().Load(pad.Udid)).Row!;

    [Fact]
    public async Task A_recorded_Authenticate_does_not_begin_the_enrolment_anew()
    {
        var (pad, authenticate, _) = await Enrolled();
        var command = await pad.Known.Send("DeviceInformation");
        var before = await Row(pad);

        Assert.Equal(200, await Send(authenticate));

        Assert.Equal(before.Version, (await Row(pad)).Version);
        Assert.Equal(EnrolmentStatus.Enrolled, (await Row(pad)).Status);
        Assert.Equal(command, await pad.Known.Idle());
    }

    [Fact]
    public async Task Neither_does_one_from_before_the_newest()
    {
        var (pad, old, tokens) = await Enrolled();
        Assert.Equal(200, await Send(pad.Authenticate("18.4")));
        Assert.Equal(EnrolmentStatus.Authenticated, (await Row(pad)).Status);
        Assert.Equal(200, await Send(tokens));
        Assert.Equal(EnrolmentStatus.Enrolled, (await Row(pad)).Status);

        Assert.Equal(200, await Send(old));

        Assert.Equal((EnrolmentStatus.Enrolled, "18.4"), ((await Row(pad)).Status, (await Row(pad)).OsVersion));
    }

    [Fact]
    public async Task An_iPad_that_did_not_get_its_answer_enrols_with_the_same_message()
    {
        var pad = await NewPad();
        Assert.Equal(200, await Send(pad.Authenticate()));
        Assert.Equal(200, await Send(pad.Authenticate()));
        Assert.Equal(200, await Send(pad.TokenUpdate(1)));
        Assert.Equal(200, await Send(pad.TokenUpdate(1)));
        Assert.Equal(EnrolmentStatus.Enrolled, (await Row(pad)).Status);
    }

    [Fact]
    public async Task An_iPad_that_is_restored_says_the_same_and_goes_on_with_its_new_token()
    {
        var (pad, authenticate, _) = await Enrolled();
        Assert.Equal(200, await Send(authenticate));
        Assert.Equal(200, await Send(pad.TokenUpdate(7)));
        Assert.Equal((EnrolmentStatus.Enrolled, 7), ((await Row(pad)).Status, (await Row(pad)).PushToken![0]));
    }

    [Fact]
    public async Task One_that_says_when_it_signed_begins_anew_with_each_new_signature()
    {
        var pad = await NewPad();
        var at = new DateTimeOffset(2026, 5, 1, 8, 0, 0, TimeSpan.Zero);
        var first = pad.Authenticate(signedAt: at);
        Assert.Equal(200, await Send(first));
        Assert.Equal(200, await Send(pad.TokenUpdate(1)));
        Assert.Equal(200, await Send(first));
        Assert.Equal(EnrolmentStatus.Enrolled, (await Row(pad)).Status);

        Assert.Equal(200, await Send(pad.Authenticate(signedAt: at.AddMinutes(1))));
        Assert.Equal(EnrolmentStatus.Authenticated, (await Row(pad)).Status);
    }

    [Fact]
    public async Task What_came_by_the_iPads_own_connection_begins_anew_and_is_known_again_when_a_stranger_sends_it()
    {
        var pad = await NewPad();
        var recorded = pad.Authenticate();
        Assert.Equal(200, (await server.Put(recorded.Path, recorded.Body, pad.Certificate)).Status);
        Assert.Equal(200, await Send(pad.TokenUpdate(1)));
        Assert.Equal(200, await Send(recorded));
        Assert.Equal(EnrolmentStatus.Enrolled, (await Row(pad)).Status);

        Assert.Equal(200, (await server.Put(recorded.Path, recorded.Body, pad.Certificate)).Status);
        Assert.Equal(EnrolmentStatus.Authenticated, (await Row(pad)).Status);
    }

    [Fact]
    public async Task A_recorded_TokenUpdate_does_not_put_an_old_push_token_back()
    {
        var (pad, _, old) = await Enrolled();
        Assert.Equal(200, await Send(pad.TokenUpdate(2)));
        Assert.Equal(200, await Send(old));
        Assert.Equal(2, (await Row(pad)).PushToken![0]);

        // When the newer one is dead there is nothing to lose, and the iPad may have meant it.
        await server.Grains.GetGrain<FleetMdm.Grains.Interfaces.IDeviceGrain>(pad.Udid).PushTokenDied((await Row(pad)).PushToken!, "Unregistered", null);
        Assert.Equal(200, await Send(old));
        Assert.Equal((1, null), ((await Row(pad)).PushToken![0], (await Row(pad)).PushTokenDead));
    }

    [Fact]
    public async Task A_recorded_TokenUpdate_does_not_put_an_old_unlock_token_back_even_when_the_push_token_is_the_same()
    {
        var (pad, _, _) = await Enrolled();
        Recorded With(string unlock) => pad.Sign(Message.Of(pad.Udid, "TokenUpdate",
            $"<key>Token</key><data>{Convert.ToBase64String([1, .. new byte[31]])}</data><key>PushMagic</key><string>magic</string><key>UnlockToken</key><data>{Convert.ToBase64String(Encoding.UTF8.GetBytes(unlock))}</data>"));
        Task<byte[]?> Held() => server.Service<IEscrowStore>().Find(pad.Udid, EscrowedToken.Unlock);

        var old = With("old");
        Assert.Equal(200, await Send(old));
        Assert.Equal(200, await Send(With("new")));
        var (held, version) = (await Held(), (await Row(pad)).Version);
        Assert.Equal(200, await Send(old));
        Assert.Equal(held, await Held());
        Assert.Equal(200, await Send(With("new")));
        Assert.Equal(version, (await Row(pad)).Version);
    }

    [Fact]
    public async Task An_iPad_that_has_left_is_not_brought_back_by_what_it_said()
    {
        var (pad, authenticate, tokens) = await Enrolled();
        Assert.Equal(200, await Send(pad.CheckOut()));
        Assert.Equal(EnrolmentStatus.Unenrolled, (await Row(pad)).Status);

        Assert.Equal(403, await Send(authenticate));
        Assert.Equal(403, await Send(tokens));
        Assert.Equal(EnrolmentStatus.Unenrolled, (await Row(pad)).Status);
    }

    [Fact]
    public async Task A_recorded_CheckOut_does_not_end_a_later_enrolment()
    {
        var (pad, _, _) = await Enrolled();
        var left = pad.CheckOut();
        Assert.Equal(200, await Send(left));
        Assert.Equal(200, await Send(pad.Authenticate("18.5")));
        Assert.Equal(200, await Send(pad.TokenUpdate(3)));

        Assert.Equal(200, await Send(left));
        Assert.Equal(EnrolmentStatus.Enrolled, (await Row(pad)).Status);
        // By its own connection the iPad leaves whenever it wants to.
        Assert.Equal(200, (await server.Put(left.Path, left.Body, pad.Certificate)).Status);
        Assert.Equal(EnrolmentStatus.Unenrolled, (await Row(pad)).Status);
    }

    [Fact]
    public async Task A_recorded_SetBootstrapToken_does_not_put_an_old_token_back()
    {
        var (pad, _, _) = await Enrolled();
        Recorded Set(string token) => pad.Sign(Message.Of(pad.Udid, "SetBootstrapToken",
            token.Length == 0 ? "" : $"<key>BootstrapToken</key><data>{Convert.ToBase64String(Encoding.UTF8.GetBytes(token))}</data>"));
        async Task<string> Held() => (await server.Put("/mdm/checkin", Message.Of(pad.Udid, "GetBootstrapToken"), pad.Certificate)).Body;

        var old = Set("old");
        Assert.Equal(200, await Send(old));
        Assert.Equal(200, await Send(Set("new")));
        Assert.Equal(200, await Send(old));
        Assert.Contains(Convert.ToBase64String("new"u8), await Held());
        Assert.Equal(200, await Send(Set("")));
        Assert.Equal("", await Held());
    }

    [Fact]
    public async Task However_many_messages_an_iPad_sends_a_bounded_number_is_remembered_and_Authenticate_stays_among_them()
    {
        var (pad, authenticate, _) = await Enrolled();
        for (byte token = 2; token < 40; token++) Assert.Equal(200, await Send(pad.TokenUpdate(token)));
        Assert.InRange((await Row(pad)).TakenMessages!.Length, 16, 16 * 17);
        Assert.Equal(200, await Send(authenticate));
        Assert.Equal(EnrolmentStatus.Enrolled, (await Row(pad)).Status);
    }
}
