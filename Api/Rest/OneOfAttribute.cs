using System.Text.Json;

namespace FleetMdm.Api.Rest;

/// <summary>For the OpenAPI document: the texts that a field of a view or of a request can hold.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OneOfAttribute(params string[] values) : Attribute
{
    public string[] Values { get; } = values;

    /// <summary>The names of an enumeration.</summary>
    public static string[] Names<T>(bool camelCase = false) where T : struct, Enum =>
        [.. Enum.GetNames<T>().Select(name => camelCase ? JsonNamingPolicy.CamelCase.ConvertName(name) : name)];
}
