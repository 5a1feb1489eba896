using System.Globalization;
using System.Text;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>A key that two versions of a profile have differently.</summary>
/// <param name="Path">As in <c>PayloadContent[com.example.wifi.1].SSID_STR</c>: payloads go by their identifiers.</param>
/// <param name="From">Null: the older one does not have it.</param>
/// <param name="To">Null: the newer one does not have it.</param>
/// <param name="Secret">The values are not shown.</param>
public sealed record ProfileDifference(string Path, PlistNode? From, PlistNode? To, bool Secret);

/// <summary>Two versions of a profile, key by key.</summary>
public static class ProfileComparison
{
    private const string Identifier = "PayloadIdentifier";

    /// <summary>In the order of the newer one, what was taken away last. The PayloadUUID of the profile itself, which is another in each version, is left
    /// out.</summary>
    public static IReadOnlyList<ProfileDifference> Of(PlistDictionary from, PlistDictionary to)
    {
        var found = new List<ProfileDifference>();
        Dictionaries(from, to, ProfileSecrets.Hide(from), ProfileSecrets.Hide(to), "", found);
        return [.. found.Where(difference => difference.Path != "PayloadUUID")];
    }

    // The shown trees have the shape of the true ones, with marks in the place of secrets: a changed secret is a difference whose values are not shown.
    private static void Dictionaries(PlistDictionary from, PlistDictionary to, PlistNode shownFrom, PlistNode shownTo, string path, List<ProfileDifference> found)
    {
        foreach (var (key, value) in to)
        {
            var at = path.Length > 0 ? $"{path}.{key}" : key;
            Nodes(from.TryGetValue(key, out var was) ? was : null, value, Inside(shownFrom, key), Inside(shownTo, key), at, found);
        }

        foreach (var (key, value) in from)
        {
            if (!to.ContainsKey(key))
                Nodes(value, null, Inside(shownFrom, key), null, path.Length > 0 ? $"{path}.{key}" : key, found);
        }
    }

    private static void Nodes(PlistNode? from, PlistNode? to, PlistNode? shownFrom, PlistNode? shownTo, string path, List<ProfileDifference> found)
    {
        if (from is PlistDictionary one && to is PlistDictionary other && shownFrom is PlistDictionary && shownTo is PlistDictionary)
            Dictionaries(one, other, shownFrom, shownTo, path, found);
        else if (from is PlistArray ones && to is PlistArray others && shownFrom is PlistArray shownOnes && shownTo is PlistArray shownOthers && IsOfPayloads(ones) && IsOfPayloads(others))
            Payloads(ones, others, shownOnes, shownOthers, path, found);
        else if (!Same(from, to))
            found.Add(new ProfileDifference(path, shownFrom, shownTo, IsHidden(from, shownFrom) || IsHidden(to, shownTo)));
    }

    private static void Payloads(PlistArray from, PlistArray to, PlistArray shownFrom, PlistArray shownTo, string path, List<ProfileDifference> found)
    {
        var left = Enumerable.Range(0, from.Count).ToDictionary(index => NameOf(from[index]), index => index, StringComparer.Ordinal);
        for (var index = 0; index < to.Count; index++)
        {
            var name = NameOf(to[index]);
            var known = left.Remove(name, out var place);
            Nodes(known ? from[place] : null, to[index], known ? shownFrom[place] : null, shownTo[index], $"{path}[{name}]", found);
        }

        foreach (var (name, place) in left)
            Nodes(from[place], null, shownFrom[place], null, $"{path}[{name}]", found);
    }

    private static bool IsOfPayloads(PlistArray array) =>
        array.All(item => item is PlistDictionary payload && payload.GetString(Identifier) is not null) && array.Select(NameOf).Distinct(StringComparer.Ordinal).Count() == array.Count;

    private static string NameOf(PlistNode payload) => ((PlistDictionary)payload).GetString(Identifier)!;

    private static PlistNode? Inside(PlistNode? shown, string key) => shown is PlistDictionary dictionary && dictionary.TryGetValue(key, out var node) ? node : null;

    private static bool IsHidden(PlistNode? true_, PlistNode? shown) => true_ is not null && shown is not null && !Same(true_, shown);

    /// <summary>By their bytes, which tell the types apart.</summary>
    private static bool Same(PlistNode? one, PlistNode? other) => one is null || other is null
        ? one is null && other is null
        : PlistWriter.ToFragment(one).AsSpan().SequenceEqual(PlistWriter.ToFragment(other));

    /// <summary>A value in one line, for people; long ones are cut, and of data only the length is told.</summary>
    public static string InWords(PlistNode node) => node switch
    {
        PlistString text => PlistText.Cut(text.Value, 200),
        PlistBoolean flag => flag.Value ? "true" : "false",
        PlistInteger whole => whole.Value.ToString(CultureInfo.InvariantCulture),
        PlistReal real => PlistScalars.FormatReal(real.Value),
        PlistDate date => PlistScalars.FormatDate(date.Value),
        PlistData data => string.Create(CultureInfo.InvariantCulture, $"{data.Value.Length} bytes"),
        _ => PlistText.Cut(Json(node), 200),
    };

    private static string Json(PlistNode node)
    {
        using var stream = new MemoryStream();
        using (var writer = new System.Text.Json.Utf8JsonWriter(stream))
            PlistJson.Write(writer, node);
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }
}
