using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.Catalogue;

namespace FleetMdm.CatalogueGenerator;

/// <summary>Writes facts with a key on each line, so that a difference shows which keys changed.</summary>
internal static class FactsWriter
{
    /// <summary>For people: &lt; and ' stand as they are.</summary>
    private static readonly JsonSerializerOptions Readable = new(FactsJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(FactsFile file)
    {
        var text = new StringBuilder("{\n");
        if (file.Elsewhere is { } elsewhere)
            text.Append(" \"elsewhere\": ").Append(JsonSerializer.Serialize(elsewhere, Readable)).Append(",\n");
        text.Append(" \"types\": [");
        for (var index = 0; index < file.Types.Count; index++)
        {
            text.Append(index == 0 ? "\n" : ",\n");
            Write(text, JsonSerializer.SerializeToNode(file.Types[index], Readable)!.AsObject(), depth: 2);
        }

        return text.Append("\n ]\n}\n").ToString();
    }

    /// <summary>Its own facts on one line, what is inside it on the lines below.</summary>
    private static void Write(StringBuilder text, JsonObject facts, int depth)
    {
        text.Append(' ', depth).Append('{');
        var first = true;
        foreach (var (name, value) in facts)
        {
            text.Append(first ? "" : ", ").Append('"').Append(name).Append("\":");
            first = false;
            if (value is JsonObject inside && name is "item" or "any")
            {
                text.Append('\n');
                Write(text, inside, depth + 1);
            }
            else if (value is JsonArray keys && name is "keys" or "answer" or "variants" or "choices")
            {
                text.Append(" [");
                for (var index = 0; index < keys.Count; index++)
                {
                    text.Append(index == 0 ? "\n" : ",\n");
                    Write(text, keys[index]!.AsObject(), depth + 1);
                }

                text.Append(']');
            }
            else
            {
                text.Append(' ').Append(value!.ToJsonString(Readable));
            }
        }

        text.Append('}');
    }
}
