using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Mdm;

public sealed class CommandEnvelopeTests
{
    [Fact]
    public void An_envelope_holds_the_UUID_and_the_command_as_it_was_stored()
    {
        var fragment = PlistWriter.ToFragment(new PlistDictionary { ["RequestType"] = "DeviceLock", ["Message"] = "Bitte zurück ins Schulhaus <5b> & melden" });
        var document = CommandEnvelope.Compose(Samples.CommandUuid, fragment);
        Assert.True(document.AsSpan().IndexOf(fragment) > 0);
        var root = PlistReader.ReadDictionary(document, PlistLimits.Device);
        Assert.Equal(2, root.Count);
        Assert.Equal(Samples.CommandUuid, root.GetString("CommandUUID"));
        Assert.Equal("Bitte zurück ins Schulhaus <5b> & melden", root.GetDictionary("Command")!.GetString("Message"));
        Assert.Equal(PlistWriter.ToBytes(root), document);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a<b")]
    [InlineData("a&b")]
    [InlineData("ä")]
    [InlineData("a b")]
    public void A_UUID_that_would_need_escaping_is_refused(string uuid) =>
        Assert.Throws<ArgumentException>(() => CommandEnvelope.Compose(uuid, "<dict/>"u8));

    [Fact]
    public void A_UUID_has_at_most_128_characters()
    {
        CommandEnvelope.Compose(new string('A', 128), "<dict/>"u8);
        Assert.Throws<ArgumentException>(() => CommandEnvelope.Compose(new string('A', 129), "<dict/>"u8));
    }
}
