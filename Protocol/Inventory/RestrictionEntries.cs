using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Inventory;

/// <summary>The restrictions that hold on an iPad, and which profiles ask for each.
/// <see href="https://developer.apple.com/documentation/devicemanagement/restrictionsresponse"/></summary>
internal static class RestrictionEntries
{
    private static readonly string[] Single = ["restrictedBool", "restrictedValue"];
    private static readonly string[] Several = ["intersection", "union"];

    public static InventoryAnswer? Read(PlistDictionary? inForce, PlistDictionary? byProfile)
    {
        if (inForce is null)
            return null;
        var setBy = SetBy(byProfile);
        return InventoryReader.Distinct(Of(inForce, setBy));
    }

    private static IEnumerable<InventoryEntry?> Of(PlistDictionary inForce, Dictionary<string, List<string>> setBy)
    {
        foreach (var (name, restriction) in Within(inForce, Single))
        {
            if (InventoryReader.Clean(name) is { } key && restriction.TryGetValue("value", out var value) && InventoryReader.Scalar(value) is { } text)
                yield return new InventoryEntry(key, null, text, null, Details(setBy, name, null));
        }

        foreach (var (name, restriction) in Within(inForce, Several))
        {
            if (InventoryReader.Clean(name) is { } key && restriction.GetArray("values") is { } values)
                yield return new InventoryEntry(key, null, null, null, Details(setBy, name, values));
        }
    }

    private static string Details(Dictionary<string, List<string>> setBy, string name, PlistArray? values) => InventoryReader.Object(json =>
    {
        if (values is not null)
            InventoryReader.PutTexts(json, "values", values.Select(InventoryReader.Scalar));
        if (setBy.TryGetValue(name, out var profiles))
            InventoryReader.PutTexts(json, "setBy", profiles);
    });

    private static Dictionary<string, List<string>> SetBy(PlistDictionary? byProfile)
    {
        var setBy = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var (identifier, node) in byProfile ?? [])
        {
            if (node is not PlistDictionary profile || InventoryReader.Clean(identifier) is not { } shown)
                continue;
            foreach (var (name, _) in Within(profile, Single).Concat(Within(profile, Several)))
            {
                if (!setBy.TryGetValue(name, out var profiles))
                    setBy[name] = profiles = [];
                if (!profiles.Contains(shown))
                    profiles.Add(shown);
            }
        }

        return setBy;
    }

    private static IEnumerable<(string Name, PlistDictionary Restriction)> Within(PlistDictionary restrictions, string[] kinds)
    {
        foreach (var kind in kinds)
        {
            foreach (var (name, node) in restrictions.GetDictionary(kind) ?? [])
            {
                if (node is PlistDictionary restriction)
                    yield return (name, restriction);
            }
        }
    }
}
