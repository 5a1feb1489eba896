using System.Text.Json;

namespace FleetMdm.Protocol.Plist;

/// <summary>
/// Property lists as JSON, for people and programs: data as a Base64 text, dates as ISO 8601 in UTC to the second, NaN and the
/// infinities as the texts <c>nan</c>, <c>+infinity</c>, <c>-infinity</c>. The way back is not unique and is not offered.
/// </summary>
public static class PlistJson
{
    /// <summary>Writes one JSON value. The tree is at most <see cref="PlistLimits.HighestDepth"/> deep.</summary>
    /// <exception cref="PlistFormatException">It is deeper.</exception>
    public static void Write(Utf8JsonWriter writer, PlistNode node) => Write(writer, node, depth: 0);

    private static void Write(Utf8JsonWriter writer, PlistNode node, int depth)
    {
        if (depth > PlistLimits.HighestDepth)
            throw new PlistFormatException(PlistReason.TooDeep, $"More than {PlistLimits.HighestDepth} arrays and dictionaries inside each other.");
        switch (node)
        {
            case PlistString text:
                writer.WriteStringValue(text.Value);
                break;
            case PlistInteger integer when integer.Value < 0:
                writer.WriteNumberValue((long)integer.Value);
                break;
            case PlistInteger integer:
                writer.WriteNumberValue((ulong)integer.Value);
                break;
            case PlistReal real when double.IsFinite(real.Value):
                writer.WriteNumberValue(real.Value);
                break;
            case PlistReal real:
                writer.WriteStringValue(PlistScalars.FormatReal(real.Value));
                break;
            case PlistBoolean boolean:
                writer.WriteBooleanValue(boolean.Value);
                break;
            case PlistDate date:
                writer.WriteStringValue(PlistScalars.FormatDate(date.Value));
                break;
            case PlistData data:
                writer.WriteBase64StringValue(data.Value);
                break;
            case PlistArray array:
                writer.WriteStartArray();
                foreach (var item in array)
                    Write(writer, item, depth + 1);
                writer.WriteEndArray();
                break;
            case PlistDictionary dictionary:
                writer.WriteStartObject();
                foreach (var (key, value) in dictionary)
                {
                    writer.WritePropertyName(key);
                    Write(writer, value, depth + 1);
                }

                writer.WriteEndObject();
                break;
        }
    }
}
