using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>The users of a Shared iPad.</summary>
internal static class SharedCommands
{
    private const long UsualQuota = 2_000_000_000;

    public static IPadReport Users(CommandRun run)
    {
        var ipad = run.IPad;
        // QuotaSize is in megabytes.
        var quota = ipad.Touched?.Fact("QuotaSize") is long megabytes ? megabytes * 1_000_000 : UsualQuota;
        return run.Acknowledged(("Users", ipad.State.Users.Select(user => (object)new PlistDict
        {
            ["UserName"] = user.Key,
            ["IsLoggedIn"] = ipad.IsLoggedIn(user.Key),
            ["HasDataToSync"] = user.Value.HasDataToSync,
            ["DataQuota"] = quota,
            ["DataUsed"] = user.Value.DataUsed,
        }).ToList()));
    }

    public static IPadReport LogOut(CommandRun run) => run.Acknowledged() with
    {
        Afterwards = _ =>
        {
            run.IPad.LogOutAll();
            return Task.CompletedTask;
        },
    };

    /// <summary>The login that was held goes on.</summary>
    public static IPadReport LetIn(CommandRun run)
    {
        run.Channel.AwaitsConfiguration = false;
        return run.Acknowledged();
    }

    /// <summary>One, or all but the one that works now.</summary>
    public static IPadReport DeleteUser(CommandRun run)
    {
        var (users, force) = (run.IPad.State.Users, run.Command.Flag("ForceDeletion") == true);
        if (run.Command.Flag("DeleteAllUsers") == true)
        {
            var others = users.Where(user => !run.IPad.IsLoggedIn(user.Key)).ToList();
            if (!force && others.FirstOrDefault(user => user.Value.HasDataToSync) is { Key: { } unsynced })
                return run.Error(AppleErrors.UserUnsynced(unsynced));
            foreach (var (other, _) in others)
                users.Remove(other);
            return run.Acknowledged();
        }
        if (run.Command.Text("UserName") is not { Length: > 0 } name)
            return run.FormatError();
        if (!users.TryGetValue(name, out var user))
            return run.Error(AppleErrors.NoUser(name));
        if (run.IPad.IsLoggedIn(name))
            return run.Error(AppleErrors.UserLoggedIn(name));
        if (user.HasDataToSync && !force)
            return run.Error(AppleErrors.UserUnsynced(name));
        users.Remove(name);
        return run.Acknowledged();
    }
}
