using System.Security.Cryptography;
using System.Text;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Profiles;
using FleetMdm.Storage.Returns;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>An iPad is erased, and comes back.</summary>
public abstract class ReturnRules(GrainCluster cluster, bool forgetful)
{
    private const string Network = """
        <dict><key>PayloadType</key><string>com.apple.wifi.managed</string><key>SSID_STR</key><string>School</string><key>EncryptionType</key><string>WPA2</string>
        <key>Password</key><string>{0}</string></dict>
        """;

    private IReturnStore Returns => cluster.Service<IReturnStore>();

    private IProfileStore Library => cluster.Service<IProfileStore>();

    private TestIPad NewIPad() => new(cluster, forgetful);

    private static byte[] Profile(string password) => Encoding.UTF8.GetBytes(
        $"<plist version=\"1.0\"><dict><key>PayloadType</key><string>Configuration</string><key>PayloadContent</key><array>{string.Format(System.Globalization.CultureInfo.InvariantCulture, Network, password)}</array></dict></plist>");

    private async Task<string> Wifi(string password, string? id = null, int version = 1)
    {
        id ??= Guid.NewGuid().ToString();
        var content = Profile(password);
        Assert.Equal(ProfileWriteOutcome.Written, await Library.Write(new ProfileWrite
        {
            Identifier = $"org.example.{id}",
            Content = content,
            Version = new ProfileVersionRow
            {
                ProfileId = id,
                Version = version,
                Uuid = Guid.NewGuid().ToString().ToUpperInvariant(),
                Name = "School Wi-Fi",
                Signed = false,
                HasSecrets = true,
                Variables = [],
                Payloads = [new ProfilePart("com.apple.wifi.managed", "org.example.1", "UUID", null)],
                Size = content.Length,
                CreatedAt = cluster.Clock.GetUtcNow(),
                CreatedBy = "test",
            },
        }));
        return id;
    }

    private async Task<(string Id, string Uuid)> Order(TestIPad ipad, string wifi, bool keepApps = false)
    {
        var (id, uuid) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString().ToUpperInvariant());
        var accepted = await cluster.Grains.GetGrain<IOperationGrain>(id).Start(new OperationOrder
        {
            Target = new OperationTarget { Ids = [ipad.Id] },
            Command = new CommandOrder { CommandUuid = uuid, RequestType = ReturnCommand.RequestType, Command = ReturnCommand.Template(new ReturnOrder(wifi, "School Wi-Fi", 4, keepApps)) },
            RequestedBy = "test",
        });
        Assert.Equal(1, accepted.Total);
        await ipad.NextPush();
        return (id, uuid);
    }

    private async Task<ReturnDeviceRow> RowOf(string returnId) => Assert.Single(await Returns.ListDevices(returnId, null, null, cluster.Clock.GetUtcNow(), null, 10));

    private async Task<string> InvitationOf(string returnId) => (await Returns.Find(Scope.District, returnId))!.Return.InvitationId;

    private static string PasswordIn(ReturnDelivery delivery) => Encoding.UTF8.GetString(delivery.Wifi).Split("<key>Password</key><string>")[1].Split('<')[0];

    [Fact]
    public async Task It_gets_the_newest_Wi_Fi_says_that_it_erases_itself_and_is_back_with_its_name_when_it_enrols()
    {
        using var ipad = await NewIPad().Enrolled();
        var wifi = await Wifi("old");
        var (id, uuid) = await Order(ipad, wifi);
        await Wifi("new", wifi, version: 2);

        var delivery = (await ipad.RawReport(ReportStatus.Idle, null)).Return!;
        Assert.Equal((uuid, "new", ipad.Id, ipad.SerialNumber, await InvitationOf(id)), (delivery.CommandUuid, PasswordIn(delivery), delivery.Udid, delivery.SerialNumber, delivery.InvitationId));
        Assert.Null(delivery.BootstrapToken);
        // It is missing after four hours, and can come back for a week all the same.
        Assert.True(delivery.Ends >= cluster.Clock.GetUtcNow().AddHours(167) && delivery.Ends <= cluster.Clock.GetUtcNow().AddHours(168));
        Assert.Equal(("iPad14,1", "18.3", "22D60"), (delivery.ProductName, delivery.OsVersion, delivery.BuildVersion));
        Assert.Equal(nameof(ReturnDelivery), delivery.ToString());
        Assert.Equal(ReturnState.Told, (await RowOf(id)).State);

        Assert.Null(await ipad.Acknowledge(uuid));
        Assert.Equal(ReturnState.Erased, (await RowOf(id)).State);
        Assert.Equal(EnrolmentStatus.Erased, (await cluster.Queries.FindDevice(ipad.Id))!.Status);

        ipad.Certificate = await ipad.InvitedBy(delivery.InvitationId, proven: new ProvenIPad(ipad.Id, ipad.SerialNumber));
        await ipad.Enrolled();
        var row = await RowOf(id);
        Assert.Equal((ReturnState.Back, ReturnedBy.OwnProfile), (row.State, row.ReturnedBy));
    }

    [Fact]
    public async Task It_is_given_the_name_that_it_had()
    {
        using var ipad = NewIPad();
        Assert.Equal(DeviceRefusal.None, (await ipad.Authenticate(message => message with { DeviceName = "Cart 7" })).Refusal);
        await ipad.TokenUpdate();
        var (_, uuid) = await Order(ipad, await Wifi("x"));
        var delivery = (await ipad.RawReport(ReportStatus.Idle, null)).Return!;
        await ipad.Acknowledge(uuid);
        ipad.Certificate = await ipad.InvitedBy(delivery.InvitationId, proven: new ProvenIPad(ipad.Id, ipad.SerialNumber));
        // Twice: the answer to the first was lost.
        for (var times = 0; times < 2; times++) Assert.Equal(DeviceRefusal.None, (await ipad.Authenticate(message => message with { DeviceName = "iPad" })).Refusal);
        await ipad.TokenUpdate();
        Assert.Equal("Cart 7", (await cluster.Queries.FindDevice(ipad.Id))!.DeviceName);
        var named = TestIPad.CommandIn((await ipad.RawReport(ReportStatus.Idle, null)).Body!).GetDictionary("Command")!;
        Assert.Equal(("Settings", "Cart 7"), (named.GetString("RequestType"), ((PlistDictionary)named.GetArray("Settings")![0]).GetString("DeviceName")));
    }

    [Fact]
    public async Task One_that_erases_itself_without_a_word_may_come_back_and_a_stranger_with_its_profile_may_not()
    {
        using var ipad = await NewIPad().Enrolled();
        var (id, _) = await Order(ipad, await Wifi("x"));
        var delivery = (await ipad.RawReport(ReportStatus.Idle, null)).Return!;

        // The profile names another iPad.
        using var stranger = NewIPad();
        stranger.Certificate = await ipad.InvitedBy(delivery.InvitationId, proven: new ProvenIPad(ipad.Id, ipad.SerialNumber));
        Assert.Equal(DeviceRefusal.ProvenAnother, (await stranger.Authenticate()).Refusal);
        Assert.Equal(ReturnState.Told, (await RowOf(id)).State);

        ipad.Certificate = await ipad.InvitedBy(delivery.InvitationId, proven: new ProvenIPad(ipad.Id, ipad.SerialNumber));
        await ipad.Enrolled();
        Assert.Equal(ReturnState.Back, (await RowOf(id)).State);
        // It comes once more.
        await ipad.TokenUpdate();
        Assert.Equal(ReturnState.Back, (await RowOf(id)).State);
    }

    [Fact]
    public async Task A_Wi_Fi_that_is_gone_or_that_it_could_not_join_any_more_leaves_it_as_it_is()
    {
        using var ipad = await NewIPad().Enrolled();
        var (gone, changed) = (await Wifi("x"), await Wifi("x"));
        var (first, uuid) = await Order(ipad, gone);
        var (second, other) = await Order(ipad, changed);
        Assert.True(await Library.Delete(gone, null, null));
        await Wifi("{{serial}}", changed, version: 2);

        Assert.Null(await ipad.Connect());
        Assert.Equal((CommandEnding.Error, CommandEnding.Error), (await ipad.EndingOf(uuid), await ipad.EndingOf(other)));
        Assert.Equal((ReturnState.Failed, ReturnState.Failed), ((await RowOf(first)).State, (await RowOf(second)).State));
        Assert.Contains("not in the library", (await RowOf(first)).ErrorSummary, StringComparison.Ordinal);
        Assert.Contains("{{serial}}", (await RowOf(second)).ErrorSummary, StringComparison.Ordinal);
        var row = (await cluster.Devices.Load(ipad.Id)).Row!;
        Assert.Equal((EnrolmentStatus.Enrolled, (DateTimeOffset?)null), (row.Status, row.EraseSentAt));
    }

    [Fact]
    public async Task One_that_refuses_or_whose_profile_cannot_be_made_keeps_its_enrolment()
    {
        using var ipad = await NewIPad().Enrolled();
        var (id, uuid) = await Order(ipad, await Wifi("x"));
        Assert.NotNull((await ipad.RawReport(ReportStatus.Idle, null)).Return);
        Assert.Null(await ipad.Fail(uuid));
        var row = await RowOf(id);
        Assert.Equal((ReturnState.Failed, (DateTimeOffset?)null), (row.State, row.HandedAt));

        var (again, unmade) = await Order(ipad, await Wifi("x"));
        Assert.NotNull((await ipad.RawReport(ReportStatus.Idle, null)).Return);
        if (!forgetful)
        {
            Assert.Null((await ipad.Step(grain => grain.ReturnNotMade(unmade, "There is no push certificate."))).Body);
            Assert.Equal((ReturnState.Failed, "There is no push certificate."), ((await RowOf(again)).State, (await RowOf(again)).ErrorSummary));
            Assert.Null((await cluster.Devices.Load(ipad.Id)).Row!.EraseSentAt);
        }

        Assert.Equal(EnrolmentStatus.Enrolled, (await cluster.Queries.FindDevice(ipad.Id))!.Status);
    }

    [Fact]
    public async Task One_that_is_here_when_its_command_ends_without_an_answer_is_not_looked_for()
    {
        using var ipad = await NewIPad().Enrolled();
        var (id, uuid) = await Order(ipad, await Wifi("x"));
        Assert.NotNull((await ipad.RawReport(ReportStatus.Idle, null)).Return);
        Assert.NotNull((await ipad.RawReport(ReportStatus.Idle, null)).Return);
        // It was handed over as often as it may be.
        Assert.Null((await ipad.RawReport(ReportStatus.Idle, null)).Return);
        Assert.Equal(ReturnState.Told, (await RowOf(id)).State);
        Assert.Equal(CancelOutcome.Cancelled, await ipad.Step(grain => grain.Cancel(uuid)));
        var row = await RowOf(id);
        Assert.Equal((ReturnState.Ended, (DateTimeOffset?)null, (DateTimeOffset?)null), (row.State, row.HandedAt, row.DueAt));
    }

    [Fact]
    public async Task The_bootstrap_token_goes_with_the_command_and_stays_for_the_iPad_that_proves_to_be_this_one()
    {
        foreach (var proves in new[] { true, false })
        {
            using var ipad = await NewIPad().Enrolled();
            var token = RandomNumberGenerator.GetBytes(48);
            await ipad.Step(grain => grain.SetBootstrapToken(token, ipad.Certificate));
            var (_, uuid) = await Order(ipad, await Wifi("x"), keepApps: true);
            var delivery = (await ipad.RawReport(ReportStatus.Idle, null)).Return!;
            Assert.Equal(token, delivery.BootstrapToken);
            await ipad.Acknowledge(uuid);
            ipad.Certificate = proves ? await ipad.InvitedBy(delivery.InvitationId, proven: new ProvenIPad(ipad.Id, ipad.SerialNumber)) : await ipad.Invited();
            // Twice: the answer to the first was lost.
            Assert.Equal(DeviceRefusal.None, (await ipad.Authenticate()).Refusal);
            await ipad.Enrolled();
            var kept = (await ipad.Step(grain => grain.GetBootstrapToken(ipad.Certificate))).Body;
            Assert.Equal(proves ? token : null, kept is null ? null : TestIPad.CommandIn(kept).GetData("BootstrapToken"));
        }
    }

    [Fact]
    public async Task One_that_asks_for_it_is_told_to_return_when_somebody_has_said_how()
    {
        using var ipad = await NewIPad().Enrolled();
        async Task<DeviceReply> Ask() => await ipad.Step(grain => grain.ReturnToService(ipad.Certificate));
        Assert.False(TestIPad.CommandIn((await Ask()).Body!).GetDictionary("ReturnToService")!.GetBoolean("Enabled"));
        var wifi = await Wifi("asked");
        Assert.True(await Returns.WriteAnswer(
            new ReturnAnswer { WifiProfileId = wifi, KeepApps = true, PreserveDataPlan = true, InvitationId = $"return-{Guid.NewGuid():N}", UpdatedAt = cluster.Clock.GetUtcNow(), UpdatedBy = "test" }, null));
        try
        {
            var told = (await Ask()).Return!;
            Assert.Equal(((string?)null, "asked", true), (told.CommandUuid, PasswordIn(told), told.PreserveDataPlan));
            Assert.NotNull((await cluster.Devices.Load(ipad.Id)).Row!.EraseSentAt);

            await Library.Delete(wifi, null, null);
            Assert.False(TestIPad.CommandIn((await Ask()).Body!).GetDictionary("ReturnToService")!.GetBoolean("Enabled"));
        }
        finally
        {
            await Returns.DeleteAnswer(cluster.Clock.GetUtcNow(), null);
        }
    }
}
