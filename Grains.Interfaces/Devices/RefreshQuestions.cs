namespace FleetMdm.Grains.Interfaces;

/// <summary>Questions that the server asks of itself, to keep what it knows of an iPad fresh. They are told by their CommandUUID, so that whoever takes in the
/// answer knows that nobody will want to read it: it is read into the inventory, and not kept.</summary>
public static class RefreshQuestions
{
    /// <summary>Then a UUID of version 8, which is for forms of one's own.</summary>
    private const string Prefix = "F1EE7000-";

    private const int VersionAt = 14;

    public static string NewUuid()
    {
        var uuid = Guid.NewGuid().ToString("D").ToUpperInvariant();
        return string.Concat(Prefix, uuid.AsSpan(Prefix.Length, VersionAt - Prefix.Length), "8", uuid.AsSpan(VersionAt + 1));
    }

    public static bool Is(string? commandUuid) =>
        commandUuid is { Length: 36 } && commandUuid[VersionAt] == '8' && commandUuid.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase);
}
