using System.Globalization;
using System.Numerics;
using System.Text;
using System.Xml;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Plist;

/// <summary>
/// The rules of property lists over the framework's own XML parser: slow and obvious. Whatever the product accepts, this must
/// accept too and read as the same tree.
/// </summary>
internal static class XmlReaderOracle
{
    /// <exception cref="XmlException">It is not well-formed XML.</exception>
    /// <exception cref="FormatException">It is no property list.</exception>
    public static PlistNode Read(byte[] document)
    {
        using var reader = XmlReader.Create(new MemoryStream(document), new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Ignore,
            XmlResolver = null,
        });
        Advance(reader);
        var wrapped = reader.NodeType == XmlNodeType.Element && reader.Name == "plist";
        if (wrapped)
        {
            Require(!reader.IsEmptyElement && (reader.AttributeCount == 0 || (reader.AttributeCount == 1 && reader.GetAttribute("version") is not null)));
            Advance(reader);
        }

        var root = ReadValue(reader);
        if (wrapped)
        {
            Require(reader.NodeType == XmlNodeType.EndElement);
            Advance(reader);
        }

        Require(reader.EOF);
        return root;
    }

    /// <summary>Leaves the reader behind the value.</summary>
    private static PlistNode ReadValue(XmlReader reader)
    {
        Require(reader.NodeType == XmlNodeType.Element && reader.AttributeCount == 0);
        var name = reader.Name;
        switch (name)
        {
            case "dict":
                var dictionary = new PlistDictionary();
                ReadContent(reader, () =>
                {
                    Require(reader is { NodeType: XmlNodeType.Element, Name: "key", AttributeCount: 0 });
                    var key = ReadText(reader);
                    Require(dictionary.TryAdd(key, ReadValue(reader)));
                });
                return dictionary;
            case "array":
                var array = new PlistArray();
                ReadContent(reader, () => array.Add(ReadValue(reader)));
                return array;
            default:
                return Scalar(name, ReadText(reader));
        }
    }

    private static void ReadContent(XmlReader reader, Action readItem)
    {
        var empty = reader.IsEmptyElement;
        Advance(reader);
        if (empty)
            return;
        while (reader.NodeType != XmlNodeType.EndElement)
            readItem();
        Advance(reader);
    }

    private static string ReadText(XmlReader reader)
    {
        var text = new StringBuilder();
        if (!reader.IsEmptyElement)
        {
            while (reader.Read() && reader.NodeType != XmlNodeType.EndElement)
            {
                Require(reader.NodeType != XmlNodeType.Element);
                if (reader.NodeType is not (XmlNodeType.Comment or XmlNodeType.ProcessingInstruction))
                    text.Append(reader.Value);
            }
        }

        Advance(reader);
        return text.ToString();
    }

    private static PlistNode Scalar(string name, string text)
    {
        switch (name)
        {
            case "string":
                return text;
            case "true" or "false":
                Require(text.Length == 0);
                return name == "true";
            case "integer":
                return new PlistInteger((Int128)Integer(text.Trim(' ', '\t', '\r', '\n')));
            case "real":
                return new PlistReal(Real(text.Trim(' ', '\t', '\r', '\n')));
            case "date":
                return DateTimeOffset.ParseExact(text.Trim(' ', '\t', '\r', '\n'), "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeUniversal);
            case "data":
                return Convert.FromBase64String(text);
            default:
                throw new FormatException(name);
        }
    }

    private static BigInteger Integer(string text)
    {
        var digits = text.TrimStart('+', '-');
        Require(text.Length - digits.Length <= 1);
        var value = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? BigInteger.Parse("0" + digits[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : BigInteger.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        Require(digits.Length > 0 && !digits.Equals("0x", StringComparison.OrdinalIgnoreCase));
        value = text.StartsWith('-') ? -value : value;
        Require(value >= long.MinValue && value <= ulong.MaxValue);
        return value;
    }

    private static double Real(string text) => text.ToLowerInvariant() switch
    {
        "nan" => double.NaN,
        "inf" or "+inf" or "infinity" or "+infinity" => double.PositiveInfinity,
        "-inf" or "-infinity" => double.NegativeInfinity,
        _ => Finite(double.Parse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture)),
    };

    /// <summary>Beyond the largest double is refused; infinity has names.</summary>
    private static double Finite(double value)
    {
        Require(double.IsFinite(value));
        return value;
    }

    /// <summary>To the next node that is more than white space and remarks.</summary>
    private static void Advance(XmlReader reader)
    {
        while (reader.Read())
        {
            if (reader.NodeType is XmlNodeType.Element or XmlNodeType.EndElement or XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.EntityReference)
                return;
        }
    }

    private static void Require(bool condition)
    {
        if (!condition)
            throw new FormatException("no property list");
    }
}
