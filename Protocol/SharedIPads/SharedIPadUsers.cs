using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.SharedIPads;

/// <summary>Which users a command DeleteUser is for.</summary>
/// <param name="UserName">The Managed Apple Account; null: all.</param>
public sealed record DeletedUsers(string? UserName);

/// <summary>The commands that tell of the users of a Shared iPad, and change them.</summary>
public static class SharedIPadUsers
{
    public const string UserList = "UserList";
    public const string DeleteUser = "DeleteUser";
    public const string LogOutUser = "LogOutUser";

    /// <summary>Ends the wait of a user whose login the iPad holds up (AwaitUserConfiguration).</summary>
    public const string UserConfigured = "UserConfigured";

    /// <param name="command">A Command dictionary.</param>
    /// <returns>Null: it is none, or names nobody.</returns>
    public static DeletedUsers? Deleted(byte[] command)
    {
        var keys = PlistReader.ReadDictionary(command, PlistLimits.Admin);
        if (keys.GetString("RequestType") != DeleteUser) return null;
        if (keys.GetBoolean("DeleteAllUsers") == true) return new DeletedUsers(null);
        return keys.GetString("UserName") is { Length: > 0 } name ? new DeletedUsers(name) : null;
    }

    /// <summary>One account, however it is spelt.</summary>
    public static bool IsSame(string? one, string? other) => one is not null && string.Equals(one, other, StringComparison.OrdinalIgnoreCase);
}
