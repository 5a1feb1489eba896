using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Storage.Audit;

/// <summary>Signs audit records, and the links and ends of their chain (HMAC-SHA256).</summary>
/// <remarks>By a key of the database, which is one of its facts, sealed under the master key: whoever holds only the database can sign nothing, and a new master key leaves
/// the chain as it is. Safe from any thread once <see cref="Load"/> has ended.</remarks>
internal sealed class AuditSeal
{
    /// <summary>The fact that holds the key, and until when records may be without a signature: both in one, so that nobody can remove the one and keep the other.</summary>
    public const string Fact = "audit-key";

    private const int KeyLength = 32;

    /// <summary>In an upgrade node by node, nodes of a version that signs nothing still write for a while.</summary>
    private static readonly TimeSpan UpgradeTakes = TimeSpan.FromHours(1);

    /// <summary>128 bits: a row of the hot path carries it.</summary>
    private const int SignatureLength = 16;

    // What is signed begins with what it is, so that one never passes for another. The number is the version of the encoding.
    private const byte RecordMark = 1, LinkMark = 2, EndsMark = 3;

    private byte[]? _key;
    private long _unsignedUntil;

    /// <summary>Before the first link.</summary>
    public static byte[] NoHash => new byte[HMACSHA256.HashSizeInBytes];

    /// <summary>Reads the key. The first node makes it, and begins the chain in the same transaction: who finds a key and no chain knows that somebody removed it.</summary>
    public async Task Load(SecretSealer sealer, Database database, TimeProvider time, CancellationToken cancellationToken)
    {
        var stored = await database.Read(ReadFact, cancellationToken);
        if (stored is null || sealer.Open(Fact, stored).Length == KeyLength)
        {
            stored = await database.Write(async s =>
            {
                if (await ReadFact(s) is not { } found)
                    await Begin(s, sealer, time.GetUtcNow());
                else if (sealer.Open(Fact, found) is { Length: KeyLength } key)
                    await Amend(s, sealer, key, found, time.GetUtcNow());
                return await ReadFact(s);
            }, cancellationToken);
        }

        var opened = sealer.Open(Fact, stored!);
        _unsignedUntil = BinaryPrimitives.ReadInt64BigEndian(opened.AsSpan(KeyLength));
        _key = opened[..KeyLength];
    }

    private static async Task Begin(Session s, SecretSealer sealer, DateTimeOffset now)
    {
        var key = RandomNumberGenerator.GetBytes(KeyLength);
        var isNew = await s.Sql("SELECT id FROM audit LIMIT 1").First(row => row.Bytes(0)) is null;
        var until = isNew ? 0 : (now + UpgradeTakes).ToUnixTimeMilliseconds();
        var added = await s.Sql("INSERT INTO facts (name, value) VALUES (@name, @value) ON CONFLICT (name) DO NOTHING")
            .Text("@name", Fact).Bytes("@value", sealer.Seal(Fact, Encode(key, until))).Execute();
        // Otherwise another node was quicker.
        if (added > 0) await BeginChain(s, key);
    }

    /// <summary>A key of a version that did not say until when.</summary>
    private static async Task Amend(Session s, SecretSealer sealer, byte[] key, byte[] found, DateTimeOffset now)
    {
        var amended = await s.Sql("UPDATE facts SET value = @value WHERE name = @name AND value = @found")
            .Text("@name", Fact).Bytes("@value", sealer.Seal(Fact, Encode(key, now.ToUnixTimeMilliseconds()))).Bytes("@found", found).Execute();
        // Signed records and no chain: it was removed.
        if (amended > 0 && await s.Sql("SELECT id FROM audit WHERE mac IS NOT NULL LIMIT 1").First(row => row.Bytes(0)) is null)
            await BeginChain(s, key);
    }

    private static Task<int> BeginChain(Session s, byte[] key)
    {
        var ends = new AuditEnds(0, NoHash, 0, NoHash);
        return s
            .Sql("INSERT INTO audit_chain_ends (one, start_seq, start_hash, head_seq, head_hash, mac) VALUES (1, 0, @hash, 0, @hash, @mac) ON CONFLICT (one) DO NOTHING")
            .Bytes("@hash", NoHash).Bytes("@mac", Sign(key, ends)).Execute();
    }

    private static Task<byte[]?> ReadFact(Session s) => s.Sql("SELECT value FROM facts WHERE name = @name").Text("@name", Fact).First(row => row.Bytes(0));

    private static byte[] Encode(byte[] key, long unsignedUntil)
    {
        var value = new byte[KeyLength + sizeof(long)];
        key.CopyTo(value, 0);
        BinaryPrimitives.WriteInt64BigEndian(value.AsSpan(KeyLength), unsignedUntil);
        return value;
    }

    /// <summary>Whether a record without a signature can be of a version that signed none.</summary>
    public bool MayBeUnsigned(DateTimeOffset at) => at.ToUnixTimeMilliseconds() < _unsignedUntil;

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

    public byte[] Sign(AuditEnds ends) => Sign(Key, ends);

    private static byte[] Sign(byte[] key, AuditEnds ends)
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

        return HMACSHA256.HashData(key, text.ToArray());
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

/// <summary>A link that is added to the chain.</summary>
/// <param name="Id">Of its record.</param>
internal readonly record struct AuditLink(long Number, byte[] Id, AuditStanding Standing, byte[] Hash);
