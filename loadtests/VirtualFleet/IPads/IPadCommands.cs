using System.Collections.Frozen;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>
/// What an iPad makes of each command: of every one that iPadOS has, in the order of Apple's list. What stands behind a name is from Apple's command
/// pages; each trade's file does the work.
/// <see href="https://developer.apple.com/documentation/devicemanagement/commands_and_queries"/>
/// </summary>
internal static class IPadCommands
{
    private static readonly FrozenDictionary<string, CommandRule> Rules = new Dictionary<string, CommandRule>
    {
        ["ActivationLockBypassCode"] = new(Rights.None, ActivationLock.Tell) { Supervised = true, Shared = OnShared.Never },
        ["ApplyRedemptionCode"] = new(Rights.ManageApps, AppCommands.ApplyRedemptionCode) { Shared = OnShared.Never },
        ["AvailableOSUpdates"] = new(Rights.ManageApps, UpdateCommands.Available) { Supervised = true, Until = 27 },
        ["CancelEnhancedLogCollection"] = new(Rights.None, Nothing) { Supervised = true, From = 27 },
        ["CertificateList"] = new(Rights.InspectProfiles, ProfileCommands.Certificates),
        ["ClearActivationLockBypassCode"] = new(Rights.None, ActivationLock.Clear) { Supervised = true, Shared = OnShared.Never },
        ["ClearPasscode"] = new(Rights.LockAndPasscode, PasscodeCommands.Clear) { Shared = OnShared.Never, NeverNotNow = true },
        ["ClearRestrictionsPassword"] = new(Rights.None, Nothing) { Supervised = true, Shared = OnShared.Never },
        ["DeclarativeManagement"] = new(Rights.None, DeclarativeClient.Look) { For = ForWhom.Both, From = 15 },
        ["DeleteUser"] = new(Rights.None, SharedCommands.DeleteUser) { Shared = OnShared.Only },
        ["DeviceConfigured"] = new(Rights.None, PowerCommands.Configured) { Supervised = true, Automated = true },
        ["DeviceInformation"] = new(Rights.None, InformationCommands.Device) { For = ForWhom.Both, NeverNotNow = true, WhileLost = true },
        ["DeviceLocation"] = new(Rights.None, LostModeCommands.Location) { Supervised = true, WhileLost = true },
        ["DeviceLock"] = new(Rights.LockAndPasscode, PasscodeCommands.Lock) { NeverNotNow = true, WhileLost = true },
        ["DisableLostMode"] = new(Rights.None, LostModeCommands.Disable) { Supervised = true, WhileLost = true },
        ["EnableLostMode"] = new(Rights.None, LostModeCommands.Enable) { Supervised = true, WhileLost = true },
        ["EraseDevice"] = new(Rights.Erase, PowerCommands.Erase) { NeverNotNow = true, WhileLost = true },
        ["InstallApplication"] = CommandRule.Waiting(Rights.ManageApps, AppCommands.InstallAsync),
        ["InstallMedia"] = new(Rights.ManageApps, BookCommands.Install),
        ["InstallProfile"] = CommandRule.Waiting(Rights.ChangeProfiles, ProfileCommands.InstallAsync) with { For = ForWhom.Both },
        ["InstallProvisioningProfile"] = new(Rights.ChangeProvisioning, ProvisioningCommands.Install),
        ["InstalledApplicationList"] = new(Rights.InspectApps, AppCommands.Installed) { NeverNotNow = true },
        ["InviteToProgram"] = new(Rights.ManageApps, SmallCommands.InviteToProgram) { For = ForWhom.User },
        ["LogOutUser"] = new(Rights.None, SharedCommands.LogOut) { Shared = OnShared.Only },
        ["ManagedApplicationAttributes"] = new(Rights.ManageApps, AppCommands.Attributes),
        ["ManagedApplicationConfiguration"] = new(Rights.ManageApps, AppCommands.Configuration),
        ["ManagedApplicationFeedback"] = new(Rights.ManageApps, AppCommands.Feedback),
        ["ManagedApplicationList"] = new(Rights.ManageApps, AppCommands.Managed),
        ["ManagedMediaList"] = new(Rights.ManageApps, BookCommands.Managed),
        ["OSUpdateStatus"] = new(Rights.ManageApps, UpdateCommands.Status) { Supervised = true, Until = 27 },
        ["PlayLostModeSound"] = new(Rights.None, LostModeCommands.PlaySound) { Supervised = true, WhileLost = true },
        ["ProfileList"] = new(Rights.InspectProfiles, ProfileCommands.Profiles) { For = ForWhom.Both, NeverNotNow = true },
        ["ProvisioningProfileList"] = new(Rights.InspectProvisioning, ProvisioningCommands.Installed) { NeverNotNow = true },
        ["RefreshCellularPlans"] = new(Rights.None, SmallCommands.RefreshCellularPlans),
        ["RemoveApplication"] = new(Rights.ManageApps, AppCommands.Remove),
        ["RemoveMedia"] = new(Rights.ManageApps, BookCommands.Remove),
        ["RemoveProfile"] = new(Rights.ChangeProfiles, ProfileCommands.Remove) { For = ForWhom.Both },
        ["RemoveProvisioningProfile"] = new(Rights.ChangeProvisioning, ProvisioningCommands.Remove),
        ["RequestMirroring"] = new(Rights.None, SmallCommands.RequestMirroring),
        ["RequestUnlockToken"] = new(Rights.None, PasscodeCommands.UnlockToken) { Supervised = true, Shared = OnShared.Never },
        ["RestartDevice"] = new(Rights.LockAndPasscode, PowerCommands.Restart) { Supervised = true, WhileLost = true },
        ["Restrictions"] = new(Rights.Restrictions, ProfileCommands.Restrictions) { For = ForWhom.Both, NeverNotNow = true },
        ["ScheduleOSUpdate"] = new(Rights.ManageApps, UpdateCommands.Schedule) { Supervised = true, Until = 27 },
        ["SecurityInfo"] = new(Rights.Security, InformationCommands.Security),
        ["Settings"] = new(Rights.Settings, SettingsCommands.Change) { For = ForWhom.Both },
        ["ShutDownDevice"] = new(Rights.LockAndPasscode, PowerCommands.ShutDown) { Supervised = true, WhileLost = true },
        ["StopMirroring"] = new(Rights.None, Nothing) { Supervised = true },
        ["TriggerEnhancedLogCollection"] = new(Rights.None, SmallCommands.TriggerLogs) { Supervised = true, From = 27 },
        ["UserConfigured"] = new(Rights.None, SharedCommands.LetIn) { Supervised = true, Automated = true, For = ForWhom.User, From = 17 },
        ["UserList"] = new(Rights.None, SharedCommands.Users) { Shared = OnShared.Only },
        ["ValidateApplications"] = new(Rights.ManageApps, AppCommands.Validate),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Their RequestTypes.</summary>
    public static IReadOnlyCollection<string> Known => Rules.Keys;

    /// <summary>Runs a command and makes the report on it.</summary>
    public static async Task<IPadReport> RunAsync(MdmChannel channel, IncomingCommand incoming, VirtualIPad ipad, CancellationToken cancellation)
    {
        var report = await ReportAsync(new CommandRun(ipad, channel, incoming), cancellation);
        ipad.Journal.CommandRan(channel.Name, incoming.CommandUuid, incoming.RequestType, report.Status);
        return report;
    }

    // 1. Before the first unlock, most have to wait. 2. What a test told it to fail at. 3. What is no command. 4. What is not for this iPad, this channel
    // or this management. 5. Lost Mode. 6. The command itself.

    private static async Task<IPadReport> ReportAsync(CommandRun run, CancellationToken cancellation)
    {
        var (ipad, requestType) = (run.IPad, run.Incoming.RequestType);
        var rule = Rules.GetValueOrDefault(requestType);
        if (ipad.IsLocked && requestType.Length > 0 && rule is not { NeverNotNow: true })
            return run.NotNow();
        if (ipad.FailureOf(requestType) is { Count: > 0 } chain)
            return run.Error(chain);
        if (requestType.Length == 0)
            return run.FormatError();
        if (Refusal(run, rule) is { } refusal)
            return run.Error(refusal);
        if (rule!.RunAsync is { } runAsync)
            return await runAsync(run, cancellation);
        lock (ipad.StateLock)
            return rule.Run(run);
    }

    private static AppleError? Refusal(CommandRun run, CommandRule? rule)
    {
        var (ipad, requestType, isUser) = (run.IPad, run.Incoming.RequestType, run.Channel.UserShortName is not null);
        if (rule is null || ipad.MajorVersion < rule.From || ipad.MajorVersion >= rule.Until
            || (rule.Supervised && !ipad.Description.Supervised)
            || (rule.Automated && !ipad.Description.Automated)
            || (ipad.Description.Shared ? rule.Shared == OnShared.Never : rule.Shared == OnShared.Only))
            return AppleErrors.RequestType(requestType);
        if (isUser && rule.For == ForWhom.Device)
            return AppleErrors.NotForUsers(requestType);
        if (!isUser && rule.For == ForWhom.User && ipad.Description.Shared)
            return AppleErrors.RequestType(requestType);
        // 0: an account-driven enrolment, which has rights by its kind.
        if (ipad.Profile is { AccessRights: not 0 } profile && (profile.AccessRights & rule.Right) != rule.Right)
            return AppleErrors.Rights;
        return !rule.WhileLost && ipad.Touched?.Lost is not null ? AppleErrors.WhileLost(requestType) : null;
    }

    /// <summary>Something that shows nowhere on a simulated iPad.</summary>
    private static IPadReport Nothing(CommandRun run) => run.Acknowledged();
}
