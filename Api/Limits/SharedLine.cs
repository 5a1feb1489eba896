using System.Numerics;

namespace FleetMdm.Api.Limits;

/// <summary>
/// What many addresses hold or wait for, in the order in which it came, and by address: so that one address that has much can be told from
/// others that have little. Not safe for threads: its owner has a lock.
/// </summary>
/// <remarks>Addresses are told apart by the power of two of what they have, which every step finds without a search. Those with as much take turns.</remarks>
internal sealed class SharedLine<T>(bool newestFirst) where T : class
{
    private readonly LinkedList<Entry> _all = [];
    private readonly Dictionary<UInt128, Holder> _holders = [];
    private readonly LinkedList<Holder>[] _weights = [.. Enumerable.Range(0, 32).Select(_ => new LinkedList<Holder>())];

    public int Count => _all.Count;

    /// <summary>How many have something.</summary>
    public int Addresses => _holders.Count;

    public IEnumerable<Entry> All
    {
        get
        {
            for (var node = _all.First; node is not null;)
            {
                var next = node.Next;
                yield return node.Value;
                node = next;
            }
        }
    }

    public Entry Add(UInt128 address, T item)
    {
        if (!_holders.TryGetValue(address, out var holder)) _holders[address] = holder = new Holder(address);
        var entry = new Entry(holder, item);
        _all.AddLast(entry.InAll);
        holder.Entries.AddLast(entry.InHolder);
        Weigh(holder, stays: !newestFirst, toEnd: true);
        return entry;
    }

    public void Remove(Entry entry)
    {
        if (entry.InAll.List is null) return;
        _all.Remove(entry.InAll);
        entry.Holder.Entries.Remove(entry.InHolder);
        Weigh(entry.Holder, stays: false, toEnd: !newestFirst);
    }

    /// <summary>The one whose turn it is by order alone.</summary>
    public Entry? Next() => (newestFirst ? _all.Last : _all.First)?.Value;

    /// <summary>The same among what the addresses have that have the least.</summary>
    public Entry? NextOfLightest()
    {
        foreach (var holders in _weights)
        {
            if ((newestFirst ? holders.Last : holders.First)?.Value is { } holder)
                return (newestFirst ? holder.Entries.Last : holder.Entries.First)!.Value;
        }

        return null;
    }

    /// <summary>What an address that has far more than this one can best do without; null: none has.</summary>
    public Entry? LastOfHeavierThan(UInt128 address)
    {
        var weight = WeightOf((_holders.TryGetValue(address, out var own) ? own.Entries.Count : 0) + 1);
        for (var heavier = _weights.Length - 1; heavier > weight; heavier--)
        {
            if (_weights[heavier].First?.Value is { } holder) return (newestFirst ? holder.Entries.First : holder.Entries.Last)!.Value;
        }

        return null;
    }

    private static int WeightOf(int count) => BitOperations.Log2((uint)count);

    private void Weigh(Holder holder, bool stays, bool toEnd)
    {
        if (holder.Entries.Count == 0)
        {
            _holders.Remove(holder.Address);
            holder.Node.List?.Remove(holder.Node);
            return;
        }

        var holders = _weights[WeightOf(holder.Entries.Count)];
        if (stays && holder.Node.List == holders) return;
        holder.Node.List?.Remove(holder.Node);
        if (toEnd) holders.AddLast(holder.Node);
        else holders.AddFirst(holder.Node);
    }

    internal sealed class Entry
    {
        public Entry(Holder holder, T item)
        {
            (Holder, Item) = (holder, item);
            (InAll, InHolder) = (new LinkedListNode<Entry>(this), new LinkedListNode<Entry>(this));
        }

        public Holder Holder { get; }

        public T Item { get; }

        public LinkedListNode<Entry> InAll { get; }

        public LinkedListNode<Entry> InHolder { get; }
    }

    internal sealed class Holder
    {
        public Holder(UInt128 address) => (Address, Node) = (address, new LinkedListNode<Holder>(this));

        public UInt128 Address { get; }

        public LinkedList<Entry> Entries { get; } = [];

        public LinkedListNode<Holder> Node { get; }
    }
}
