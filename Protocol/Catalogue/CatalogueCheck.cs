using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>In whose words keys are named.</summary>
internal enum KeyNames
{
    /// <summary>As property lists have them.</summary>
    Apple = 0,
    /// <summary>As JSON commands have them.</summary>
    Json,
}

/// <summary>
/// Compares a property list with the catalogue. One use, one look. What is known is checked: type, range, list of values, number of
/// items, format, required keys. What is not known is named as a warning, since Apple adds keys every year.
/// </summary>
/// <param name="names">How places are named.</param>
/// <param name="limits">Of ours, beside Apple's; null: none.</param>
internal sealed class CatalogueCheck(KeyNames names, CommandLimits? limits = null)
{
    /// <summary>More is not read by anybody, and an answer must not grow with what somebody sent.</summary>
    private const int MostFindings = 100;

    /// <summary>Longer lists of names are no help in a message.</summary>
    private const int MostNamed = 12;

    /// <summary>What begins a variable in a payload.</summary>
    private const string Variable = "{{";

    /// <summary>A shared cache: the formats are Apple's, a dozen, and each takes linear time.</summary>
    private static readonly ConcurrentDictionary<string, Regex> Formats = new(StringComparer.Ordinal);

    private readonly List<Finding> _problems = [];
    private readonly List<Finding> _warnings = [];

    public Findings Found => new(_problems, _warnings);

    /// <summary>The keys of a dictionary.</summary>
    /// <param name="pointer">Of the dictionary.</param>
    /// <param name="where">How messages call it, as in <c>DeviceLock</c>.</param>
    /// <param name="beside">A key that is checked elsewhere; null: none.</param>
    public void Keys(PlistDictionary dictionary, KeySet keys, string pointer, string where, string? beside = null)
    {
        foreach (var key in keys)
        {
            if (dictionary.TryGetValue(key.Name, out var value))
                Value(value, key, $"{pointer}/{Name(key)}");
            else if (key.Required)
                Problem($"{pointer}/{Name(key)}", $"{Name(key)} is missing.");
        }

        foreach (var (name, _) in dictionary)
        {
            if (keys.TryGet(name, out _) || name == beside)
                continue;
            if (name.Equals(beside, StringComparison.OrdinalIgnoreCase))
                Problem($"{pointer}/{Escape(name)}", $"Write {beside}.");
            else
                UnknownKey(name, keys, pointer, where);
        }
    }

    /// <summary>One value.</summary>
    public void Value(PlistNode value, CatalogueKey key, string pointer)
    {
        // What is not told is not looked for.
        if (_problems.Count >= MostFindings)
            return;
        if (!Fits(value, key.Type))
        {
            Problem(pointer, $"Must be {Expected(key.Type)}, and is {Is(value)}.");
            return;
        }

        // What a variable stands for is known when the profile goes to an iPad.
        if (limits is null && value is PlistString { Value: var given } && given.Contains(Variable, StringComparison.Ordinal))
            return;

        switch (value)
        {
            case PlistString text:
                Text(text.Value, key, pointer);
                break;
            case PlistData data when limits?.Fault(key, data.Value) is { } fault:
                Problem(pointer, fault);
                break;
            case PlistInteger or PlistReal:
                Number(value, key, pointer);
                break;
            case PlistArray list:
                List(list, key, pointer);
                break;
            case PlistDictionary dictionary:
                Dictionary(dictionary, key, pointer);
                break;
        }

        if (key.Values.Count > 0 && !key.Values.Any(allowed => Same(allowed, value)))
            Problem(pointer, $"Must be one of {string.Join(", ", key.Values.Select(Show))}, and is {Show(value)}.{Meant(value, key.Values)}");
    }

    private void Text(string text, CatalogueKey key, string pointer)
    {
        if (limits?.Fault(key, text) is { } fault)
            Problem(pointer, fault);
        else if (key.Format is { } format && !Matches(text, format))
            Problem(pointer, $"Must look like {format}.");
        if (key.Choices.Count > 0 && _warnings.Count < MostFindings && !key.Choices.TryGet(text, out _))
            Warning(pointer, $"{Unknown(text, key.Choices, choice => choice.Name)} An iPad leaves out of its answer what it does not know.");
    }

    private void Number(PlistNode value, CatalogueKey key, string pointer)
    {
        var number = value is PlistInteger integer ? (double)integer.Value : ((PlistReal)value).Value;
        if (number < key.Min || number > key.Max || double.IsNaN(number))
            Problem(pointer, $"Must be {Range(key.Min, key.Max)}, and is {Show(value)}.");
    }

    private void List(PlistArray list, CatalogueKey key, string pointer)
    {
        var least = key.MinItems ?? limits?.FewestItems(key);
        var most = key.MaxItems ?? limits?.MostItems;
        if (list.Count < least || list.Count > most)
            Problem(pointer, $"The list has {list.Count} items; {Range(least, most)} are taken.{(list.Count == 0 && !key.Required ? " To ask for everything, leave the list out." : "")}");
        for (var index = 0; key.Item is { } item && index < list.Count && index < (most ?? int.MaxValue); index++)
            Value(list[index], item, $"{pointer}/{index}");
    }

    private void Dictionary(PlistDictionary dictionary, CatalogueKey key, string pointer)
    {
        if (key.Any is { } any)
        {
            foreach (var (name, value) in dictionary)
                Value(value, any, $"{pointer}/{Escape(name)}");
        }
        else if (key.Variants.Count > 0)
        {
            Variant(dictionary, key, pointer);
        }
        else if (key.Keys.Count > 0)
        {
            Keys(dictionary, key.Keys, pointer, Name(key).Length > 0 ? Name(key) : "the item");
        }
    }

    /// <summary>An item of Settings.</summary>
    private void Variant(PlistDictionary dictionary, CatalogueKey key, string pointer)
    {
        var at = $"{pointer}/{(names == KeyNames.Json ? "item" : CatalogueKey.Discriminator)}";
        if (!dictionary.TryGetValue(CatalogueKey.Discriminator, out var item))
            Problem(at, $"{at[(pointer.Length + 1)..]} is missing. It names what is set: {string.Join(", ", key.Variants.Select(variant => variant.Name))}.");
        else if (item is not PlistString { Value: var name })
            Problem(at, $"Must be a text, and is {Is(item)}.");
        else if (key.Variants.TryGet(name, out var variant))
            Keys(dictionary, variant.Keys, pointer, name);
        else if (_warnings.Count < MostFindings)
            Warning(at, Unknown(name, key.Variants, known => known.Name));
    }

    private void UnknownKey(string name, KeySet keys, string pointer, string where)
    {
        // Spelt so that only its letters' case differs: an iPad that reads names kindly would take it for the one that is checked.
        if (keys.FirstOrDefault(key => IsNearly(key, name)) is { } same)
        {
            Problem($"{pointer}/{Escape(name)}", $"Write {Name(same)}.");
            return;
        }

        if (_warnings.Count >= MostFindings)
            return;
        var known = keys.Count switch
        {
            0 => $" {where} takes no keys.",
            <= MostNamed => $" Known are {string.Join(", ", keys.Select(Name))}.",
            _ => "",
        };
        Warning($"{pointer}/{Escape(name)}", $"{Unknown(name, keys, Name)} It is sent as it is.{known}");
    }

    internal static bool IsNearly(CatalogueKey key, string name) =>
        key.Name.Equals(name, StringComparison.OrdinalIgnoreCase) || key.JsonName.Equals(name, StringComparison.OrdinalIgnoreCase);

    /// <summary>A sentence on a name that is not among those that are known here.</summary>
    internal static string Unknown(string name, KeySet keys, Func<CatalogueKey, string> spelt)
    {
        var shown = PlistText.Excerpt(name);
        var elsewhere = keys.Elsewhere.FirstOrDefault(other => other.Key.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (elsewhere.Value is { Length: > 0 } platforms)
            return $"'{shown}' is not for iPads: Apple documents it for {platforms}.";
        var meant = Spelling.Nearest(name, keys.Select(spelt)) is { } nearest ? $" Did you mean {nearest}?" : "";
        return $"'{shown}' is not known to the catalogue.{meant}";
    }

    private static string Meant(PlistNode value, IReadOnlyList<PlistNode> values) =>
        value is PlistString { Value: var text } && Spelling.Nearest(text, values.OfType<PlistString>().Select(known => known.Value)) is { } nearest
            ? $" Did you mean {nearest}?"
            : "";

    private string Name(CatalogueKey key) => names == KeyNames.Json ? key.JsonName : key.Name;

    private static string Escape(string name) => PlistText.Excerpt(name).Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private void Problem(string pointer, string message)
    {
        if (_problems.Count < MostFindings)
            _problems.Add(new Finding(pointer, message));
    }

    private void Warning(string pointer, string message) => _warnings.Add(new Finding(pointer, message));

    private static bool Matches(string text, string format)
    {
        try
        {
            return Formats.GetOrAdd(format, static pattern => new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant)).IsMatch(text);
        }
        catch (NotSupportedException)
        {
            // A pattern that needs backtracking: not worth a check that somebody can make slow.
            return true;
        }
    }

    /// <summary>An integer is a real whose fraction is zero: Apple's writers leave it out.</summary>
    private static bool Fits(PlistNode value, KeyType type) => type switch
    {
        KeyType.String => value is PlistString,
        KeyType.Integer => value is PlistInteger,
        KeyType.Real => value is PlistReal or PlistInteger,
        KeyType.Boolean => value is PlistBoolean,
        KeyType.Date => value is PlistDate,
        KeyType.Data => value is PlistData,
        KeyType.Array => value is PlistArray,
        KeyType.Dictionary => value is PlistDictionary,
        _ => true,
    };

    internal static string Expected(KeyType type) => type switch
    {
        KeyType.String => "a text",
        KeyType.Integer => "a whole number",
        KeyType.Real => "a number",
        KeyType.Boolean => "true or false",
        KeyType.Date => "a date",
        KeyType.Data => "data",
        KeyType.Array => "a list",
        KeyType.Dictionary => "a dictionary",
        _ => "a value",
    };

    private static string Is(PlistNode value) => value switch
    {
        PlistString => "a text",
        PlistInteger => "a whole number",
        PlistReal => "a number with a fraction",
        PlistBoolean => "true or false",
        PlistDate => "a date",
        PlistData => "data",
        PlistArray => "a list",
        _ => "a dictionary",
    };

    private static bool Same(PlistNode one, PlistNode other) => (one, other) switch
    {
        (PlistString a, PlistString b) => a.Value == b.Value,
        (PlistBoolean a, PlistBoolean b) => a.Value == b.Value,
        (PlistInteger a, PlistInteger b) => a.Value == b.Value,
        (PlistReal or PlistInteger, PlistReal or PlistInteger) => AsReal(one).Equals(AsReal(other)),
        _ => false,
    };

    private static double AsReal(PlistNode number) => number is PlistInteger integer ? (double)integer.Value : ((PlistReal)number).Value;

    private static string Show(PlistNode value) => value switch
    {
        PlistString text => PlistText.Excerpt(text.Value),
        PlistInteger integer => integer.Value.ToString(CultureInfo.InvariantCulture),
        PlistReal real => real.Value.ToString(CultureInfo.InvariantCulture),
        PlistBoolean flag => flag.Value ? "true" : "false",
        _ => Is(value),
    };

    private static string Range(double? least, double? most) => (least, most) switch
    {
        ({ } from, { } to) => string.Create(CultureInfo.InvariantCulture, $"{from} to {to}"),
        ({ } from, null) => string.Create(CultureInfo.InvariantCulture, $"at least {from}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"at most {most}"),
    };
}
