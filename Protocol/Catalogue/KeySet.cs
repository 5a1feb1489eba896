using System.Collections;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>Keys in Apple's order, found by name.</summary>
public sealed class KeySet : IReadOnlyList<CatalogueKey>
{
    public static readonly KeySet Empty = new([], null);

    private readonly CatalogueKey[] _keys;
    private readonly FrozenDictionary<string, CatalogueKey> _byName;
    private readonly FrozenDictionary<string, CatalogueKey> _byJsonName;

    private KeySet(CatalogueKey[] keys, IReadOnlyDictionary<string, string>? elsewhere)
    {
        _keys = keys;
        Elsewhere = elsewhere ?? FrozenDictionary<string, string>.Empty;
        _byName = keys.ToFrozenDictionary(key => key.Name, StringComparer.Ordinal);
        _byJsonName = keys.ToFrozenDictionary(key => key.JsonName, StringComparer.Ordinal);
    }

    /// <summary>Apple's names of keys that other platforms have, and which platforms.</summary>
    public IReadOnlyDictionary<string, string> Elsewhere { get; }

    public int Count => _keys.Length;

    public CatalogueKey this[int index] => _keys[index];

    public CatalogueKey this[string name] => _byName[name];

    /// <param name="elsewhere">Names of keys that other platforms have, and which.</param>
    public static KeySet Of(IEnumerable<CatalogueKey> keys, IReadOnlyDictionary<string, string>? elsewhere = null) => new([.. keys], elsewhere);

    internal static KeySet Of(List<KeyFacts>? keys, IReadOnlyDictionary<string, string>? elsewhere, Func<KeyFacts, CatalogueKey> make) =>
        keys is null ? Empty : new([.. keys.Select(make)], elsewhere);

    /// <param name="name">Apple's.</param>
    public bool TryGet(string name, [NotNullWhen(true)] out CatalogueKey? key) => _byName.TryGetValue(name, out key);

    /// <param name="name">In camel case.</param>
    public bool TryGetJson(string name, [NotNullWhen(true)] out CatalogueKey? key) => _byJsonName.TryGetValue(name, out key);

    public IEnumerator<CatalogueKey> GetEnumerator() => ((IEnumerable<CatalogueKey>)_keys).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
