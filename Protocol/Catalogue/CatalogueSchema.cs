using System.Text.Json.Nodes;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>
/// A type of the catalogue as JSON Schema (2020-12), for editors and generated clients: what <see cref="CommandCatalogue.FromJson"/> takes,
/// and the payloads of profiles. Further properties are allowed, since keys that are not known are taken with a warning.
/// </summary>
/// <remarks>Facts that JSON Schema has no word for stand under names that begin with <c>x-</c>.</remarks>
public static class CatalogueSchema
{
    private const string Draft = "https://json-schema.org/draft/2020-12/schema";

    /// <summary>The keys of a command in camel case.</summary>
    public static JsonObject OfCommand(CatalogueType command, CatalogueTexts texts)
    {
        var text = texts.Command(command.Name);
        var schema = Start(command, text);
        var writer = new Writer(KeyNames.Json, key => texts.Command(command.Name, key), command.Name);
        writer.Keys(schema, CommandCatalogue.KeysOf(command), new JsonObject { ["requestType"] = new JsonObject { ["const"] = command.Name } }, ["requestType"]);
        if (CommandBehaviours.OneOf(command.Name) is { } oneOf)
            schema["oneOf"] = new JsonArray([.. oneOf.Select(key => (JsonNode)new JsonObject { ["required"] = new JsonArray(command.Keys[key].JsonName) })]);
        return writer.Finish(schema);
    }

    /// <summary>The keys of a payload as Apple writes them. Data is Base64.</summary>
    public static JsonObject OfPayload(CatalogueType payload, CatalogueTexts texts)
    {
        var schema = Start(payload, texts.Payload(payload.Name));
        var writer = new Writer(KeyNames.Apple, key => texts.Payload(payload.Name, key), null);
        writer.Keys(schema, payload.Keys, [], []);
        ((JsonObject)schema["properties"]!)["PayloadType"] = new JsonObject { ["const"] = payload.Name };
        return writer.Finish(schema);
    }

    private static JsonObject Start(CatalogueType type, CatalogueText text)
    {
        var schema = new JsonObject { ["$schema"] = Draft, ["title"] = text.Label };
        if (text.Help.Length > 0)
            schema["description"] = text.Help;
        Facts(schema, type.On, parent: null);
        schema["type"] = "object";
        return schema;
    }

    private static void Facts(JsonObject schema, Availability on, Availability? parent)
    {
        if (on.Since is { } since && since != parent?.Since)
            schema["x-since"] = since;
        if (on.Deprecated is { } deprecated && deprecated != parent?.Deprecated)
        {
            schema["deprecated"] = true;
            schema["x-deprecatedSince"] = deprecated;
        }

        if (on.Removed is { } removed && removed != parent?.Removed)
            schema["x-removed"] = removed;
        if (on.Supervised && parent?.Supervised != true)
            schema["x-supervised"] = true;
    }

    private sealed class Writer(KeyNames names, Func<CatalogueKey, CatalogueText> texts, string? command)
    {
        private readonly JsonObject _definitions = [];

        /// <summary>The structures that are being written, outermost first: one that contains itself becomes a definition.</summary>
        private readonly Dictionary<KeySet, string> _inside = new(ReferenceEqualityComparer.Instance);
        private readonly HashSet<KeySet> _repeated = new(ReferenceEqualityComparer.Instance);

        public JsonObject Finish(JsonObject schema)
        {
            if (_definitions.Count > 0)
                schema["$defs"] = _definitions;
            return schema;
        }

        public void Keys(JsonObject schema, KeySet keys, JsonObject properties, JsonArray required)
        {
            foreach (var key in keys)
            {
                properties[Name(key)] = Key(key, null);
                if (key.Required && (command is null || CommandBehaviours.Standard(command, key.Name) is null))
                    required.Add(Name(key));
            }

            schema["properties"] = properties;
            if (required.Count > 0)
                schema["required"] = required;
        }

        private JsonObject Key(CatalogueKey key, CatalogueKey? parent)
        {
            var schema = new JsonObject();
            if (key.Name.Length > 0)
            {
                var text = texts(key);
                schema["title"] = text.Label;
                if (text.Help.Length > 0)
                    schema["description"] = text.Help;
            }

            Facts(schema, key.On, parent?.On);
            switch (key.Type)
            {
                case KeyType.String:
                    schema["type"] = "string";
                    if (key.Format is { } format)
                        schema["pattern"] = format;
                    if (key.Choices.Count > 0)
                        schema["examples"] = new JsonArray([.. key.Choices.Select(choice => (JsonNode)choice.Name)]);
                    break;
                case KeyType.Integer:
                    schema["type"] = "integer";
                    break;
                case KeyType.Real:
                    schema["type"] = "number";
                    break;
                case KeyType.Boolean:
                    schema["type"] = "boolean";
                    break;
                case KeyType.Date:
                    schema["type"] = "string";
                    schema["format"] = "date-time";
                    break;
                case KeyType.Data:
                    schema["type"] = "string";
                    schema["contentEncoding"] = "base64";
                    break;
                case KeyType.Array:
                    schema["type"] = "array";
                    if (key.Item is { } item)
                        schema["items"] = Key(item, key);
                    if (key.MinItems is { } fewest)
                        schema["minItems"] = fewest;
                    if (key.MaxItems is { } most)
                        schema["maxItems"] = most;
                    break;
                case KeyType.Dictionary:
                    Dictionary(schema, key);
                    break;
            }

            if (key.Values.Count > 0)
                schema["enum"] = new JsonArray([.. key.Values.Select(Value)]);
            if (key.Min is { } min)
                schema["minimum"] = min;
            if (key.Max is { } max)
                schema["maximum"] = max;
            if (key.Default is { } standard)
                schema["default"] = Value(standard);
            return schema;
        }

        private void Dictionary(JsonObject schema, CatalogueKey key)
        {
            schema["type"] = "object";
            if (key.Any is { } any)
                schema["additionalProperties"] = Key(any, key);
            else if (key.Variants.Count > 0)
                schema["anyOf"] = new JsonArray([.. key.Variants.Select(variant => (JsonNode)Key(variant, key)), OtherVariant(key)]);
            else if (key.Keys.Count > 0)
                Structure(schema, key);
        }

        /// <summary>Apple adds items every year: one that is not known may hold anything.</summary>
        private JsonObject OtherVariant(CatalogueKey key)
        {
            var item = Name(key.DiscriminatorAlone[0]);
            return new JsonObject
            {
                ["type"] = "object",
                ["properties"] = new JsonObject
                {
                    [item] = new JsonObject { ["type"] = "string", ["not"] = new JsonObject { ["enum"] = new JsonArray([.. key.Variants.Select(known => (JsonNode)known.Name)]) } },
                },
                ["required"] = new JsonArray(item),
            };
        }

        private void Structure(JsonObject schema, CatalogueKey key)
        {
            if (_inside.TryGetValue(key.Keys, out var name))
            {
                _repeated.Add(key.Keys);
                schema.Remove("type");
                schema["$ref"] = $"#/$defs/{name}";
                return;
            }

            name = key.Path.Replace('/', '.');
            _inside.Add(key.Keys, name);
            Keys(schema, key.Keys, [], []);
            _inside.Remove(key.Keys);
            if (!_repeated.Remove(key.Keys))
                return;
            _definitions[name] = new JsonObject
            {
                ["type"] = "object",
                ["properties"] = schema["properties"]!.DeepClone(),
                ["required"] = schema["required"]?.DeepClone() ?? new JsonArray(),
            };
        }

        private string Name(CatalogueKey key) => names == KeyNames.Json ? key.JsonName : key.Name;

        private static JsonNode Value(PlistNode value) => value switch
        {
            PlistString text => text.Value,
            PlistInteger integer => (long)integer.Value,
            PlistReal real => real.Value,
            PlistBoolean flag => flag.Value,
            _ => throw new InvalidOperationException("The catalogue has scalars only."),
        };
    }
}
