using System.Globalization;
using System.Text;
using System.Xml;

namespace FleetMdm.VirtualFleet.Plist;

/// <summary>Writes XML property lists the way iOS does: UTF-8, Apple's document type, tabs.</summary>
public static class PlistWriter
{
    private static readonly XmlWriterSettings Settings = new()
    {
        Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        Indent = true,
        IndentChars = "\t",
        NewLineChars = "\n",
    };

    public static byte[] Write(PlistDict root)
    {
        var stream = new MemoryStream(512);
        using (var writer = XmlWriter.Create(stream, Settings))
        {
            writer.WriteDocType("plist", "-//Apple//DTD PLIST 1.0//EN", "http://www.apple.com/DTDs/PropertyList-1.0.dtd", null);
            writer.WriteStartElement("plist");
            writer.WriteAttributeString("version", "1.0");
            WriteValue(writer, root);
            writer.WriteEndElement();
        }
        return stream.ToArray();
    }

    private static void WriteValue(XmlWriter writer, object value)
    {
        switch (value)
        {
            case PlistDict dict:
                writer.WriteStartElement("dict");
                foreach (var (key, item) in dict)
                {
                    writer.WriteElementString("key", key);
                    WriteValue(writer, item);
                }
                writer.WriteEndElement();
                break;
            case string text:
                writer.WriteElementString("string", text);
                break;
            case bool flag:
                writer.WriteStartElement(flag ? "true" : "false");
                writer.WriteEndElement();
                break;
            case int or long:
                writer.WriteElementString("integer", Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
            case double number:
                writer.WriteElementString("real", number.ToString("R", CultureInfo.InvariantCulture));
                break;
            case byte[] data:
                writer.WriteElementString("data", Convert.ToBase64String(data));
                break;
            case DateTimeOffset date:
                writer.WriteElementString("date", date.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
                break;
            case IEnumerable<object> array:
                writer.WriteStartElement("array");
                foreach (var item in array)
                    WriteValue(writer, item);
                writer.WriteEndElement();
                break;
            default:
                throw new ArgumentException($"A property list cannot hold a {value.GetType().Name}.", nameof(value));
        }
    }
}
