namespace FleetMdm.Grains.Interfaces;

/// <summary>CommandUUIDs by which the server tells its own commands: a beginning of eight digits and a hyphen, then a UUID of version 8, which is for forms of one's own.</summary>
internal static class OwnUuids
{
    private const int VersionAt = 14;

    public static string New(string beginning)
    {
        var uuid = Guid.NewGuid().ToString("D").ToUpperInvariant();
        return string.Concat(beginning, uuid.AsSpan(beginning.Length, VersionAt - beginning.Length), "8", uuid.AsSpan(VersionAt + 1));
    }

    /// <param name="of">A UUID in lower case, whose last twelve digits it ends with; whatever is none leaves it at chance.</param>
    public static string New(string beginning, string of)
    {
        var made = New(beginning);
        return of is { Length: 36 } && of[^13] == '-' ? string.Concat(made.AsSpan(0, 24), of[^12..].ToUpperInvariant()) : made;
    }

    public static bool Begins(string commandUuid, string beginning) => commandUuid.StartsWith(beginning, StringComparison.OrdinalIgnoreCase);

    public static bool HasForm(string? commandUuid) => commandUuid is { Length: 36 } && commandUuid[VersionAt] == '8';
}
