using System.Collections.Concurrent;

namespace FleetMdm.Protocol.Identity;

/// <summary>A certificate whose issuer's signature and whose usage were checked.</summary>
internal sealed record KnownIdentity(IdentityCertificate Certificate, bool IssuedByUs);

/// <summary>
/// Certificates whose issuer's signature was checked, by SHA-256 of their DER, with their public keys ready for use. A hit
/// saves parsing, the issuer's signature and making the key.
/// </summary>
/// <remarks>
/// Bounded: two generations of at most <paramref name="capacity"/> entries each. When the younger is full it becomes the
/// older, and what was the older is forgotten; a hit in the older moves to the younger. Only certificates of trusted CAs come in, so a stranger
/// cannot flush it. Thread-safe without locks on the way of a hit; a race at the swap loses entries, never gives a wrong one.
/// </remarks>
/// <param name="capacity">An entry is about 6 KiB with its native key, so the default stays below 250 MiB.</param>
public sealed class KnownIdentities(int capacity = KnownIdentities.DefaultCapacity)
{
    public const int DefaultCapacity = 20_000;

    private readonly Lock _swap = new();
    private volatile ConcurrentDictionary<Sha256Key, KnownIdentity> _younger = new();
    private volatile ConcurrentDictionary<Sha256Key, KnownIdentity> _older = new();
    private int _count;

    /// <summary>How many are known, at most twice the capacity.</summary>
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
        if (!_younger.TryAdd(new Sha256Key(identity.Certificate.Sha256), identity) || Interlocked.Increment(ref _count) < capacity)
            return;
        lock (_swap)
        {
            if (_count < capacity)
                return;
            _older = _younger;
            _younger = new();
            _count = 0;
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
