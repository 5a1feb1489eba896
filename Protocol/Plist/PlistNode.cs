using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace FleetMdm.Protocol.Plist;

/// <summary>
/// A value of a property list. Scalars are immutable; arrays and dictionaries are filled by whoever builds them and are not
/// meant to be changed once shared.
/// </summary>
public abstract class PlistNode
{
    private protected PlistNode()
    {
    }

    /// <summary>As messages name it: <c>string</c>, <c>dict</c>, …</summary>
    internal abstract string ElementName { get; }

    public static implicit operator PlistNode(string value) => new PlistString(value);

    public static implicit operator PlistNode(bool value) => PlistBoolean.Of(value);

    public static implicit operator PlistNode(long value) => new PlistInteger(value);

    public static implicit operator PlistNode(byte[] value) => new PlistData(value);

    public static implicit operator PlistNode(DateTimeOffset value) => new PlistDate(value);
}

/// <summary>A text.</summary>
public sealed class PlistString(string value) : PlistNode
{
    public string Value { get; } = value ?? throw new ArgumentNullException(nameof(value));

    internal override string ElementName => "string";
}

/// <summary>An integer from −2⁶³ to 2⁶⁴−1, as Apple's own reader takes them.</summary>
public sealed class PlistInteger : PlistNode
{
    public PlistInteger(Int128 value)
    {
        if (value < long.MinValue || value > ulong.MaxValue)
            throw new ArgumentOutOfRangeException(nameof(value), "A property list holds integers from -2^63 to 2^64-1.");
        Value = value;
    }

    public Int128 Value { get; }

    internal override string ElementName => "integer";
}

/// <summary>A floating-point number; NaN and the infinities are possible.</summary>
public sealed class PlistReal(double value) : PlistNode
{
    public double Value { get; } = value;

    internal override string ElementName => "real";
}

/// <summary>A truth value.</summary>
public sealed class PlistBoolean : PlistNode
{
    public static readonly PlistBoolean True = new(true);
    public static readonly PlistBoolean False = new(false);

    private PlistBoolean(bool value) => Value = value;

    public bool Value { get; }

    internal override string ElementName => Value ? "true" : "false";

    public static PlistBoolean Of(bool value) => value ? True : False;
}

/// <summary>A moment in UTC. XML keeps whole seconds.</summary>
public sealed class PlistDate(DateTimeOffset value) : PlistNode
{
    public DateTimeOffset Value { get; } = value.ToUniversalTime();

    internal override string ElementName => "date";
}

/// <summary>Bytes.</summary>
public sealed class PlistData(byte[] value) : PlistNode
{
    public byte[] Value { get; } = value ?? throw new ArgumentNullException(nameof(value));

    internal override string ElementName => "data";
}

/// <summary>Values in order.</summary>
public sealed class PlistArray : PlistNode, IReadOnlyList<PlistNode>
{
    private readonly List<PlistNode> _items;

    public PlistArray() => _items = [];

    public PlistArray(IEnumerable<PlistNode> items) => _items = [.. items];

    public int Count => _items.Count;

    internal override string ElementName => "array";

    public PlistNode this[int index] => _items[index];

    public static PlistArray OfStrings(IEnumerable<string> texts) => new(texts.Select(text => new PlistString(text)));

    public void Add(PlistNode item) => _items.Add(item ?? throw new ArgumentNullException(nameof(item)));

    public IEnumerator<PlistNode> GetEnumerator() => _items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _items.GetEnumerator();
}

/// <summary>
/// Values by key, in the order in which they were added or read. The getters answer null both for a key that is absent and for
/// one whose value is of another type; <see cref="TryGetValue"/> tells the two apart.
/// </summary>
public sealed class PlistDictionary : PlistNode, IReadOnlyCollection<KeyValuePair<string, PlistNode>>
{
    private readonly OrderedDictionary<string, PlistNode> _entries = [];

    public int Count => _entries.Count;

    internal override string ElementName => "dict";

    /// <summary>Setting replaces a value in its place, or adds it at the end; getting an absent key is an error.</summary>
    /// <exception cref="KeyNotFoundException"/>
    public PlistNode this[string key]
    {
        get => _entries[key];
        set => _entries[key] = value ?? throw new ArgumentNullException(nameof(value));
    }

    /// <exception cref="ArgumentException">The key is there already.</exception>
    public void Add(string key, PlistNode value)
    {
        if (!TryAdd(key, value))
            throw new ArgumentException($"The key '{key}' is there already.", nameof(key));
    }

    /// <summary>False, and nothing changed, when the key is there already.</summary>
    public bool TryAdd(string key, PlistNode value) =>
        _entries.TryAdd(key, value ?? throw new ArgumentNullException(nameof(value)));

    public bool Remove(string key) => _entries.Remove(key);

    public bool ContainsKey(string key) => _entries.ContainsKey(key);

    public bool TryGetValue(string key, [NotNullWhen(true)] out PlistNode? value) => _entries.TryGetValue(key, out value);

    /// <summary>True when the key is there and its value is of this type.</summary>
    public bool TryGet<TNode>(string key, [NotNullWhen(true)] out TNode? node)
        where TNode : PlistNode
    {
        node = Get<TNode>(key);
        return node is not null;
    }

    public string? GetString(string key) => Get<PlistString>(key)?.Value;

    public bool? GetBoolean(string key) => Get<PlistBoolean>(key)?.Value;

    /// <summary>Null also for an integer beyond 64 bits with sign.</summary>
    public long? GetInteger(string key) => Get<PlistInteger>(key) is { } integer && integer.Value <= long.MaxValue ? (long)integer.Value : null;

    /// <summary>An integer counts as a real: Apple's writers leave out a fraction that is zero.</summary>
    public double? GetReal(string key) =>
        TryGetValue(key, out var node) ? node switch { PlistReal real => real.Value, PlistInteger integer => (double)integer.Value, _ => null } : null;

    public byte[]? GetData(string key) => Get<PlistData>(key)?.Value;

    public DateTimeOffset? GetDate(string key) => Get<PlistDate>(key)?.Value;

    public PlistArray? GetArray(string key) => Get<PlistArray>(key);

    public PlistDictionary? GetDictionary(string key) => Get<PlistDictionary>(key);

    public IEnumerator<KeyValuePair<string, PlistNode>> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _entries.GetEnumerator();

    private TNode? Get<TNode>(string key)
        where TNode : PlistNode => _entries.TryGetValue(key, out var node) ? node as TNode : null;
}
