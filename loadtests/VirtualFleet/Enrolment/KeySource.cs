using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace FleetMdm.VirtualFleet.Enrolment;

/// <summary>Where iPads get their private keys from.</summary>
/// <remarks>
/// A real iPad makes a new key for each enrolment. Making RSA-2048 keys costs about a tenth of a CPU second each, which two
/// thousand iPads on the machine of the server under test cannot pay; so a source may share a small number of keys among
/// all iPads. Their certificates differ all the same, and certificates are what a server tells them apart by.
/// </remarks>
public sealed class KeySource
{
    private readonly int _shared;
    private readonly ConcurrentDictionary<(int Size, int Slot), Lazy<RSA>> _keys = new();
    private int _next;

    private KeySource(int shared) => _shared = shared;

    /// <summary>A new key for each enrolment, as on a real iPad.</summary>
    public static KeySource Fresh { get; } = new(0);

    /// <summary>At most this many keys of each size, made when first needed, handed round.</summary>
    public static KeySource Shared(int keys)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(keys);
        return new KeySource(keys);
    }

    /// <summary>The caller does not dispose of it: it may be shared.</summary>
    internal RSA Take(int bits)
    {
        if (_shared == 0)
            return Make(bits);
        var slot = (int)((uint)Interlocked.Increment(ref _next) % (uint)_shared);
        return _keys.GetOrAdd((bits, slot), static key => new Lazy<RSA>(() => Make(key.Size))).Value;
    }

    private static RSA Make(int bits)
    {
        var key = RSA.Create(bits);
        // The key is made on first use; here, so that no two iPads make the same one at once.
        key.ExportParameters(includePrivateParameters: false);
        return key;
    }
}
