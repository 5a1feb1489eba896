using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Grains.AppsAndBooks;

/// <summary>What notifications have said since the last round: what is to be asked of Apple, each thing once.</summary>
/// <remarks>Bounded: of too much, all that the location owns is read once. Not for several threads. Lost with its grain: Apple is asked every few minutes anyway.</remarks>
internal sealed class ContentNews
{
    /// <summary>Of more, a read of all that the location owns is cheaper.</summary>
    private const int MostApps = 50;

    private const int MostEvents = 200;

    private readonly Dictionary<string, (HashSet<string> Apps, bool Takes)> _events = new(StringComparer.Ordinal);
    private readonly HashSet<string> _apps = new(StringComparer.Ordinal);
    private bool _gives, _takes, _everything;

    public bool IsEmpty => _events.Count == 0 && _apps.Count == 0 && !_gives && !_takes && !_everything;

    public void Add(ContentNotice notice)
    {
        switch (notice)
        {
            case { Type: "ASSET_MANAGEMENT", EventId: { } happening, Apps: { } apps }:
                if (_events.TryGetValue(happening, out var known)) known.Apps.UnionWith(apps);
                else if (_events.Count < MostEvents) _events[happening] = ([.. apps], notice.Takes);
                else Elsewhere(apps, notice.Takes);
                break;
            case { Type: "ASSET_MANAGEMENT" }:
                Elsewhere(notice.Apps, notice.Takes);
                break;
            case { Type: "ASSET_COUNT" }:
                Count(notice.Apps);
                break;
        }
    }

    /// <summary>What a round did not get to.</summary>
    public void Add(ContentNews other)
    {
        foreach (var (happening, (apps, takes)) in other._events) Add(new ContentNotice("ASSET_MANAGEMENT", happening, [.. apps], takes));
        if (other._apps.Count > 0) Count([.. other._apps]);
        (_gives, _takes, _everything) = (_gives || other._gives, _takes || other._takes, _everything || other._everything);
    }

    /// <param name="open">Requests of this server that Apple has not answered yet, as far as is known.</param>
    public ContentHeard Sort(IReadOnlySet<string> open)
    {
        foreach (var (apps, takes) in _events.Where(one => !open.Contains(one.Key)).Select(one => one.Value)) Elsewhere(apps, takes);
        return new ContentHeard(_events.Keys.Where(open.Contains).ToHashSet(StringComparer.Ordinal), _everything ? new HashSet<string>() : _apps, _gives, _takes, _everything);
    }

    private void Elsewhere(IReadOnlyCollection<string>? apps, bool takes)
    {
        if (takes) _takes = true;
        else _gives = true;
        Count(apps);
    }

    private void Count(IReadOnlyCollection<string>? apps)
    {
        if (apps is null or { Count: 0 }) _everything = true;
        else _apps.UnionWith(apps);
        if (_apps.Count > MostApps) _everything = true;
    }
}

/// <param name="Events">Requests of this server that something became of.</param>
/// <param name="Apps">Of which there are more or fewer licences, or others have them.</param>
/// <param name="Given">Licences were given elsewhere: what is new in Apple's list is read.</param>
/// <param name="Taken">Licences were taken elsewhere: only a whole list tells, and it is read with the next turn.</param>
/// <param name="Everything">Too much to tell one by one: what the location owns is read.</param>
internal sealed record ContentHeard(IReadOnlySet<string> Events, IReadOnlySet<string> Apps, bool Given, bool Taken, bool Everything);
