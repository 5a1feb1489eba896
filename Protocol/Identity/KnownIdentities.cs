using System.Collections.Concurrent;

namespace FleetMdm.Protocol.Identity;

/// <summary>A certificate whose issuer's signature and whose usage were checked: what is asked of it with each message.</summary>
/// <param name="identity">As long as it has not expired.</param>
/// <param name="notBefore">Its first second.</param>
/// <param name="certificate">Kept for its key, where signatures are made with it; else it is ten times as large as the rest.</param>
internal sealed class KnownIdentity(VerifiedIdentity identity, DateTimeOffset notBefore, IdentityCertificate? certificate)
{
    public VerifiedIdentity Identity => identity;
    public DateTimeOffset NotBefore => notBefore;
    public IdentityCertificate? Certificate => certificate;
}

/// <summary>
/// Certificates whose issuer's signature was checked, by SHA-256 of their DER; those that sign messages with their public keys ready for
/// use. A hit saves parsing, the issuer's signature and making the key.
/// </summary>
/// <remarks>
/// Bounded: two generations of at most <paramref name="capacity"/> entries with keys each, or <see cref="WithoutKey"/> times as many without. When the younger is full it becomes the
/// older, and what was the older is forgotten; a hit in the older moves to the younger. Only certificates of trusted CAs come in, so a stranger
/// cannot flush it. Thread-safe without locks on the way of a hit; a race at the swap loses entries, never gives a wrong one.
/// </remarks>
/// <param name="capacity">An entry is about 6 KiB with its native key and 0.3 KiB without, so the default stays below 250 MiB.</param>
public sealed class KnownIdentities(int capacity = KnownIdentities.DefaultCapacity)
{
    public const int DefaultCapacity = 20_000;

    /// <summary>So many entries without a key take the room of one with a key.</summary>
    private const int WithoutKey = 16;

    private readonly Lock _swap = new();
    private volatile ConcurrentDictionary<Sha256Key, KnownIdentity> _younger = new();
    private volatile ConcurrentDictionary<Sha256Key, KnownIdentity> _older = new();
    private long _room;

    /// <summary>How many are known.</summary>
    public int Count => _younger.Count + _older.Count;

    internal KnownIdentity? Find(ReadOnlySpan<byte> sha256)
    {
        var key = new Sha256Key(sha256);
        if (_younger.TryGetValue(key, out var identity))
            return identity;
        if (!_older.TryGetValue(key, out identity))
            return null;
        Add(identity);
        return identity;
    }

    internal void Add(KnownIdentity identity)
    {
        var key = new Sha256Key(identity.Identity.Sha256);
        if (identity.Certificate is null)
        {
            if (!_younger.TryAdd(key, identity))
                return;
        }
        else
        {
            // Also in the place of one without a key.
            _younger[key] = identity;
        }

        var full = (long)capacity * WithoutKey;
        if (Interlocked.Add(ref _room, identity.Certificate is null ? 1 : WithoutKey) < full)
            return;
        lock (_swap)
        {
            if (Interlocked.Read(ref _room) < full)
                return;
            _older = _younger;
            _younger = new();
            Interlocked.Exchange(ref _room, 0);
        }
    }

    /// <summary>The 32 bytes as four numbers: a key without an array behind it.</summary>
    private readonly record struct Sha256Key(ulong A, ulong B, ulong C, ulong D)
    {
        public Sha256Key(ReadOnlySpan<byte> sha256)
            : this(BitConverter.ToUInt64(sha256), BitConverter.ToUInt64(sha256[8..]), BitConverter.ToUInt64(sha256[16..]),
                BitConverter.ToUInt64(sha256[24..]))
        {
        }

        public override int GetHashCode() => A.GetHashCode();
    }
}
