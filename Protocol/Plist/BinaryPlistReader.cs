using System.Buffers.Binary;
using System.Text;

namespace FleetMdm.Protocol.Plist;

/// <summary>
/// Reads binary property lists, version 00: objects, a table of their offsets, and a trailer of 32 bytes that tells where the
/// table is and which object is the root.
/// </summary>
/// <remarks>
/// An object may be referred to more than once, which keeps honest files small and lets hostile ones describe trees of any
/// size. So each reference counts as an object of its own, and its bytes count towards the expanded size; containers that hold
/// themselves run into the limit on depth. Every offset and length is checked against the bytes before it is used.
/// </remarks>
internal ref struct BinaryPlistReader
{
    private const int HeaderLength = 8;
    private const int TrailerLength = 32;

    /// <summary>Dates count seconds from here.</summary>
    private static readonly DateTimeOffset Epoch = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly UnicodeEncoding StrictUtf16 = new(bigEndian: true, byteOrderMark: false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly PlistLimits _limits;
    private readonly int _offsetLength;
    private readonly int _referenceLength;
    private readonly int _count;
    private readonly int _tableStart;

    /// <summary>Scalars that were read before, by object number: a text that occurs a thousand times is one string.</summary>
    private readonly PlistNode?[] _scalars;

    private int _objects;
    private long _expanded;

    private BinaryPlistReader(ReadOnlySpan<byte> bytes, PlistLimits limits, out ulong root)
    {
        _bytes = bytes;
        _limits = limits;
        if (!bytes.StartsWith("bplist00"u8))
            throw Malformed("The binary property list is of another version than 00.", 0);
        if (bytes.Length < HeaderLength + 1 + TrailerLength)
            throw new PlistFormatException(PlistReason.Truncated, "The binary property list is shorter than its header and trailer.", bytes.Length);

        var trailerStart = bytes.Length - TrailerLength;
        var trailer = bytes[trailerStart..];
        _offsetLength = trailer[6];
        _referenceLength = trailer[7];
        var count = BinaryPrimitives.ReadUInt64BigEndian(trailer[8..]);
        root = BinaryPrimitives.ReadUInt64BigEndian(trailer[16..]);
        var tableStart = BinaryPrimitives.ReadUInt64BigEndian(trailer[24..]);

        if (_offsetLength is < 1 or > 8 || _referenceLength is < 1 or > 8)
            throw Malformed("The trailer names impossible lengths of offsets or references.", trailerStart);
        if (count == 0 || root >= count)
            throw Malformed("The trailer names a root that is not among the objects.", trailerStart);
        if (tableStart < HeaderLength || tableStart > (ulong)trailerStart || count > ((ulong)trailerStart - tableStart) / (ulong)_offsetLength)
            throw Malformed("The table of offsets does not lie inside the document.", trailerStart);
        if (count > (ulong)limits.MaxObjects)
            throw new PlistFormatException(PlistReason.TooManyObjects, $"The document has {count} objects; at most {limits.MaxObjects} are taken.", trailerStart);

        _count = (int)count;
        _tableStart = (int)tableStart;
        _scalars = new PlistNode?[_count];
    }

    public static PlistNode Read(ReadOnlySpan<byte> bytes, PlistLimits limits)
    {
        var reader = new BinaryPlistReader(bytes, limits, out var root);
        return reader.ReadObject(root, depth: 1, from: bytes.Length - TrailerLength);
    }

    /// <param name="number">Of the object, as a reference names it.</param>
    /// <param name="depth">That a container would have; the recursion ends at <see cref="PlistLimits.MaxDepth"/>.</param>
    /// <param name="from">Where the reference stands, for complaints.</param>
    private PlistNode ReadObject(ulong number, int depth, int from)
    {
        if (number >= (ulong)_count)
            throw Malformed("A reference names an object that does not exist.", from);
        if (++_objects > _limits.MaxObjects)
            throw new PlistFormatException(PlistReason.TooManyObjects, $"More than {_limits.MaxObjects} keys and values.", from);

        var known = _scalars[(int)number];
        if (known is not null)
        {
            CountExpanded(known, from);
            return known;
        }

        var offset = ReadSized(_tableStart + (int)number * _offsetLength, _offsetLength);
        if (offset < HeaderLength || offset >= (ulong)_tableStart)
            throw Malformed("An offset points outside of the objects.", _tableStart + (int)number * _offsetLength);
        var start = (int)offset;
        var marker = _bytes[start];
        switch (marker >> 4)
        {
            case 0xA:
                return ReadArray(start, depth);
            case 0xD:
                return ReadDictionary(start, depth);
            default:
                var scalar = ReadScalar(marker, start);
                CountExpanded(scalar, start);
                return _scalars[(int)number] = scalar;
        }
    }

    private PlistArray ReadArray(int start, int depth)
    {
        var (count, references) = BeginContainer(start, depth, perItem: 1);
        var array = new PlistArray();
        for (var index = 0; index < count; index++)
        {
            var at = references + index * _referenceLength;
            array.Add(ReadObject(ReadSized(at, _referenceLength), depth + 1, at));
        }

        return array;
    }

    private PlistDictionary ReadDictionary(int start, int depth)
    {
        var (count, references) = BeginContainer(start, depth, perItem: 2);
        var dictionary = new PlistDictionary();
        for (var index = 0; index < count; index++)
        {
            var keyAt = references + index * _referenceLength;
            if (ReadObject(ReadSized(keyAt, _referenceLength), depth + 1, keyAt) is not PlistString key)
                throw new PlistFormatException(PlistReason.OddDictionary, "A key of a dictionary is not a text.", keyAt);
            if (dictionary.ContainsKey(key.Value))
            {
                throw new PlistFormatException(PlistReason.DuplicateKey,
                    $"The key '{PlistText.Excerpt(key.Value)}' stands twice in one dictionary.", keyAt);
            }

            var valueAt = keyAt + count * _referenceLength;
            dictionary.Add(key.Value, ReadObject(ReadSized(valueAt, _referenceLength), depth + 1, valueAt));
        }

        return dictionary;
    }

    private readonly (int Count, int References) BeginContainer(int start, int depth, int perItem)
    {
        if (depth > _limits.MaxDepth)
        {
            throw new PlistFormatException(PlistReason.TooDeep,
                $"More than {_limits.MaxDepth} arrays and dictionaries inside each other, or one that holds itself.", start);
        }

        return ReadLength(start, perItem * _referenceLength);
    }

    private readonly PlistNode ReadScalar(byte marker, int start)
    {
        switch (marker >> 4)
        {
            case 0x0 when marker is 0x08 or 0x09:
                return PlistBoolean.Of(marker == 0x09);
            case 0x1 when marker <= 0x14:
                return new PlistInteger(ReadInteger(start));
            case 0x2 when marker == 0x22:
                return new PlistReal(BinaryPrimitives.ReadSingleBigEndian(Slice(start + 1, 4)));
            case 0x2 when marker == 0x23:
                return new PlistReal(BinaryPrimitives.ReadDoubleBigEndian(Slice(start + 1, 8)));
            case 0x3 when marker == 0x33:
                return new PlistDate(ReadDate(start));
            case 0x4:
                var (length, data) = ReadLength(start, 1);
                return new PlistData(Slice(data, length).ToArray());
            case 0x5:
                return new PlistString(ReadAscii(start));
            case 0x6:
                return new PlistString(ReadUtf16(start));
            default:
                throw new PlistFormatException(PlistReason.UnknownElement, $"A property list has no object of type 0x{marker:X2}.", start);
        }
    }

    private readonly Int128 ReadInteger(int start)
    {
        // 1, 2 and 4 bytes are without sign, 8 are with sign, 16 carry what 8 cannot.
        var length = 1 << (_bytes[start] & 0x0F);
        if (length < 8)
            return ReadSized(start + 1, length);
        if (length == 8)
            return BinaryPrimitives.ReadInt64BigEndian(Slice(start + 1, 8));
        var value = BinaryPrimitives.ReadInt128BigEndian(Slice(start + 1, 16));
        if (value < long.MinValue || value > ulong.MaxValue)
            throw new PlistFormatException(PlistReason.InvalidValue, "An integer is outside of -2^63 to 2^64-1.", start);
        return value;
    }

    private readonly DateTimeOffset ReadDate(int start)
    {
        var seconds = BinaryPrimitives.ReadDoubleBigEndian(Slice(start + 1, 8));
        var isDate = seconds >= (DateTimeOffset.MinValue - Epoch).TotalSeconds && seconds < (DateTimeOffset.MaxValue - Epoch).TotalSeconds - 1;
        if (!isDate)
            throw new PlistFormatException(PlistReason.InvalidValue, "A date is outside of the years 1 to 9999.", start);

        // Apart, since a double cannot count the ticks of a distant year.
        var whole = Math.Floor(seconds);
        return Epoch.AddTicks((long)whole * TimeSpan.TicksPerSecond + (long)((seconds - whole) * TimeSpan.TicksPerSecond));
    }

    private readonly string ReadAscii(int start)
    {
        var (length, at) = ReadLength(start, 1);
        var bytes = Slice(at, length);
        if (!Ascii.IsValid(bytes))
            throw new PlistFormatException(PlistReason.InvalidCharacter, "A text that is marked as ASCII is not.", at);
        return Checked(Encoding.ASCII.GetString(bytes), at);
    }

    private readonly string ReadUtf16(int start)
    {
        var (length, at) = ReadLength(start, 2);
        try
        {
            return Checked(StrictUtf16.GetString(Slice(at, 2 * length)), at);
        }
        catch (DecoderFallbackException)
        {
            throw new PlistFormatException(PlistReason.InvalidCharacter, "A text holds half of a surrogate pair.", at);
        }
    }

    /// <summary>What was read can be written as XML: the rule of the whole reader.</summary>
    private static string Checked(string text, int at)
    {
        var forbidden = PlistText.IndexOfForbidden(text);
        if (forbidden >= 0)
            throw new PlistFormatException(PlistReason.InvalidCharacter, $"A text holds the character U+{(int)text[forbidden]:X4}, which XML cannot carry.", at);
        return text;
    }

    /// <summary>The number of items that a marker announces, after making sure that so many fit; and where the first is.</summary>
    private readonly (int Count, int Start) ReadLength(int start, int bytesPerItem)
    {
        ulong count = (uint)(_bytes[start] & 0x0F);
        var after = start + 1;
        if (count == 0x0F)
        {
            var marker = Slice(after, 1)[0];
            if (marker is < 0x10 or > 0x13)
                throw Malformed("The length of an object is not an integer.", after);
            var length = 1 << (marker & 0x0F);
            count = ReadSized(after + 1, length);
            after += 1 + length;
        }

        if (count > (ulong)(_tableStart - after) / (ulong)bytesPerItem)
            throw Malformed("An object is longer than the space before the table of offsets.", start);
        return ((int)count, after);
    }

    /// <summary>An integer without sign of 1 to 8 bytes.</summary>
    private readonly ulong ReadSized(int start, int length)
    {
        ulong value = 0;
        foreach (var next in Slice(start, length))
            value = (value << 8) | next;
        return value;
    }

    private readonly ReadOnlySpan<byte> Slice(int start, int length)
    {
        if (length > _bytes.Length - TrailerLength - start)
            throw Malformed("An object reaches beyond the end of the document.", start);
        return _bytes.Slice(start, length);
    }

    private void CountExpanded(PlistNode scalar, int at)
    {
        _expanded += scalar switch
        {
            PlistString text => text.Value.Length,
            PlistData data => data.Value.Length,
            _ => 0,
        };
        if (_expanded > _limits.MaxExpandedBytes)
        {
            throw new PlistFormatException(PlistReason.TooMuchExpanded,
                $"Unfolded, the document has more than {_limits.MaxExpandedBytes} bytes of text and data.", at);
        }
    }

    private static PlistFormatException Malformed(string message, int at) => new(PlistReason.MalformedBinary, message, at);
}
