using System.Security.Cryptography;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>The lock screen and the passcode.</summary>
internal static class PasscodeCommands
{
    /// <summary>The screen goes dark. Whether the text was shown is told only when there was one.</summary>
    public static IPadReport Lock(CommandRun run)
    {
        var ipad = run.IPad;
        if (!run.Command.ContainsKey("Message") && !run.Command.ContainsKey("PhoneNumber"))
            return run.Acknowledged();
        return run.Acknowledged(("MessageResult",
            ipad.Touched?.Lost is not null ? "DeviceInLostMode" : ipad.PasscodeSet ? "Success" : "NoPasscodeSet"));
    }

    public static IPadReport Clear(CommandRun run)
    {
        if (run.Command.Data("UnlockToken") is not { } token)
            return run.FormatError();
        if (run.IPad.UnlockToken is null || !CryptographicOperations.FixedTimeEquals(token, run.IPad.UnlockToken))
            return run.Error(AppleErrors.WrongUnlockToken);
        run.IPad.SetPasscode(null);
        return run.Acknowledged();
    }

    public static IPadReport UnlockToken(CommandRun run) => run.Acknowledged(("UnlockToken", run.IPad.UnlockToken!));
}
