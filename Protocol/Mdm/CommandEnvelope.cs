using System.Text;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Mdm;

/// <summary>
/// The document that an iPad is sent: <c>CommandUUID</c> and <c>Command</c>.
/// <see href="https://developer.apple.com/documentation/devicemanagement/commands-and-queries"/>
/// </summary>
public static class CommandEnvelope
{
    private static readonly byte[] Before = [.. PlistWriter.DocumentStart, .. "<dict><key>CommandUUID</key><string>"u8];
    private static readonly byte[] Between = "</string><key>Command</key>"u8.ToArray();
    private static readonly byte[] After = [.. "</dict>"u8, .. PlistWriter.DocumentEnd];

    /// <summary>
    /// Puts a stored command into its envelope, by copying: this is done for every delivery.
    /// </summary>
    /// <param name="commandUuid">1 to <see cref="MdmMessageReader.LongestCommandUuid"/> letters, digits and <c>-</c>, <c>_</c>,
    /// <c>.</c>: what needs no escaping.</param>
    /// <param name="commandFragment">The Command dictionary, <c>&lt;dict&gt;…&lt;/dict&gt;</c> in UTF-8, as
    /// <see cref="CommandCatalogue"/> built it; it is not read again.</param>
    /// <exception cref="ArgumentException">The UUID is not of that form.</exception>
    public static byte[] Compose(string commandUuid, ReadOnlySpan<byte> commandFragment)
    {
        CheckUuid(commandUuid);
        var document = new byte[Before.Length + commandUuid.Length + Between.Length + commandFragment.Length + After.Length];
        var rest = document.AsSpan();
        rest = Put(rest, Before);
        rest = rest[Encoding.ASCII.GetBytes(commandUuid, rest)..];
        rest = Put(rest, Between);
        rest = Put(rest, commandFragment);
        Put(rest, After);
        return document;
    }

    /// <summary>The CommandUUID of a document that <see cref="Compose"/> made; null for another one.</summary>
    public static string? FindUuid(ReadOnlySpan<byte> document)
    {
        if (!document.StartsWith(Before))
            return null;
        var rest = document[Before.Length..];
        var end = rest.IndexOf((byte)'<');
        return end < 0 ? null : Encoding.ASCII.GetString(rest[..end]);
    }

    private static Span<byte> Put(Span<byte> target, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(target);
        return target[bytes.Length..];
    }

    private static void CheckUuid(string commandUuid)
    {
        var good = commandUuid.Length is > 0 and <= MdmMessageReader.LongestCommandUuid;
        foreach (var character in commandUuid)
            good &= char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.';
        if (!good)
            throw new ArgumentException("A CommandUUID is 1 to 128 letters, digits, '-', '_' or '.'.", nameof(commandUuid));
    }
}
