using System.Text;
using CsCheck;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Tests.Plist;

namespace FleetMdm.Protocol.Tests.Mdm;

public sealed class MdmHostileInput
{
    /// <summary>An exception and its text, one message, and twice the texts of a body that is kept.</summary>
    private const int AllocationPerByte = 8;
    private const int AllocationBeside = 64 * 1024;

    private static readonly Gen<byte[]> Message = Gen.OneOf(
        Samples.Idle, Samples.Authenticate, Samples.UserEnrollmentAuthenticate, Samples.TokenUpdate, Samples.SharedUserTokenUpdate,
        Samples.FailedInstall, Samples.DeviceInformation);

    private static readonly Gen<byte[]> Piece = Gen.OneOf(
        Gen.OneOf("<", ">", "&", "</", "]]>", "<!--", "<![CDATA[", "<?", "&x;", "&#0;", "\0", "<dict>", "</dict>", "<array>", "<true/>", "<key>UDID</key>", "<key>MessageType</key>",
            "<string>", "</string>", "<string>Authenticate</string>", "<data>!</data>", "\uFFFF", "bplist00").Select(Encoding.UTF8.GetBytes),
        Gen.Byte.Array[0, 4]);

    [Fact]
    public void A_damaged_message_is_a_message_or_one_of_two_exceptions() =>
        Gen.Select(Message, Gen.Bool, Gen.Select(Gen.Int[0, 2000], Gen.Int[0, 30], Piece).Array[1, 5]).Sample((message, binary, wounds) =>
        {
            var body = binary ? BinaryPlistWriter.Write(PlistReader.Read(message, PlistLimits.Device)) : message;
            foreach (var (where, length, piece) in wounds)
            {
                var at = where % (body.Length + 1);
                body = [.. body[..at], .. piece, .. body[Math.Min(body.Length, at + length)..]];
            }

            Bounded(body);
        }, iter: 8_000);

    [Fact]
    public void Every_cut_of_a_message_is_one_of_two_exceptions()
    {
        foreach (var message in (byte[][])[Samples.TokenUpdate, Samples.FailedInstall, BinaryPlistWriter.Write(PlistReader.Read(Samples.TokenUpdate, PlistLimits.Device))])
        {
            var end = message.AsSpan().LastIndexOf((byte)'>');
            for (var length = 0; length < (message[0] == '<' ? end : message.Length); length++)
                Assert.Null(Bounded(message[..length]));
        }
    }

    [Fact]
    public void The_reader_without_a_tree_takes_no_message_that_the_reader_with_one_does_not_understand_alike() =>
        Gen.Select(Message, Gen.Int[0, 2000], Gen.Int[0, 10], Piece).Sample((message, where, length, piece) =>
        {
            var at = where % message.Length;
            byte[] body = [.. message[..at], .. piece, .. message[Math.Min(message.Length, at + length)..]];
            if (Bounded(body) is not { } read)
                return;
            PlistDictionary root;
            try
            {
                root = PlistReader.ReadDictionary(body, PlistLimits.Device);
            }
            catch (PlistFormatException refused)
            {
                // What the fast reader passes over it does not judge.
                Assert.True(refused.Reason is PlistReason.InvalidValue or PlistReason.DuplicateKey, refused.Message);
                return;
            }

            Assert.Equal(NullWhenEmpty(root.GetString("UDID")), read.Sender.Udid);
            Assert.Equal(NullWhenEmpty(root.GetString("EnrollmentID")), read.Sender.EnrollmentId);
            if (read is CommandReport { Status: not CommandStatus.Idle } report)
                Assert.Equal(root.GetString("CommandUUID"), report.CommandUuid);
            Assert.Equal(read is CheckInMessage, NullWhenEmpty(root.GetString("MessageType")) is not null);
        }, iter: 8_000);

    [Theory]
    [InlineData("<array>", "")]
    [InlineData("<dict><key>a</key>", "")]
    [InlineData("<string>&lol;</string>", "")]
    [InlineData("<true/>", "</array>")]
    [InlineData("<key>UDID</key><string>a</string>", "</dict>")]
    [InlineData("<key>ErrorChain</key><array><dict><key>ErrorDomain</key><string>", "")]
    public void A_megabyte_of_malice_costs_no_more_than_its_size(string part, string end)
    {
        var start = part.StartsWith("<key>", StringComparison.Ordinal) ? "<dict>" : "<dict><key>Status</key><string>Idle</string><key>X</key><array>";
        var text = new StringBuilder(start).Insert(start.Length, part, (PlistLimits.DeviceBytes - 200) / part.Length).Append(end);
        Assert.Null(Bounded(Encoding.UTF8.GetBytes(text.ToString())));
    }

    [Fact]
    public void The_billion_laughs_are_refused_at_the_first()
    {
        var bomb = new StringBuilder("<?xml version=\"1.0\"?><!DOCTYPE plist [<!ENTITY l0 \"lol\">");
        for (var level = 1; level < 10; level++)
            bomb.Append($"<!ENTITY l{level} \"{string.Concat(Enumerable.Repeat($"&l{level - 1};", 10))}\">");
        bomb.Append("]><plist><dict><key>UDID</key><string>&l9;</string></dict></plist>");
        var refused = Assert.Throws<PlistFormatException>(() => MdmMessageReader.Read(Encoding.UTF8.GetBytes(bomb.ToString()), PlistLimits.Device));
        Assert.Equal(PlistReason.DtdRefused, refused.Reason);
    }

    private static string? NullWhenEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    /// <summary>Reads within bounds; null for a refusal.</summary>
    /// <remarks>Read again before it is too much: what the runtime makes once, as the texts of its exceptions, is not the message's.</remarks>
    private static MdmMessage? Bounded(byte[] body)
    {
        var most = AllocationBeside + AllocationPerByte * (long)body.Length;
        var (message, allocated) = Read(body);
        if (allocated > most)
            (message, allocated) = Read(body);
        Assert.InRange(allocated, 0, most);
        return message;
    }

    private static (MdmMessage?, long Allocated) Read(byte[] body)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        MdmMessage? message = null;
        try
        {
            message = MdmMessageReader.Read(body, PlistLimits.Device);
        }
        catch (Exception refused) when (refused is PlistFormatException or MdmFormatException)
        {
            Assert.InRange(refused.Message.Length, 1, 300);
        }

        return (message, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
