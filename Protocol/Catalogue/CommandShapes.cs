using System.Buffers.Text;
using System.Text.Json;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>A command as the catalogue knows it.</summary>
internal sealed record CommandShape(string RequestType, bool Destructive, params FieldShape[] Fields);

/// <summary>A key of a command. Its name in JSON is Apple's name in camel case.</summary>
/// <param name="AppleName">As in <c>PhoneNumber</c>.</param>
/// <param name="Value">What its value may be.</param>
/// <param name="Required">Its absence is an error.</param>
/// <param name="Default">Sent when the administrator leaves the key out; null: the key is left out too.</param>
internal sealed record FieldShape(string AppleName, ValueShape Value, bool Required = false, PlistNode? Default = null)
{
    public string JsonName { get; } = JsonNamingPolicy.CamelCase.ConvertName(AppleName);
}

/// <summary>What a value may be, and how it becomes a node.</summary>
internal abstract record ValueShape
{
    /// <exception cref="CommandFieldException"/>
    public abstract PlistNode Build(JsonElement json, string pointer);

    /// <summary>A name of a member, for a pointer and a message.</summary>
    protected static string NameOf(JsonProperty property, string pointer)
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

    protected static string TextOf(JsonElement json, string pointer, string expected)
    {
        if (json.ValueKind != JsonValueKind.String)
            throw new CommandFieldException(pointer, $"Must be {expected}.");
        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new CommandFieldException(pointer, "The text holds half of a surrogate pair.");
        }
    }
}

/// <summary>A text that people read.</summary>
internal sealed record TextShape(int Longest) : ValueShape
{
    public override PlistNode Build(JsonElement json, string pointer)
    {
        var text = TextOf(json, pointer, "a text");
        if (text.Length > Longest)
            throw new CommandFieldException(pointer, $"The text has {text.Length} characters; at most {Longest} are taken.");
        if (PlistText.IndexOfForbidden(text) >= 0)
            throw new CommandFieldException(pointer, "The text holds a control character that XML cannot carry.");
        return text;
    }
}

/// <summary>A name that programs read: an identifier of an app or profile, a query. Never empty.</summary>
internal sealed record NameShape(int Longest = 255) : ValueShape
{
    public override PlistNode Build(JsonElement json, string pointer)
    {
        var text = TextOf(json, pointer, "a name");
        if (text.Length == 0 || text.Length > Longest)
            throw new CommandFieldException(pointer, $"The name must have 1 to {Longest} characters.");
        if (text.Any(char.IsControl) || PlistText.IndexOfForbidden(text) >= 0)
            throw new CommandFieldException(pointer, "The name holds a control character.");
        return text;
    }
}

internal sealed record BooleanShape : ValueShape
{
    public override PlistNode Build(JsonElement json, string pointer) => json.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw new CommandFieldException(pointer, "Must be true or false."),
    };
}

/// <summary>Bytes, in JSON as Base64.</summary>
/// <param name="Longest">Bytes.</param>
/// <param name="Accept">What is sent for the bytes, or a <see cref="ProfileException"/>; null: they are sent as they are.</param>
internal sealed record DataShape(int Longest, Func<byte[], byte[]>? Accept = null) : ValueShape
{
    public override PlistNode Build(JsonElement json, string pointer)
    {
        const string Expected = "bytes as a Base64 text";
        var text = TextOf(json, pointer, Expected);
        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        if (!Convert.TryFromBase64String(text, bytes, out var length))
            throw new CommandFieldException(pointer, $"Must be {Expected}.");
        Array.Resize(ref bytes, length);
        return Check(bytes, pointer);
    }

    /// <exception cref="CommandFieldException"/>
    public byte[] Check(byte[] bytes, string pointer)
    {
        if (bytes.Length == 0 || bytes.Length > Longest)
            throw new CommandFieldException(pointer, $"There are {bytes.Length} bytes; 1 to {Longest} are taken.");
        try
        {
            return Accept is null ? bytes : Accept(bytes);
        }
        catch (ProfileException e)
        {
            throw new CommandFieldException(pointer, e.Message) { Fault = e.EndsEnrolment ? CommandFault.EndsEnrolment : CommandFault.Profile };
        }
    }
}

internal sealed record ListShape(ValueShape Item, int Longest) : ValueShape
{
    public override PlistNode Build(JsonElement json, string pointer)
    {
        if (json.ValueKind != JsonValueKind.Array)
            throw new CommandFieldException(pointer, "Must be a list.");
        var count = json.GetArrayLength();
        if (count == 0 || count > Longest)
            throw new CommandFieldException(pointer, $"The list has {count} items; 1 to {Longest} are taken. To ask for everything, leave the list out.");
        var list = new PlistArray();
        foreach (var item in json.EnumerateArray())
            list.Add(Item.Build(item, $"{pointer}/{list.Count}"));
        return list;
    }
}

/// <summary>Members by name; members that are not among the fields are errors.</summary>
internal sealed record ObjectShape(params FieldShape[] Fields) : ValueShape
{
    private const string RequestTypeMember = "requestType";

    public override PlistNode Build(JsonElement json, string pointer) => Build(json, pointer, requestType: null);

    /// <summary>The Command dictionary itself: the member <c>requestType</c> was read before and stands first.</summary>
    public PlistDictionary Build(JsonElement json, string pointer, string? requestType)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw new CommandFieldException(pointer, "Must be an object.");
        var given = Members(json, pointer, commandItself: requestType is not null);
        var dictionary = new PlistDictionary();
        if (requestType is not null)
            dictionary["RequestType"] = requestType;
        foreach (var field in Fields)
        {
            var at = $"{pointer}/{field.JsonName}";
            if (given.TryGetValue(field.JsonName, out var member))
                dictionary[field.AppleName] = field.Value.Build(member, at);
            else if (field.Default is not null)
                dictionary[field.AppleName] = field.Default;
            else if (field.Required)
                throw new CommandFieldException(at, $"{field.JsonName} is missing.");
        }

        return dictionary;
    }

    /// <summary>A member that is null counts as left out.</summary>
    private Dictionary<string, JsonElement> Members(JsonElement json, string pointer, bool commandItself)
    {
        var given = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var property in json.EnumerateObject())
        {
            var name = NameOf(property, pointer);
            var isRequestType = commandItself && name == RequestTypeMember;
            if (!isRequestType && !Fields.Any(field => field.JsonName == name))
                throw new CommandFieldException($"{pointer}/{PlistText.Excerpt(name)}", Unknown(name, commandItself));
            if (!given.TryAdd(name, property.Value))
                throw new CommandFieldException($"{pointer}/{name}", $"{name} stands twice.");
        }

        foreach (var (name, value) in given)
        {
            if (value.ValueKind == JsonValueKind.Null)
                given.Remove(name);
        }

        return given;
    }

    private string Unknown(string name, bool commandItself)
    {
        var known = Fields.Select(field => field.JsonName).ToList();
        var list = known.Count == 0 ? "it takes none" : $"known are {string.Join(", ", known)}";
        return $"{(commandItself ? "The command" : "The object")} has no field '{PlistText.Excerpt(name)}': {list}.";
    }
}
