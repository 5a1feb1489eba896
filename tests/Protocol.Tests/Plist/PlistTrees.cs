using System.Globalization;
using System.Text;
using CsCheck;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Plist;

/// <summary>Random trees, and a text form by which two trees are compared.</summary>
internal static class PlistTrees
{
    /// <summary>Texts of all that XML can carry, with what needs care more often than chance would have it.</summary>
    public static readonly Gen<string> Text = Gen.Select(
        Gen.OneOf(
            Gen.Char['a', 'z'].Select(character => character.ToString()),
            Gen.OneOf("&", "<", ">", "\"", "'", "]]>", "\t", "\n", "\r", "\r\n", " ", "&amp;", "<!--", "ä", "漢", "\uFFFD", "😀", "\u0085", "\u2028", "\uFEFF"),
            Gen.Char[' ', '\uD7FF'].Select(character => character.ToString()))
        .Array[0, 12], parts => string.Concat(parts));

    public static readonly Gen<DateTimeOffset> Second =
        Gen.Long[0, 9999L * 365 * 86_400].Select(seconds => DateTimeOffset.MinValue.AddSeconds(seconds));

    public static readonly Gen<PlistNode> Scalar = Gen.OneOf(
        Text.Select(text => (PlistNode)text),
        Gen.Long.Select(number => (PlistNode)number),
        Gen.ULong.Select(number => (PlistNode)new PlistInteger(number)),
        Gen.Double.Select(number => (PlistNode)new PlistReal(number)),
        Gen.Bool.Select(flag => (PlistNode)flag),
        Second.Select(moment => (PlistNode)moment),
        Gen.Byte.Array[0, 200].Select(bytes => (PlistNode)bytes));

    public static readonly Gen<PlistNode> Tree = Gen.Recursive<PlistNode>((depth, tree) =>
        depth >= 5 ? Scalar : Gen.Frequency(
            (3, Scalar),
            (1, tree.Array[0, 4].Select(items => (PlistNode)new PlistArray(items))),
            (2, Gen.Select(Text, tree).Array[0, 5].Select(Dictionary))));

    public static PlistNode Dictionary((string Key, PlistNode Value)[] entries)
    {
        var dictionary = new PlistDictionary();
        foreach (var (key, value) in entries)
            dictionary.TryAdd(key, value);
        return dictionary;
    }

    /// <summary>Equal for equal trees, and only for those.</summary>
    public static string Describe(PlistNode node)
    {
        var text = new StringBuilder();
        Describe(text, node);
        return text.ToString();
    }

    private static void Describe(StringBuilder text, PlistNode node)
    {
        switch (node)
        {
            case PlistString value:
                text.Append(CultureInfo.InvariantCulture, $"s{value.Value.Length}:{value.Value}");
                break;
            case PlistInteger value:
                text.Append(CultureInfo.InvariantCulture, $"i{value.Value};");
                break;
            case PlistReal value:
                text.Append(CultureInfo.InvariantCulture, $"r{BitConverter.DoubleToInt64Bits(double.IsNaN(value.Value) ? double.NaN : value.Value)};");
                break;
            case PlistBoolean value:
                text.Append(value.Value ? 't' : 'f');
                break;
            case PlistDate value:
                text.Append(CultureInfo.InvariantCulture, $"d{value.Value.UtcTicks / TimeSpan.TicksPerSecond};");
                break;
            case PlistData value:
                text.Append(CultureInfo.InvariantCulture, $"b{Convert.ToHexString(value.Value)};");
                break;
            case PlistArray array:
                text.Append('[');
                foreach (var item in array)
                    Describe(text, item);
                text.Append(']');
                break;
            case PlistDictionary dictionary:
                text.Append('{');
                foreach (var (key, value) in dictionary)
                {
                    text.Append(CultureInfo.InvariantCulture, $"k{key.Length}:{key}");
                    Describe(text, value);
                }

                text.Append('}');
                break;
        }
    }
}
