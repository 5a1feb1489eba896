namespace FleetMdm.Protocol.Plist;

/// <summary>
/// What a reader of property lists takes from a stranger. Reading time and memory are bounded by these numbers, whatever the
/// bytes say; going beyond one is a <see cref="PlistFormatException"/>.
/// </summary>
/// <remarks>XML needs no limit on entities: none is ever declared, and a reference is always longer than what it stands for.</remarks>
public sealed record PlistLimits
{
    /// <summary>No limit may allow deeper nesting: the recursion of readers and writers is safe up to here, and no real
    /// property list comes near it.</summary>
    public const int HighestDepth = 64;

    /// <summary>The default for messages of an iPad.</summary>
    public const int DeviceBytes = 1024 * 1024;

    /// <summary>The default for what an administrator uploads: large profiles carry fonts and images.</summary>
    public const int AdminBytes = 16 * 1024 * 1024;

    /// <summary>An element with its key is rarely shorter than this many bytes, so fewer objects than one in as many bytes is
    /// no real limit for honest documents, and keeps the memory for a tree near the size of its document.</summary>
    private const int BytesPerObject = 16;

    /// <summary>Binary property lists store a repeated string once. Unfolding a real one rarely doubles it.</summary>
    private const int Unfolding = 4;

    private readonly int _maxDepth = 32;

    /// <summary>Of the document.</summary>
    public required int MaxBytes { get; init; }

    /// <summary>Containers inside containers, the root counted; 1 to <see cref="HighestDepth"/>.</summary>
    public int MaxDepth
    {
        get => _maxDepth;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, HighestDepth);
            _maxDepth = value;
        }
    }

    /// <summary>Keys and values together.</summary>
    public required int MaxObjects { get; init; }

    /// <summary>Bytes of all texts, keys and data of a binary property list after its shared values are unfolded.</summary>
    public required long MaxExpandedBytes { get; init; }

    /// <summary>For an iPad's messages: 1 MiB, depth 32, 65,536 objects.</summary>
    public static PlistLimits Device { get; } = ForBytes(DeviceBytes);

    /// <summary>For administrators: 16 MiB, depth 64, 262,144 objects: what is large in a profile is data, not structure.</summary>
    public static PlistLimits Admin { get; } = ForBytes(AdminBytes) with { MaxDepth = HighestDepth, MaxObjects = 262_144 };

    /// <summary>Limits for documents of up to <paramref name="maxBytes"/>, the others in proportion.</summary>
    public static PlistLimits ForBytes(int maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, 1);
        return new PlistLimits
        {
            MaxBytes = maxBytes,
            MaxObjects = Math.Max(1024, maxBytes / BytesPerObject),
            MaxExpandedBytes = Math.Max(4096L, (long)maxBytes * Unfolding),
        };
    }
}
