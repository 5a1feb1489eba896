using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Inventory;

/// <summary>
/// 128 bits that stand for a list, taken while a report is scanned. As long as they are the same, nobody has to read the list, or what is stored of
/// it. The order of the entries does not matter, and neither does what moves all the time and is not kept.
/// </summary>
/// <remarks>The sum of the hashes of the entries. Whoever finds two lists with one sum deceives us about his own iPad only, and could simply lie.</remarks>
internal struct InventoryDigest
{
    private UInt128 _sum;
    private bool _any;

    /// <summary>Null: the report has no list.</summary>
    public readonly Guid? Value
    {
        get
        {
            if (!_any)
                return null;
            Span<byte> bytes = stackalloc byte[16];
            BinaryPrimitives.WriteUInt128LittleEndian(bytes, _sum);
            return new Guid(bytes);
        }
    }

    /// <summary>Whether this key of a report holds a list; 0: it does not.</summary>
    public static byte RootOf(ReadOnlySpan<byte> key) => key.Length switch
    {
        5 when key.SequenceEqual("Users"u8) => 1,
        11 when key.SequenceEqual("ProfileList"u8) => 2,
        12 when key.SequenceEqual("SecurityInfo"u8) => 3,
        15 when key.SequenceEqual("CertificateList"u8) => 4,
        18 when key.SequenceEqual("GlobalRestrictions"u8) => 5,
        19 when key.SequenceEqual("ProfileRestrictions"u8) => 6,
        22 when key.SequenceEqual("ManagedApplicationList"u8) => 7,
        23 when key.SequenceEqual("ProvisioningProfileList"u8) => 8,
        24 when key.SequenceEqual("InstalledApplicationList"u8) => 9,
        _ => 0,
    };

    /// <summary>The space that an app's own data take: it moves with every use.</summary>
    private static bool Moves(ReadOnlySpan<byte> key) => key.SequenceEqual("DynamicSize"u8);

    /// <summary>Reads the value that the token began, to its end.</summary>
    public void Add(ref PlistXmlScanner scanner, PlistToken token, byte root)
    {
        using var entry = new Entry(root);
        if (token == PlistToken.ArrayStart)
        {
            while (scanner.Next() is not PlistToken.ArrayEnd and var item)
            {
                entry.Clear();
                Write(ref scanner, item, entry);
                _sum += entry.Hash();
            }
        }
        else if (token == PlistToken.DictionaryStart)
        {
            while (scanner.Next() != PlistToken.DictionaryEnd)
            {
                entry.Clear();
                entry.Write(PlistToken.Key, scanner.RawText);
                Write(ref scanner, scanner.Next(), entry);
                _sum += entry.Hash();
            }
        }

        Seal(entry, token);
    }

    /// <summary>The same of a binary property list. The two forms of one list have different digests, which costs one look at the list.</summary>
    public void Add(PlistNode node, byte root)
    {
        using var entry = new Entry(root);
        foreach (var (key, value) in node switch
        {
            PlistArray array => array.Select(item => ("", item)),
            PlistDictionary dictionary => dictionary.Select(pair => (pair.Key, pair.Value)),
            _ => [("", node)],
        })
        {
            entry.Clear();
            entry.Write(PlistToken.Key, Encoding.UTF8.GetBytes(key));
            Write(value, entry);
            _sum += entry.Hash();
        }

        Seal(entry, default);
    }

    /// <summary>An empty list is a list too.</summary>
    private void Seal(Entry entry, PlistToken token)
    {
        entry.Clear();
        entry.Write(token, []);
        _sum += entry.Hash();
        _any = true;
    }

    // The recursion of both is bounded by PlistLimits.MaxDepth.

    private static void Write(ref PlistXmlScanner scanner, PlistToken token, Entry entry)
    {
        if (token is PlistToken.DictionaryStart)
        {
            entry.Write(token, []);
            while (scanner.Next() is not PlistToken.DictionaryEnd)
            {
                if (Moves(scanner.RawText))
                {
                    scanner.Skip(scanner.Next());
                    continue;
                }

                entry.Write(PlistToken.Key, scanner.RawText);
                Write(ref scanner, scanner.Next(), entry);
            }

            entry.Write(PlistToken.DictionaryEnd, []);
        }
        else if (token is PlistToken.ArrayStart)
        {
            entry.Write(token, []);
            while (scanner.Next() is not PlistToken.ArrayEnd and var item)
                Write(ref scanner, item, entry);
            entry.Write(PlistToken.ArrayEnd, []);
        }
        else
        {
            entry.Write(token, token is PlistToken.True or PlistToken.False ? [] : scanner.RawText);
        }
    }

    private static void Write(PlistNode node, Entry entry)
    {
        switch (node)
        {
            case PlistDictionary dictionary:
                entry.Write(PlistToken.DictionaryStart, []);
                foreach (var (key, value) in dictionary)
                {
                    var name = Encoding.UTF8.GetBytes(key);
                    if (Moves(name))
                        continue;
                    entry.Write(PlistToken.Key, name);
                    Write(value, entry);
                }

                entry.Write(PlistToken.DictionaryEnd, []);
                break;
            case PlistArray array:
                entry.Write(PlistToken.ArrayStart, []);
                foreach (var item in array)
                    Write(item, entry);
                entry.Write(PlistToken.ArrayEnd, []);
                break;
            default:
                entry.Write(TokenOf(node), Scalar(node));
                break;
        }
    }

    private static PlistToken TokenOf(PlistNode node) => node switch
    {
        PlistString => PlistToken.String,
        PlistInteger => PlistToken.Integer,
        PlistReal => PlistToken.Real,
        PlistBoolean => PlistToken.True,
        PlistDate => PlistToken.Date,
        _ => PlistToken.Data,
    };

    private static byte[] Scalar(PlistNode node) => node switch
    {
        PlistString text => Encoding.UTF8.GetBytes(text.Value),
        PlistInteger integer => Encoding.ASCII.GetBytes(integer.Value.ToString(CultureInfo.InvariantCulture)),
        PlistReal real => BitConverter.GetBytes(real.Value),
        PlistBoolean boolean => BitConverter.GetBytes(boolean.Value),
        PlistDate date => BitConverter.GetBytes(date.Value.UtcTicks),
        PlistData data => data.Value,
        _ => [],
    };

    /// <summary>The bytes of one entry; each part with its kind and its length before it, so that no two entries look alike.</summary>
    private sealed class Entry : IDisposable
    {
        private const int FirstSize = 1024;
        private const int Head = 5;

        private readonly byte _root;
        private byte[] _bytes = ArrayPool<byte>.Shared.Rent(FirstSize);
        private int _length;

        public Entry(byte root) => _root = root;

        public void Clear()
        {
            _bytes[0] = _root;
            _length = 1;
        }

        public void Write(PlistToken token, ReadOnlySpan<byte> text)
        {
            var needed = _length + Head + text.Length;
            if (needed > _bytes.Length)
                Grow(needed);
            _bytes[_length] = (byte)token;
            BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(_length + 1), text.Length);
            text.CopyTo(_bytes.AsSpan(_length + Head));
            _length = needed;
        }

        public UInt128 Hash()
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(_bytes.AsSpan(0, _length), hash);
            return BinaryPrimitives.ReadUInt128LittleEndian(hash);
        }

        public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);

        private void Grow(int needed)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, 2 * _bytes.Length));
            _bytes.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }
    }
}
