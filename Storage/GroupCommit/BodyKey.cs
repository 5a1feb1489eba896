using System.Runtime.InteropServices;

namespace FleetMdm.Storage.GroupCommit;

/// <summary>A SHA-256 as a key of dictionaries.</summary>
internal readonly struct BodyKey : IEquatable<BodyKey>
{
    public const int Length = 32;

    private readonly UInt128 _high;
    private readonly UInt128 _low;

    /// <exception cref="StoreRejectedException">Not 32 bytes.</exception>
    public BodyKey(ReadOnlySpan<byte> sha256)
    {
        if (sha256.Length != Length)
            throw new StoreRejectedException($"A SHA-256 has {Length} bytes, not {sha256.Length}.");
        _high = MemoryMarshal.Read<UInt128>(sha256);
        _low = MemoryMarshal.Read<UInt128>(sha256[(Length / 2)..]);
    }

    public bool Equals(BodyKey other) => _high == other._high && _low == other._low;

    public override bool Equals(object? obj) => obj is BodyKey other && Equals(other);

    // Any part of a hash is a hash.
    public override int GetHashCode() => _high.GetHashCode();
}
