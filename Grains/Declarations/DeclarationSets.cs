using System.Collections.Concurrent;
using FleetMdm.Protocol.Declarations;
using FleetMdm.Storage.Declarations;

namespace FleetMdm.Grains.Declarations;

/// <summary>The sets of declarations that iPads of this node have or should have: each is made or read once for all of them.</summary>
/// <remarks>Any thread. Bounded: when it is full it is emptied. What is lost costs a read.</remarks>
internal sealed class DeclarationSets(IDeclarationStore store)
{
    private const int MostSets = 256;

    private readonly ConcurrentDictionary<string, DeclarationSet> _byToken = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DeclarationSet> _byContent = new(StringComparer.Ordinal);

    /// <summary>What was announced under this token; null: nobody has it any more.</summary>
    public async ValueTask<DeclarationSet?> Find(string token)
    {
        if (token == DeclarationSet.EmptyToken) return DeclarationSet.Empty;
        if (_byToken.TryGetValue(token, out var known)) return known;
        return await store.LoadSet(token) is { } stored ? Remember(DeclarationSet.Read(stored)) : null;
    }

    /// <summary>One set out of several contents. iPads of one class share it.</summary>
    /// <param name="parts">What it is made of, by a name that changes with the content.</param>
    public DeclarationSet Of(IReadOnlyList<(string Name, IReadOnlyList<Declaration> Declarations)> parts)
    {
        if (parts.Count == 0) return DeclarationSet.Empty;
        var name = string.Join('\n', parts.Select(part => part.Name).Order(StringComparer.Ordinal));
        if (_byContent.TryGetValue(name, out var known)) return known;
        var set = Remember(new DeclarationSet(parts.SelectMany(part => part.Declarations)));
        if (_byContent.Count >= MostSets) _byContent.Clear();
        return _byContent[name] = set;
    }

    private DeclarationSet Remember(DeclarationSet set)
    {
        if (_byToken.Count >= MostSets) _byToken.Clear();
        return _byToken[set.Token] = set;
    }
}
