using System.Text;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Mdm;

/// <summary>
/// Reads a report that is no sound property list: names of apps and networks hold anything, and some iPads write it as it is. An iPad
/// that is refused sends the same report for ever, and gets no other command. So who, which command and which Status are looked for.
/// </summary>
/// <remarks>
/// <para>1. The report is read without the characters that XML cannot carry; then nothing else is lost.
/// 2. The tags are walked over, whatever is between them, and the keys of the root that matter are picked.</para>
/// <para>A key of the root that stands twice with two values counts as not there: which of the two is meant must not depend on the reader.
/// Check-in messages are not read so: what they bring is kept.</para>
/// </remarks>
public static class DamagedReportReader
{
    private const int LongestValue = 1024;

    /// <summary>In characters that XML cannot carry, the sign for what could not be read.</summary>
    private const char Replacement = '\uFFFD';

    /// <summary>The report; null when it cannot be told from whom it is, or on which command.</summary>
    /// <param name="body">What the strict reader refused.</param>
    /// <param name="limits">As for the strict reader.</param>
    /// <param name="fault">What the strict reader said.</param>
    public static CommandReport? Read(ReadOnlySpan<byte> body, PlistLimits limits, string fault)
    {
        if (PlistReader.IsBinary(body))
            return null;
        var clean = Clean(body);
        try
        {
            if (clean.Length <= limits.MaxBytes)
                return MdmMessageReader.Read(clean, limits) is CommandReport { Status: not CommandStatus.Idle } report ? report with { Fault = fault } : null;
        }
        catch (Exception e) when (e is PlistFormatException or MdmFormatException)
        {
            // Worse than that.
        }

        var entries = new List<Entry>();
        Walk(clean, entries);
        return Pick(entries, fault);
    }

    /// <summary>The same of a report that was too large to be kept.</summary>
    /// <param name="head">Its first bytes.</param>
    /// <param name="tail">Its last bytes, none of which are in the head.</param>
    /// <param name="fault">For people.</param>
    public static CommandReport? Read(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, string fault)
    {
        if (PlistReader.IsBinary(head))
            return null;
        var entries = new List<Entry>();
        Walk(Clean(head), entries);
        var ending = new List<Entry>();
        // What is open where the tail begins is closed where it ends.
        var outside = Walk(Clean(tail), ending);
        entries.AddRange(ending.Select(entry => entry with { Depth = entry.Depth - outside }));
        return Pick(entries, fault);
    }

    /// <summary>A document in UTF-8 without anything that XML cannot carry.</summary>
    public static byte[] Clean(ReadOnlySpan<byte> document)
    {
        var encoding = document.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || document.StartsWith("<\0"u8) ? Encoding.Unicode
            : document.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]) || document.StartsWith("\0<"u8) ? Encoding.BigEndianUnicode
            : Encoding.UTF8;
        var text = encoding.GetString(document).ToCharArray();
        for (var from = 0; PlistText.IndexOfForbidden(text.AsSpan(from)) is >= 0 and var at; from += at + 1)
            text[from + at] = Replacement;
        return Encoding.UTF8.GetBytes(text);
    }

    private static CommandReport? Pick(List<Entry> entries, string fault)
    {
        if (entries.Exists(entry => entry is { Key: MdmKey.MessageType, Depth: 1 }))
            return null;
        if (Value(entries, MdmKey.CommandUuid) is not { Length: <= MdmMessageReader.LongestCommandUuid } commandUuid)
            return null;
        CommandStatus? status = Value(entries, MdmKey.Status) switch
        {
            "Acknowledged" => CommandStatus.Acknowledged,
            "NotNow" => CommandStatus.NotNow,
            "CommandFormatError" => CommandStatus.CommandFormatError,
            "Idle" => null,
            // It is answered, and nobody can tell how.
            _ => CommandStatus.Error,
        };
        if (status is not { } known)
            return null;
        try
        {
            var sender = MdmSender.From(
                Value(entries, MdmKey.Udid), Value(entries, MdmKey.EnrollmentId), Value(entries, MdmKey.UserId),
                Value(entries, MdmKey.UserShortName), Value(entries, MdmKey.UserLongName));
            return new CommandReport(sender) { Status = known, CommandUuid = commandUuid, Fault = fault };
        }
        catch (MdmFormatException)
        {
            return null;
        }
    }

    /// <summary>Of the root; where containers do not close, of the outermost one that has the key.</summary>
    private static string? Value(List<Entry> entries, MdmKey key)
    {
        var all = entries.FindAll(entry => entry.Key == key);
        var values = all.Exists(entry => entry.Depth == 1) ? all.FindAll(entry => entry.Depth == 1) : all;
        return values.Select(entry => entry.Value).Distinct(StringComparer.Ordinal).ToList() is [{ Length: > 0 and <= LongestValue } one] ? one : null;
    }

    /// <summary>From tag to tag, without minding what does not fit.</summary>
    /// <returns>How many containers are open at the end; negative when more were closed than opened.</returns>
    private static int Walk(ReadOnlySpan<byte> rest, List<Entry> entries)
    {
        var depth = 0;
        var (key, keyDepth) = (MdmKey.Other, 0);
        while (rest.IndexOf((byte)'<') is >= 0 and var at)
        {
            rest = rest[at..];
            if (rest.StartsWith("<!--"u8))
            {
                if (!SkipPast(ref rest, "-->"u8))
                    break;
                continue;
            }

            var end = rest.IndexOf((byte)'>');
            if (end < 0)
                break;
            var tag = rest[1..end].TrimEnd(" \t\r\n"u8);
            rest = rest[(end + 1)..];
            if (tag.SequenceEqual("key"u8))
            {
                var length = rest.IndexOf((byte)'<');
                (key, keyDepth) = length < 0 ? (MdmKey.Other, 0) : (MdmKeys.Identify(rest[..length]), depth);
                SkipPast(ref rest, "</key>"u8);
                continue;
            }

            if (tag.SequenceEqual("string"u8))
            {
                var length = rest.IndexOf("</string>"u8);
                if (length >= 0 && IsWanted(key) && keyDepth == depth)
                    entries.Add(new Entry(key, depth, Text(rest[..length])));
            }
            else if (tag.SequenceEqual("dict"u8) || tag.SequenceEqual("array"u8))
            {
                depth++;
            }
            else if (tag.SequenceEqual("/dict"u8) || tag.SequenceEqual("/array"u8))
            {
                depth--;
            }

            key = MdmKey.Other;
        }

        return depth;
    }

    private static bool IsWanted(MdmKey key) => key is MdmKey.Udid or MdmKey.EnrollmentId or MdmKey.UserId or MdmKey.UserShortName
        or MdmKey.UserLongName or MdmKey.CommandUuid or MdmKey.Status or MdmKey.MessageType;

    /// <summary>Null for what is longer than any of them, or more than a plain text.</summary>
    private static string? Text(ReadOnlySpan<byte> raw) =>
        raw.Length > LongestValue || raw.ContainsAny((byte)'<', (byte)'&') ? null : Encoding.UTF8.GetString(raw);

    private static bool SkipPast(ref ReadOnlySpan<byte> rest, ReadOnlySpan<byte> end)
    {
        var at = rest.IndexOf(end);
        if (at < 0)
            return false;
        rest = rest[(at + end.Length)..];
        return true;
    }

    private sealed record Entry(MdmKey Key, int Depth, string? Value);
}
