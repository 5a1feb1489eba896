using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Mdm;

public sealed class MdmMessageReaderTests
{
    [Fact]
    public void Idle_is_a_report_without_a_command()
    {
        var report = Assert.IsType<CommandReport>(MdmMessageReader.Read(Samples.Idle, PlistLimits.Device));
        Assert.Equal(CommandStatus.Idle, report.Status);
        Assert.Null(report.CommandUuid);
        Assert.Equal(Samples.Udid, report.Sender.EnrolmentId);
    }

    [Fact]
    public void TokenUpdate_brings_token_push_magic_and_unlock_token()
    {
        var update = Assert.IsType<TokenUpdate>(MdmMessageReader.Read(Samples.TokenUpdate, PlistLimits.Device));
        Assert.Equal(32, update.Token.Length);
        Assert.Equal(16, update.UnlockToken!.Length);
        Assert.True(update.AwaitingConfiguration);
    }
}
