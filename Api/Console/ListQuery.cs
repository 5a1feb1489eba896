namespace FleetMdm.Api.Console;

/// <summary>What a list is filtered by, as it stands in its address.</summary>
public sealed class ListQuery(string path, params (string Name, string? Value)[] parts)
{
    /// <summary>Of the list without a filter.</summary>
    public string Path => path;

    public string? this[string name] => Array.Find(parts, part => part.Name == name).Value;

    public bool IsFiltered => Array.Exists(parts, part => part.Value is not null);

    /// <summary>The address of the list, on the page after this one; null: on the first page.</summary>
    public string PathOf(string? after = null) => Address(parts.Append(("after", after)));

    public string Without(string name) => Address(parts.Where(part => part.Name != name));

    private string Address(IEnumerable<(string Name, string? Value)> set)
    {
        var query = string.Join('&', set.Where(part => part.Value is not null).Select(part => $"{part.Name}={Uri.EscapeDataString(part.Value!)}"));
        return query.Length == 0 ? path : $"{path}?{query}";
    }
}
