using System.Globalization;
using System.Xml;

namespace FleetMdm.VirtualFleet.Plist;

/// <summary>
/// Reads XML property lists as the simulated iPad needs them: small, strict about structure, with a bound on depth. It is
/// written from Apple's description of the format (plist(5)) and shares nothing with the server's reader.
/// </summary>
public static class PlistReader
{
    /// <summary>Deeper than any profile or command that Apple documents.</summary>
    private const int MaxDepth = 64;

    private static readonly XmlReaderSettings Settings = new()
    {
        DtdProcessing = DtdProcessing.Ignore,
        XmlResolver = null,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
        CloseInput = false,
    };

    /// <summary>The dictionary that is the root of every message, command and profile.</summary>
    /// <exception cref="PlistException">Not an XML property list, or its root is not a dictionary.</exception>
    public static PlistDict ReadDict(byte[] xml) =>
        Read(xml) as PlistDict ?? throw new PlistException("The root of the property list is not a dictionary.");

    /// <exception cref="PlistException">Not an XML property list.</exception>
    public static object Read(byte[] xml)
    {
        try
        {
            using var reader = XmlReader.Create(new MemoryStream(xml, writable: false), Settings);
            if (reader.MoveToContent() != XmlNodeType.Element || reader.LocalName != "plist" || reader.IsEmptyElement)
                throw new PlistException("The property list has no plist element.");
            reader.ReadStartElement();
            if (reader.MoveToContent() != XmlNodeType.Element)
                throw new PlistException("The property list is empty.");
            var value = ReadValue(reader, depth: 1);
            if (reader.MoveToContent() != XmlNodeType.EndElement)
                throw new PlistException("The property list has more than one root value.");
            reader.ReadEndElement();
            return value;
        }
        catch (Exception e) when (e is XmlException or FormatException or OverflowException)
        {
            throw new PlistException($"The property list cannot be read: {e.Message}", e);
        }
    }

    private static object ReadValue(XmlReader reader, int depth)
    {
        if (depth > MaxDepth)
            throw new PlistException($"The property list is nested deeper than {MaxDepth}.");
        switch (reader.LocalName)
        {
            case "dict":
                return ReadDict(reader, depth);
            case "array":
                return ReadArray(reader, depth);
            case "string":
                return reader.ReadElementContentAsString();
            case "integer":
                return long.Parse(reader.ReadElementContentAsString().Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            case "real":
                return double.Parse(reader.ReadElementContentAsString().Trim(), NumberStyles.Float, CultureInfo.InvariantCulture);
            case "data":
                return Convert.FromBase64String(reader.ReadElementContentAsString());
            case "date":
                return DateTimeOffset.ParseExact(reader.ReadElementContentAsString().Trim(), "yyyy-MM-dd'T'HH:mm:ss'Z'",
                    CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
            case "true" or "false":
                var flag = reader.LocalName == "true";
                if (reader.ReadElementContentAsString().Length != 0)
                    throw new PlistException("A boolean of the property list has content.");
                return flag;
            default:
                throw new PlistException($"The property list has an element '{reader.LocalName}'.");
        }
    }

    private static PlistDict ReadDict(XmlReader reader, int depth)
    {
        var dict = new PlistDict();
        var empty = reader.IsEmptyElement;
        reader.ReadStartElement();
        if (empty)
            return dict;
        while (reader.MoveToContent() == XmlNodeType.Element)
        {
            if (reader.LocalName != "key")
                throw new PlistException($"A dictionary of the property list has '{reader.LocalName}' where a key is due.");
            var key = reader.ReadElementContentAsString();
            if (reader.MoveToContent() != XmlNodeType.Element || reader.LocalName == "key")
                throw new PlistException($"The key '{key}' of the property list has no value.");
            if (!dict.TryAdd(key, ReadValue(reader, depth + 1)))
                throw new PlistException($"The key '{key}' of the property list is given twice.");
        }
        reader.ReadEndElement();
        return dict;
    }

    private static List<object> ReadArray(XmlReader reader, int depth)
    {
        var array = new List<object>();
        var empty = reader.IsEmptyElement;
        reader.ReadStartElement();
        if (empty)
            return array;
        while (reader.MoveToContent() == XmlNodeType.Element)
            array.Add(ReadValue(reader, depth + 1));
        reader.ReadEndElement();
        return array;
    }
}
