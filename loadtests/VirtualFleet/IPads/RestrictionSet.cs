using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>
/// The restrictions of some profiles together. The stricter one wins: what one profile forbids, no other allows.
/// <see href="https://developer.apple.com/documentation/devicemanagement/restrictionsresponse"/>
/// </summary>
internal sealed class RestrictionSet
{
    private readonly SortedDictionary<string, bool> _flags = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, long> _numbers = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, SortedSet<string>> _intersections = new(StringComparer.Ordinal), _unions = new(StringComparer.Ordinal);

    private RestrictionSet()
    {
    }

    public bool IsEmpty => _flags.Count + _numbers.Count + _intersections.Count + _unions.Count == 0;

    public bool? Flag(string key) => _flags.TryGetValue(key, out var value) ? value : null;

    public long? Number(string key) => _numbers.TryGetValue(key, out var value) ? value : null;

    public static RestrictionSet Of(IEnumerable<InstalledProfile> profiles, bool supervised)
    {
        var set = new RestrictionSet();
        foreach (var payload in profiles.SelectMany(profile => profile.Of(PayloadRules.Restrictions).Concat(profile.Of(PayloadRules.Passcode))))
        {
            foreach (var (key, value) in payload)
            {
                if (!key.StartsWith("Payload", StringComparison.Ordinal) && (supervised || !PayloadRules.SupervisedRestrictions.Contains(key)))
                    set.Add(key, value);
            }
        }
        return set;
    }

    public PlistDict ToPlist()
    {
        var answer = new PlistDict();
        Put(answer, "restrictedBool", _flags, value => ("value", value));
        Put(answer, "restrictedValue", _numbers, value => ("value", value));
        Put(answer, "intersection", _intersections, values => ("values", values.Cast<object>().ToList()));
        Put(answer, "union", _unions, values => ("values", values.Cast<object>().ToList()));
        return answer;
    }

    private void Add(string key, object value)
    {
        switch (value)
        {
            case bool flag:
                // What is forced stays forced; what is not allowed stays so.
                var strict = key.Contains("force", StringComparison.OrdinalIgnoreCase) || key.StartsWith("require", StringComparison.Ordinal);
                _flags[key] = _flags.TryGetValue(key, out var before) && before == strict ? before : flag;
                break;
            case long number:
                // At least so many characters, at most so many minutes.
                var most = key.StartsWith("min", StringComparison.Ordinal) || key is "pinHistory" or "enforcedSoftwareUpdateDelay";
                _numbers[key] = _numbers.TryGetValue(key, out var other) ? (most ? Math.Max(other, number) : Math.Min(other, number)) : number;
                break;
            case List<object> list:
                var texts = list.OfType<string>();
                var forbids = key.StartsWith("block", StringComparison.Ordinal) || key.StartsWith("black", StringComparison.Ordinal);
                var sets = forbids ? _unions : _intersections;
                if (!sets.TryGetValue(key, out var known))
                    sets[key] = new SortedSet<string>(texts, StringComparer.Ordinal);
                else if (forbids)
                    known.UnionWith(texts);
                else
                    known.IntersectWith(texts);
                break;
        }
    }

    private static void Put<T>(PlistDict answer, string group, SortedDictionary<string, T> restrictions, Func<T, (string Key, object Value)> shown)
    {
        if (restrictions.Count == 0)
            return;
        var dict = new PlistDict();
        foreach (var (key, value) in restrictions)
        {
            var (name, plist) = shown(value);
            dict[key] = new PlistDict { [name] = plist };
        }
        answer[group] = dict;
    }
}
