using System.Text;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Tests.Plist;

namespace FleetMdm.Protocol.Tests.Mdm;

public sealed class MdmMessageReaderTests
{
    /// <summary>Every message is read from XML, and again from its binary twin.</summary>
    public static readonly TheoryData<bool> BothForms = [false, true];

    [Theory, MemberData(nameof(BothForms))]
    public void Idle_is_a_report_without_a_command(bool binary)
    {
        var report = Read<CommandReport>(Samples.Idle, binary);
        Assert.Equal(CommandStatus.Idle, report.Status);
        Assert.Null(report.CommandUuid);
        Assert.Empty(report.ErrorChain);
        Assert.Equal(Samples.Udid, report.Sender.EnrolmentId);
    }

    [Theory, MemberData(nameof(BothForms))]
    public void Authenticate_tells_what_the_iPad_is(bool binary)
    {
        var message = Read<Authenticate>(Samples.Authenticate, binary);
        Assert.Equal(Samples.Topic, message.Topic);
        Assert.Equal("DMQX7K2PN4", message.SerialNumber);
        Assert.Equal("iPad13,18", message.ProductName);
        Assert.Equal("26.1", message.OsVersion);
        Assert.Equal("23B85", message.BuildVersion);
        Assert.Equal("35 982110 443127 6", message.Imei);
        Assert.Equal("35982110443127", message.Meid);
        Assert.Null(message.Model);
        Assert.Null(message.ModelName);
        Assert.Null(message.DeviceName);
        Assert.Equal(MdmSenderKind.Device, message.Sender.Kind);
    }

    [Theory, MemberData(nameof(BothForms))]
    public void The_Authenticate_of_a_User_Enrollment_is_known_by_its_EnrollmentID(bool binary)
    {
        var message = Read<Authenticate>(Samples.UserEnrollmentAuthenticate, binary);
        Assert.Equal(MdmSenderKind.UserEnrollment, message.Sender.Kind);
        Assert.Equal(Samples.EnrollmentId, message.Sender.EnrolmentId);
        Assert.Null(message.Sender.Udid);
        Assert.Null(message.SerialNumber);
    }

    [Theory, MemberData(nameof(BothForms))]
    public void TokenUpdate_brings_token_push_magic_and_unlock_token(bool binary)
    {
        var update = Read<TokenUpdate>(Samples.TokenUpdate, binary);
        Assert.Equal(Convert.FromHexString("ABCDEF1234567890ABCDEF1234567890ABCDEF1234567890ABCDEF1234567890"), update.Token);
        Assert.Equal("5C0E7A41-8B93-4F6D-A2C8-91D3E4F50617", update.PushMagic);
        Assert.Equal(Enumerable.Range(0, 16).Select(value => (byte)value), update.UnlockToken);
        Assert.Equal(Samples.Topic, update.Topic);
        Assert.True(update.AwaitingConfiguration);
    }

    [Theory, MemberData(nameof(BothForms))]
    public void The_TokenUpdate_of_a_Shared_iPads_user_is_for_the_users_channel(bool binary)
    {
        var update = Read<TokenUpdate>(Samples.SharedUserTokenUpdate, binary);
        Assert.Equal(MdmSenderKind.SharedUser, update.Sender.Kind);
        Assert.Equal($"{Samples.Udid}:{Samples.Pupil}", update.Sender.EnrolmentId);
        Assert.Equal(Samples.Udid, update.Sender.DeviceId);
        Assert.Equal("Mira Vogel", update.Sender.UserLongName);
    }

    [Fact]
    public void A_TokenUpdate_without_an_unlock_token_is_told_from_one_with_it()
    {
        var update = Read<TokenUpdate>(Samples.CheckIn("TokenUpdate", "<key>Token</key><data>AQ==</data><key>PushMagic</key><string>m</string><key>UnlockToken</key><data/>"));
        Assert.Null(update.UnlockToken);
        Assert.False(update.AwaitingConfiguration);
        Assert.Null(update.Topic);
    }

    [Fact]
    public void Messages_with_secrets_do_not_print_them()
    {
        var update = Read<TokenUpdate>(Samples.TokenUpdate);
        Assert.Equal($"TokenUpdate {Samples.Udid}", update.ToString());
        Assert.Equal($"SetBootstrapToken {Samples.Udid}", Read<SetBootstrapToken>(Samples.CheckIn("SetBootstrapToken")).ToString());
    }

    [Fact]
    public void The_messages_that_carry_nothing_but_their_name_are_told_apart()
    {
        Assert.Equal(Samples.Udid, Read<CheckOut>(Samples.CheckIn("CheckOut")).Sender.EnrolmentId);
        Read<UserAuthenticate>(Samples.CheckIn("UserAuthenticate", "<key>UserID</key><string>501</string>"));
        Read<GetBootstrapToken>(Samples.CheckIn("GetBootstrapToken"));
        Read<ReturnToService>(Samples.CheckIn("ReturnToService"));
    }

    [Fact]
    public void GetToken_names_the_service() =>
        Assert.Equal("com.apple.maid", Read<GetToken>(Samples.CheckIn("GetToken", "<key>TokenServiceType</key><string>com.apple.maid</string>")).TokenServiceType);

    [Theory]
    [InlineData("<key>BootstrapToken</key><data>AQID</data>", new byte[] { 1, 2, 3 })]
    [InlineData("<key>BootstrapToken</key><data/>", null)]
    [InlineData("<key>AwaitingConfiguration</key><false/>", null)]
    public void SetBootstrapToken_brings_the_token_or_nothing_to_forget_it(string entries, byte[]? expected) =>
        Assert.Equal(expected, Read<SetBootstrapToken>(Samples.CheckIn("SetBootstrapToken", entries)).BootstrapToken);

    [Theory, MemberData(nameof(BothForms))]
    public void DeclarativeManagement_brings_endpoint_and_status(bool binary)
    {
        var tokens = Read<DeclarativeManagement>(Samples.CheckIn("DeclarativeManagement", "<key>Endpoint</key><string>tokens</string>"), binary);
        Assert.Equal("tokens", tokens.Endpoint);
        Assert.Null(tokens.Data);
        var status = Read<DeclarativeManagement>(
            Samples.CheckIn("DeclarativeManagement", $"<key>Endpoint</key><string>status</string><key>Data</key><data>{Convert.ToBase64String("{}"u8)}</data>"), binary);
        Assert.Equal("{}"u8.ToArray(), status.Data);
    }

    [Theory]
    [InlineData("Acknowledged", CommandStatus.Acknowledged)]
    [InlineData("Error", CommandStatus.Error)]
    [InlineData("CommandFormatError", CommandStatus.CommandFormatError)]
    [InlineData("NotNow", CommandStatus.NotNow)]
    public void A_report_names_its_command_and_says_what_became_of_it(string status, CommandStatus expected)
    {
        var report = Read<CommandReport>(Samples.Report(status, Samples.UdidEntry));
        Assert.Equal(expected, report.Status);
        Assert.Equal(Samples.CommandUuid, report.CommandUuid);
    }

    [Theory, MemberData(nameof(BothForms))]
    public void What_stands_inside_an_answer_is_not_taken_for_the_reports_own_keys(bool binary)
    {
        var report = Read<CommandReport>(Samples.DeviceInformation, binary);
        Assert.Equal(CommandStatus.Acknowledged, report.Status);
        Assert.Equal(Samples.Udid, report.Sender.EnrolmentId);
    }

    [Theory, MemberData(nameof(BothForms))]
    public void An_error_chain_is_kept_from_the_outermost_cause_inwards(bool binary)
    {
        var report = Read<CommandReport>(Samples.FailedInstall, binary);
        Assert.Equal(CommandStatus.Error, report.Status);
        Assert.Equal(2, report.ErrorChain.Count);
        Assert.Equal(new CommandError("MCInstallationErrorDomain", 4001,
            "Das Profil „WLAN Schulhaus“ konnte nicht installiert werden.", "The profile “WLAN Schulhaus” could not be installed."), report.ErrorChain[0]);
        Assert.Equal(1009, report.ErrorChain[1].Code);
        Assert.Equal("The profile “WLAN Schulhaus” could not be installed. (MCInstallationErrorDomain 4001)", report.ErrorChain[0].Summary);
        Assert.Equal("Das Profil ist ungültig. (MCProfileErrorDomain 1009)", report.ErrorChain[1].Summary);
    }

    [Theory]
    [InlineData("<string>none</string>", 0)]
    [InlineData("<dict><key>ErrorCode</key><integer>1</integer></dict>", 0)]
    [InlineData("<array/>", 0)]
    [InlineData("<array><string>x</string><array><dict/></array><dict/></array>", 1)]
    [InlineData("<array><dict><key>ErrorCode</key><string>12</string><key>ErrorDomain</key><integer>3</integer><key>UserInfo</key><dict><key>a</key><array/></dict></dict></array>", 1)]
    [InlineData("<array><dict><key>ErrorCode</key><integer>18446744073709551615</integer></dict></array>", 1)]
    [InlineData("<array><dict><key>ErrorCode</key><integer>many</integer></dict></array>", 1)]
    public void An_odd_error_chain_is_no_reason_to_refuse_a_report(string chain, int items)
    {
        var body = Samples.Report("Error", $"<key>ErrorChain</key>{chain}{Samples.UdidEntry}");
        var report = Read<CommandReport>(body);
        Assert.Equal(items, report.ErrorChain.Count);
        Assert.All(report.ErrorChain, error => Assert.Equal("no description", error.Summary));
        if (!chain.Contains("many", StringComparison.Ordinal))
            Assert.Equal(items, Read<CommandReport>(body, binary: true).ErrorChain.Count);
    }

    [Fact]
    public void An_error_chain_is_kept_short()
    {
        var item = $"<dict><key>ErrorDomain</key><string>{new string('d', 1023)}😀{new string('d', 1000)}</string></dict>";
        var report = Read<CommandReport>(Samples.Report("Error", $"<key>ErrorChain</key><array>{string.Concat(Enumerable.Repeat(item, 50))}</array>{Samples.UdidEntry}"));
        Assert.Equal(16, report.ErrorChain.Count);
        Assert.Equal(new string('d', 1023), report.ErrorChain[0].Domain);
        Assert.EndsWith("ddd)", report.ErrorChain[0].Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void The_summary_of_an_error_without_a_domain_has_its_code() =>
        Assert.Equal("no description (no domain 12)", new CommandError(null, 12, null, null).Summary);

    [Fact]
    public void Keys_may_stand_in_any_order_and_be_written_in_any_way()
    {
        var report = Read<CommandReport>("<dict><!-- a --><key>U&#68;ID</key><string><![CDATA[A-1]]></string><key>X</key><array><dict/></array><key>Status</key><string>Not<!-- -->Now</string><key>CommandUUID</key><string>u</string></dict>"u8.ToArray());
        Assert.Equal(CommandStatus.NotNow, report.Status);
        Assert.Equal("A-1", report.Sender.EnrolmentId);
    }

    [Fact]
    public void A_megabyte_of_inventory_is_passed_over_without_making_a_tree()
    {
        var body = Samples.InstalledApplications(1000 * 1000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var report = Read<CommandReport>(body);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 * 1024);
        Assert.Equal(CommandStatus.Acknowledged, report.Status);
    }

    [Fact]
    public void An_idle_poll_allocates_less_than_its_own_size()
    {
        Read<CommandReport>(Samples.Idle);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Read<CommandReport>(Samples.Idle);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Samples.Idle.Length);
    }

    [Theory]
    [InlineData("<array/>")]
    [InlineData("<array><dict><key>Status</key><string>Idle</string></dict></array>")]
    [InlineData("<string>Idle</string>")]
    [InlineData("<plist><true/></plist>")]
    public void A_root_that_is_no_dictionary_is_refused(string xml)
    {
        Refused(MdmReason.WrongRoot, "", Encoding.UTF8.GetBytes(xml));
        Refused(MdmReason.WrongRoot, "", Binary(Encoding.UTF8.GetBytes(xml)));
    }

    [Theory]
    [InlineData("<array>")]
    [InlineData("<true/><true/>")]
    [InlineData("<dict><key>UDID</key><string>a</string><key>Status</key><string>Idle</string></dict><x/>")]
    [InlineData("<dict><key>X</key><array><dict></array></dict>")]
    [InlineData("<dict><key>UDID</key></dict>")]
    [InlineData("")]
    public void What_is_no_property_list_is_refused_as_that(string xml) =>
        Assert.Throws<PlistFormatException>(() => MdmMessageReader.Read(Encoding.UTF8.GetBytes(xml), PlistLimits.Device));

    [Fact]
    public void A_body_over_the_limit_is_refused()
    {
        var limits = PlistLimits.ForBytes(100);
        Assert.Equal(PlistReason.TooLarge, Assert.Throws<PlistFormatException>(() => MdmMessageReader.Read(Samples.Idle, limits)).Reason);
    }

    [Fact]
    public void A_message_without_a_sender_is_refused() =>
        Refused(MdmReason.MissingKey, "UDID", Samples.Document("<key>Status</key><string>Idle</string><key>UDID</key><string/>"));

    [Fact]
    public void A_message_that_is_neither_check_in_nor_report_is_refused() =>
        Refused(MdmReason.MissingKey, "Status", Samples.Document(Samples.UdidEntry));

    [Fact]
    public void An_unknown_MessageType_is_refused_and_named()
    {
        var refused = Refused(MdmReason.UnknownMessageType, "MessageType", Samples.CheckIn("Authenticate2"));
        Assert.Contains("'Authenticate2'", refused.Message, StringComparison.Ordinal);
        Refused(MdmReason.UnknownMessageType, "MessageType", Samples.CheckIn("authenticate"));
    }

    [Fact]
    public void An_unknown_Status_is_refused_and_named()
    {
        var refused = Refused(MdmReason.UnknownStatus, "Status", Samples.Report("Done", Samples.UdidEntry));
        Assert.Contains("'Done'", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<key>Status</key><string>Acknowledged</string>", MdmReason.MissingKey)]
    [InlineData("<key>Status</key><string>NotNow</string><key>CommandUUID</key><string/>", MdmReason.MissingKey)]
    [InlineData("<key>Status</key><string>Error</string><key>CommandUUID</key><integer>5</integer>", MdmReason.WrongType)]
    public void A_report_must_name_its_command(string entries, MdmReason reason) =>
        Refused(reason, "CommandUUID", Samples.Document(entries + Samples.UdidEntry));

    [Fact]
    public void A_CommandUUID_has_at_most_128_characters()
    {
        var body = Encoding.UTF8.GetString(Samples.Report("NotNow", Samples.UdidEntry));
        Read<CommandReport>(Encoding.UTF8.GetBytes(body.Replace(Samples.CommandUuid, new string('A', 128), StringComparison.Ordinal)));
        Refused(MdmReason.InvalidValue, "CommandUUID", Encoding.UTF8.GetBytes(body.Replace(Samples.CommandUuid, new string('A', 129), StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("TokenUpdate", "<key>PushMagic</key><string>m</string>", "Token")]
    [InlineData("TokenUpdate", "<key>PushMagic</key><string>m</string><key>Token</key><data/>", "Token")]
    [InlineData("TokenUpdate", "<key>Token</key><data>AQ==</data>", "PushMagic")]
    [InlineData("TokenUpdate", "<key>Token</key><data>AQ==</data><key>PushMagic</key><string></string>", "PushMagic")]
    [InlineData("GetToken", "", "TokenServiceType")]
    [InlineData("DeclarativeManagement", "<key>Data</key><data>e30=</data>", "Endpoint")]
    public void A_required_key_that_is_absent_or_empty_is_named(string messageType, string entries, string field) =>
        Refused(MdmReason.MissingKey, field, Samples.CheckIn(messageType, entries));

    [Theory]
    [InlineData("<key>Token</key><string>AQ==</string>", "Token")]
    [InlineData("<key>PushMagic</key><data>AQ==</data>", "PushMagic")]
    [InlineData("<key>AwaitingConfiguration</key><string>true</string>", "AwaitingConfiguration")]
    [InlineData("<key>EnrollmentID</key><dict/>", "EnrollmentID")]
    [InlineData("<key>OSVersion</key><real>26.1</real>", "OSVersion")]
    [InlineData("<key>IMEI</key><integer>1</integer>", "IMEI")]
    [InlineData("<key>MEID</key><true/>", "MEID")]
    [InlineData("<key>UserID</key><array/>", "UserID")]
    [InlineData("<key>SerialNumber</key><date>2026-01-01T00:00:00Z</date>", "SerialNumber")]
    public void A_key_of_another_type_is_named(string entry, string field)
    {
        var body = Samples.CheckIn("TokenUpdate", entry);
        Refused(MdmReason.WrongType, field, body);
        Refused(MdmReason.WrongType, field, Binary(body));
    }

    [Fact]
    public void A_key_that_routing_depends_on_may_not_stand_twice()
    {
        Refused(MdmReason.DuplicateKey, "UDID", Samples.Report("NotNow", $"{Samples.UdidEntry}<key>UDID</key><string>another</string>"));
        Refused(MdmReason.DuplicateKey, "Status", Samples.Report("NotNow", $"<key>Status</key><string>Idle</string>{Samples.UdidEntry}"));
    }

    [Fact]
    public void Texts_and_tokens_that_are_kept_have_a_limit()
    {
        Refused(MdmReason.InvalidValue, "DeviceName", Samples.CheckIn("Authenticate", $"<key>DeviceName</key><string>{new string('n', 1025)}</string>"));
        Refused(MdmReason.InvalidValue, "Token",
            Samples.CheckIn("TokenUpdate", $"<key>PushMagic</key><string>m</string><key>Token</key><data>{Convert.ToBase64String(new byte[257])}</data>"));
    }

    [Fact]
    public void A_token_that_is_no_Base64_is_refused()
    {
        var refused = Assert.Throws<PlistFormatException>(() => MdmMessageReader.Read(Samples.CheckIn("TokenUpdate", "<key>Token</key><data>?</data>"), PlistLimits.Device));
        Assert.Equal(PlistReason.InvalidValue, refused.Reason);
    }

    private static TMessage Read<TMessage>(byte[] body, bool binary = false)
        where TMessage : MdmMessage =>
        Assert.IsType<TMessage>(MdmMessageReader.Read(binary ? Binary(body) : body, PlistLimits.Device));

    private static byte[] Binary(byte[] body) => BinaryPlistWriter.Write(PlistReader.Read(body, PlistLimits.Device));

    private static MdmFormatException Refused(MdmReason reason, string field, byte[] body)
    {
        var refused = Assert.Throws<MdmFormatException>(() => MdmMessageReader.Read(body, PlistLimits.Device));
        Assert.Equal(reason, refused.Reason);
        Assert.Equal(field, refused.Field);
        return refused;
    }
}
