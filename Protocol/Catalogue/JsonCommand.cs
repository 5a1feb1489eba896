using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>
/// Makes a property list of a command or a payload that is written as JSON. What is known of a key decides what its value becomes: a text is a
/// text, Base64 or a moment. A key that is not known keeps its name, and its value is taken as it looks.
/// </summary>
/// <remarks>One use, one command. Only types are looked at here; <see cref="CatalogueCheck"/> looks at the rest.</remarks>
/// <param name="names">How its members are named.</param>
internal sealed class JsonCommand(KeyNames names = KeyNames.Json)
{
    /// <summary>An envelope stands around a command, and a profile may stand in one: well below <see cref="PlistLimits.HighestDepth"/>.</summary>
    private const int MostDepth = 32;

    /// <summary>Below what readers of commands take (<see cref="PlistLimits.Admin"/>), keys included.</summary>
    private const int MostValues = 100_000;

    private const int LongestKey = 255;

    private int _values;

    /// <param name="command">An object.</param>
    /// <param name="keys">Of the command.</param>
    /// <param name="own">The member that is no key, and stands first.</param>
    /// <exception cref="CommandFieldException">Names the member.</exception>
    public PlistDictionary Read(JsonElement command, KeySet keys, string own, string ownKey, string ownValue)
    {
        var dictionary = new PlistDictionary { [ownKey] = ownValue };
        Members(command, keys, "", dictionary, own);
        return dictionary;
    }

    /// <summary>A dictionary of a profile.</summary>
    /// <param name="json">An object.</param>
    /// <exception cref="CommandFieldException">Names the member.</exception>
    public PlistDictionary Read(JsonElement json, KeySet keys, string pointer)
    {
        var dictionary = new PlistDictionary();
        Members(json, keys, pointer, dictionary);
        return dictionary;
    }

    /// <summary>A member that is null counts as left out.</summary>
    private void Members(JsonElement json, KeySet keys, string pointer, PlistDictionary into, string? own = null)
    {
        var given = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var property in json.EnumerateObject())
        {
            var name = NameOf(property, pointer);
            if (!given.TryAdd(name, property.Value))
                throw new CommandFieldException($"{pointer}/{PlistText.Excerpt(name)}", $"{PlistText.Excerpt(name)} stands twice.");
        }

        // In Apple's order, whatever the order was: a command that says the same is the same.
        foreach (var key in keys)
        {
            if (given.Remove(Spelt(key), out var value) && value.ValueKind != JsonValueKind.Null)
                into[key.Name] = Value(value, key, $"{pointer}/{Spelt(key)}");
        }

        foreach (var (name, value) in given)
        {
            if (name == own || value.ValueKind == JsonValueKind.Null)
                continue;
            // Taken as it is written, it would be the key itself or stand beside it, and nothing would have looked at its value.
            var same = name.Equals(own, StringComparison.OrdinalIgnoreCase) ? own : keys.FirstOrDefault(key => CatalogueCheck.IsNearly(key, name)) is { } near ? Spelt(near) : null;
            if (same is not null)
                throw new CommandFieldException($"{pointer}/{PlistText.Excerpt(name)}", $"Write {same}.");
            into[KeyName(name, pointer)] = Free(value, $"{pointer}/{name}", 0);
        }
    }

    private PlistNode Value(JsonElement json, CatalogueKey key, string pointer)
    {
        Count(pointer);
        switch (key.Type)
        {
            case KeyType.String:
                return TextOf(json, pointer, "a text");
            case KeyType.Boolean:
                return json.ValueKind is JsonValueKind.True or JsonValueKind.False ? json.GetBoolean() : throw Expected(pointer, "true or false");
            case KeyType.Integer:
                return Whole(json) ?? throw Expected(pointer, "a whole number");
            case KeyType.Real:
                return Whole(json) ?? Real(json) ?? throw Expected(pointer, "a number");
            case KeyType.Data:
                return Data(json, pointer);
            case KeyType.Date:
                return Date(json, pointer);
            case KeyType.Array:
                return List(json, key, pointer);
            case KeyType.Dictionary:
                return Dictionary(json, key, pointer);
            default:
                return Free(json, pointer, 0);
        }
    }

    private PlistArray List(JsonElement json, CatalogueKey key, string pointer)
    {
        if (json.ValueKind != JsonValueKind.Array)
            throw Expected(pointer, "a list");
        var list = new PlistArray();
        foreach (var item in json.EnumerateArray())
        {
            var at = $"{pointer}/{list.Count}";
            list.Add(key.Item is { } known ? Value(item, known, at) : Free(item, at, 0));
        }

        return list;
    }

    private PlistDictionary Dictionary(JsonElement json, CatalogueKey key, string pointer)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw Expected(pointer, "an object");
        var dictionary = new PlistDictionary();
        if (key.Any is { } any)
        {
            foreach (var property in json.EnumerateObject())
            {
                var name = KeyName(NameOf(property, pointer), pointer);
                if (property.Value.ValueKind != JsonValueKind.Null && !dictionary.TryAdd(name, Value(property.Value, any, $"{pointer}/{name}")))
                    throw new CommandFieldException($"{pointer}/{name}", $"{name} stands twice.");
            }
        }
        else
        {
            Members(json, key.Variants.Count > 0 ? Variant(json, key, pointer) : key.Keys, pointer, dictionary);
        }

        return dictionary;
    }

    /// <summary>The keys of an item of Settings; without a name that is known, the one that all have.</summary>
    private KeySet Variant(JsonElement json, CatalogueKey key, string pointer)
    {
        foreach (var property in json.EnumerateObject())
        {
            if (NameOf(property, pointer) == Spelt(key.DiscriminatorAlone[0]) && property.Value.ValueKind == JsonValueKind.String
                && key.Variants.TryGet(TextOf(property.Value, $"{pointer}/{Spelt(key.DiscriminatorAlone[0])}", "a text"), out var variant))
            {
                return variant.Keys;
            }
        }

        return key.DiscriminatorAlone;
    }

    /// <summary>A value of which nothing is known.</summary>
    private PlistNode Free(JsonElement json, string pointer, int depth)
    {
        Count(pointer);
        if (depth > MostDepth)
            throw new CommandFieldException(pointer, "It is nested too deeply.");
        switch (json.ValueKind)
        {
            case JsonValueKind.True or JsonValueKind.False:
                return json.GetBoolean();
            case JsonValueKind.Number:
                return Whole(json) ?? Real(json) ?? throw Expected(pointer, "a number");
            case JsonValueKind.String:
                var text = TextOf(json, pointer, "a text");
                return PlistText.IndexOfForbidden(text) < 0 ? text : throw new CommandFieldException(pointer, "The text holds a control character that XML cannot carry.");
            case JsonValueKind.Array:
                var list = new PlistArray();
                foreach (var item in json.EnumerateArray())
                    list.Add(Free(item, $"{pointer}/{list.Count}", depth + 1));
                return list;
            case JsonValueKind.Object:
                var dictionary = new PlistDictionary();
                foreach (var property in json.EnumerateObject())
                {
                    var name = KeyName(NameOf(property, pointer), pointer);
                    if (property.Value.ValueKind != JsonValueKind.Null && !dictionary.TryAdd(name, Free(property.Value, $"{pointer}/{name}", depth + 1)))
                        throw new CommandFieldException($"{pointer}/{name}", $"{name} stands twice.");
                }

                return dictionary;
            default:
                throw new CommandFieldException(pointer, "null is no value of a list.");
        }
    }

    private void Count(string pointer)
    {
        if (++_values > MostValues)
            throw new CommandFieldException(pointer, $"The command has more than {MostValues} values.");
    }

    private string Spelt(CatalogueKey key) => names == KeyNames.Json ? key.JsonName : key.Name;

    private static string KeyName(string name, string pointer) =>
        name.Length is > 0 and <= LongestKey && !name.Any(char.IsControl) && PlistText.IndexOfForbidden(name) < 0
            ? name
            : throw new CommandFieldException($"{pointer}/{PlistText.Excerpt(name)}", $"A member's name must have 1 to {LongestKey} characters and no control character.");

    /// <summary>A name of a member, for a pointer and a message.</summary>
    private static string NameOf(JsonProperty property, string pointer)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw new CommandFieldException(pointer, "A member's name holds half of a surrogate pair.");
        }
    }

    internal static string TextOf(JsonElement json, string pointer, string expected)
    {
        if (json.ValueKind != JsonValueKind.String)
            throw Expected(pointer, expected);
        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new CommandFieldException(pointer, "The text holds half of a surrogate pair.");
        }
    }

    /// <summary>1.0 is one, too.</summary>
    private static PlistNode? Whole(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Number)
            return null;
        if (json.TryGetInt64(out var signed))
            return new PlistInteger(signed);
        if (json.TryGetUInt64(out var unsigned))
            return new PlistInteger(unsigned);
        return json.TryGetDecimal(out var number) && decimal.IsInteger(number) && number >= long.MinValue && number <= ulong.MaxValue
            ? new PlistInteger((Int128)number)
            : null;
    }

    private static PlistNode? Real(JsonElement json) =>
        json.ValueKind == JsonValueKind.Number && json.TryGetDouble(out var number) && double.IsFinite(number) ? new PlistReal(number) : null;

    private static PlistData Data(JsonElement json, string pointer)
    {
        const string Base64Text = "bytes as a Base64 text";
        var text = TextOf(json, pointer, Base64Text);
        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        if (!Convert.TryFromBase64String(text, bytes, out var length))
            throw Expected(pointer, Base64Text);
        Array.Resize(ref bytes, length);
        return new PlistData(bytes);
    }

    private static PlistDate Date(JsonElement json, string pointer)
    {
        const string Moment = "a date and time like 2027-02-01T08:30:00Z";
        return DateTimeOffset.TryParse(
            TextOf(json, pointer, Moment), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var date)
            ? new PlistDate(date)
            : throw Expected(pointer, Moment);
    }

    private static CommandFieldException Expected(string pointer, string what) => new(pointer, $"Must be {what}.");
}
