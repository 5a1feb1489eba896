using System.Buffers.Binary;
using System.Text;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Plist;

/// <summary>Writes binary property lists, good ones and, object by object, bad ones. The product only reads them.</summary>
internal sealed class BinaryPlistWriter
{
    private static readonly DateTimeOffset Epoch = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly List<byte[]> _objects = [];
    private readonly Dictionary<string, int> _texts = [];

    /// <summary>Bytes of an offset and of a reference.</summary>
    public int OffsetLength { get; init; } = 4;
    public int ReferenceLength { get; init; } = 2;

    public static byte[] Write(PlistNode root, int offsetLength = 4, int referenceLength = 2)
    {
        var writer = new BinaryPlistWriter { OffsetLength = offsetLength, ReferenceLength = referenceLength };
        return writer.Finish(writer.Add(root));
    }

    public int AddRaw(params byte[] bytes)
    {
        _objects.Add(bytes);
        return _objects.Count - 1;
    }

    /// <summary>An object whose bytes are known only when others have got their numbers.</summary>
    public void Replace(int number, byte[] bytes) => _objects[number] = bytes;

    public byte[] Container(int kind, params int[] references) =>
        [.. Marker(kind, kind == 0xD ? references.Length / 2 : references.Length), .. references.SelectMany(reference => Sized((ulong)reference, ReferenceLength))];

    public int Add(PlistNode node)
    {
        switch (node)
        {
            case PlistString text:
                if (!_texts.TryGetValue(text.Value, out var known))
                    _texts[text.Value] = known = AddRaw(Text(text.Value));
                return known;
            case PlistInteger integer:
                return AddRaw(Integer(integer.Value));
            case PlistReal real:
                var eight = new byte[8];
                BinaryPrimitives.WriteDoubleBigEndian(eight, real.Value);
                return AddRaw([0x23, .. eight]);
            case PlistDate date:
                var seconds = new byte[8];
                BinaryPrimitives.WriteDoubleBigEndian(seconds, (date.Value - Epoch).Ticks / TimeSpan.TicksPerSecond);
                return AddRaw([0x33, .. seconds]);
            case PlistBoolean flag:
                return AddRaw(flag.Value ? (byte)9 : (byte)8);
            case PlistData data:
                return AddRaw([.. Marker(4, data.Value.Length), .. data.Value]);
            case PlistArray array:
                var arrayNumber = AddRaw();
                Replace(arrayNumber, Container(0xA, [.. array.Select(Add)]));
                return arrayNumber;
            case PlistDictionary dictionary:
                var number = AddRaw();
                int[] keys = [.. dictionary.Select(entry => Add(entry.Key))];
                int[] values = [.. dictionary.Select(entry => Add(entry.Value))];
                Replace(number, Container(0xD, [.. keys, .. values]));
                return number;
            default:
                throw new InvalidOperationException();
        }
    }

    /// <param name="oneOffset">All objects but the last lie where the first lies.</param>
    public byte[] Finish(int root, ulong? count = null, ulong? tableStart = null, ulong? firstOffset = null, bool oneOffset = false)
    {
        var document = new List<byte>("bplist00"u8.ToArray());
        var offsets = new List<ulong>();
        foreach (var bytes in _objects)
        {
            offsets.Add((ulong)document.Count);
            document.AddRange(bytes);
        }

        offsets[0] = firstOffset ?? offsets[0];
        for (var number = 1; oneOffset && number < offsets.Count - 1; number++)
            offsets[number] = offsets[0];
        var table = (ulong)document.Count;
        foreach (var offset in offsets)
            document.AddRange(Sized(offset, OffsetLength));
        document.AddRange([0, 0, 0, 0, 0, 0, (byte)OffsetLength, (byte)ReferenceLength]);
        document.AddRange(Sized(count ?? (ulong)_objects.Count, 8));
        document.AddRange(Sized((ulong)root, 8));
        document.AddRange(Sized(tableStart ?? table, 8));
        return [.. document];
    }

    public static byte[] Marker(int kind, int length) =>
        length < 15 ? [(byte)(kind << 4 | length)] : [(byte)(kind << 4 | 15), .. Integer(length)];

    private static byte[] Text(string text) => Ascii.IsValid(text)
        ? [.. Marker(5, text.Length), .. Encoding.ASCII.GetBytes(text)]
        : [.. Marker(6, text.Length), .. Encoding.BigEndianUnicode.GetBytes(text)];

    private static byte[] Integer(Int128 value)
    {
        if (value > long.MaxValue)
            return [0x14, .. Sized(0, 8), .. Sized((ulong)value, 8)];
        return (long)value switch
        {
            < 0 => [0x13, .. Sized(unchecked((ulong)(long)value), 8)],
            < 0x100 => [0x10, .. Sized((ulong)value, 1)],
            < 0x10000 => [0x11, .. Sized((ulong)value, 2)],
            <= uint.MaxValue => [0x12, .. Sized((ulong)value, 4)],
            _ => [0x13, .. Sized((ulong)value, 8)],
        };
    }

    private static byte[] Sized(ulong value, int length)
    {
        var bytes = new byte[length];
        for (var index = length - 1; index >= 0; index--, value >>= 8)
            bytes[index] = (byte)value;
        return bytes;
    }
}
