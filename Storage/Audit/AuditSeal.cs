using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using FleetMdm.Storage.Hosting;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Storage.Audit;

/// <summary>Signs audit records, and the links and ends of their chain (HMAC-SHA256).</summary>
/// <remarks>By a key of the database, which is one of its facts, sealed under the master key: whoever holds only the database can sign nothing, and a new master key leaves
/// the chain as it is. Safe from any thread once <see cref="Load"/> has ended.</remarks>
internal sealed class AuditSeal
{
    /// <summary>The fact that holds the key.</summary>
    public const string Fact = "audit-key";

    private const int KeyLength = 32;

    /// <summary>128 bits: a row of the hot path carries it.</summary>
    private const int SignatureLength = 16;

    // What is signed begins with what it is, so that one never passes for another. The number is the version of the encoding.
    private const byte RecordMark = 1, LinkMark = 2, EndsMark = 3;

    private byte[]? _key;

    /// <summary>Before the first link.</summary>
    public static byte[] NoHash => new byte[HMACSHA256.HashSizeInBytes];

    /// <summary>Reads the key; the first node makes it.</summary>
    public async Task Load(SecretSealer sealer, IStoreControl control, CancellationToken cancellationToken)
    {
        var made = sealer.Seal(Fact, RandomNumberGenerator.GetBytes(KeyLength));
        _key = sealer.Open(Fact, await control.GetOrAddFact(Fact, made, cancellationToken));
    }

    public byte[] Sign(AuditRecord record) => HMACSHA256.HashData(Key, Encode(record))[..SignatureLength];

    public bool IsSigned(AuditRecord record, byte[] signature) => CryptographicOperations.FixedTimeEquals(Sign(record), signature);

    /// <param name="record">Null: it was gone before it was sealed.</param>
    public byte[] Link(byte[] before, long number, byte[] id, AuditStanding standing, AuditRecord? record)
    {
        var signature = record is null ? [] : Sign(record);
        var link = new byte[1 + before.Length + sizeof(long) + id.Length + 1 + signature.Length];
        link[0] = LinkMark;
        before.CopyTo(link.AsSpan(1));
        var rest = link.AsSpan(1 + before.Length);
        BinaryPrimitives.WriteInt64BigEndian(rest, number);
        id.CopyTo(rest[sizeof(long)..]);
        rest[sizeof(long) + id.Length] = (byte)standing;
        signature.CopyTo(rest[(sizeof(long) + id.Length + 1)..]);
        return HMACSHA256.HashData(Key, link);
    }

    public byte[] Sign(AuditEnds ends)
    {
        var text = new List<byte> { EndsMark };
        foreach (var (number, hash) in new[] { (ends.StartNumber, ends.StartHash), (ends.HeadNumber, ends.HeadHash) })
        {
            var bytes = new byte[sizeof(long) + 1];
            BinaryPrimitives.WriteInt64BigEndian(bytes, number);
            bytes[^1] = (byte)hash.Length;
            text.AddRange(bytes);
            text.AddRange(hash);
        }

        return HMACSHA256.HashData(Key, text.ToArray());
    }

    /// <summary>Every field with its length, in a fixed order: no two records are encoded alike.</summary>
    private static byte[] Encode(AuditRecord record)
    {
        var stream = new MemoryStream(256);
        stream.WriteByte(RecordMark);
        stream.Write(record.Key);
        Number(record.At.ToUnixTimeMilliseconds());
        stream.WriteByte((byte)record.Actor.Kind);
        Text(record.Actor.Id);
        Text(record.Actor.Name);
        Text(record.Actor.Address);
        Text(record.Verb);
        Text(record.TargetKind);
        Text(record.TargetId);
        Text(record.Subject);
        Text(record.Detail);
        stream.WriteByte((byte)(record.Count is null ? 0 : 1));
        Number(record.Count ?? 0);
        Text(record.Reason);
        stream.WriteByte((byte)record.Result);
        Text(record.Right);
        return stream.ToArray();

        void Number(long number)
        {
            Span<byte> bytes = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64BigEndian(bytes, number);
            stream.Write(bytes);
        }

        void Text(string? text)
        {
            if (text is null)
            {
                stream.WriteByte(0);
                return;
            }

            var bytes = Encoding.UTF8.GetBytes(text);
            stream.WriteByte(1);
            Number(bytes.Length);
            stream.Write(bytes);
        }
    }

    private byte[] Key => _key ?? throw new InvalidOperationException("The store has not been started.");
}

/// <summary>What was known of a record when it was put into the chain. Stored as a number: never renumber.</summary>
public enum AuditStanding : short
{
    /// <summary>Signed by the server.</summary>
    Signed = 0,
    /// <summary>Without a signature: of an older version, or written by somebody else.</summary>
    Unsigned = 1,
    /// <summary>With a signature that is not of what stands there.</summary>
    Forged = 2,
    /// <summary>Gone before it was sealed.</summary>
    Gone = 3,
}

/// <summary>Where the chain begins and ends.</summary>
/// <param name="StartNumber">Of the last record that retention removed; 0: none.</param>
/// <param name="StartHash">Empty: it is not known.</param>
internal sealed record AuditEnds(long StartNumber, byte[] StartHash, long HeadNumber, byte[] HeadHash);
