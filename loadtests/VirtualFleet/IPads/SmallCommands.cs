namespace FleetMdm.VirtualFleet.IPads;

/// <summary>Commands that ask a person, a screen or a carrier for something, of which an iPad keeps nothing.</summary>
internal static class SmallCommands
{
    private const string Program = "com.apple.cloudvpp";
    private const int ShortestScan = 10, LongestScan = 300;

    public static IPadReport InviteToProgram(CommandRun run)
    {
        if (run.Command.Text("ProgramID") is not { } program || run.Command.Text("InvitationURL") is not { } url)
            return run.FormatError();
        return run.Acknowledged(("InvitationResult", program != Program ? "InvalidProgramID" : IsHttps(url) ? "Acknowledged" : "InvalidInvitationURL"));
    }

    /// <summary>One of the two has to name the screen. Nobody is there to say yes.</summary>
    public static IPadReport RequestMirroring(CommandRun run)
    {
        var (name, id) = (run.Command.Text("DestinationName"), run.Command.Text("DestinationDeviceID"));
        if ((name is null && id is null) || run.Command.Integer("ScanTime") is < ShortestScan or > LongestScan)
            return run.FormatError();
        return run.Acknowledged(("MirroringResult", "Prompting"));
    }

    /// <summary>An iPad without a modem has no plan to refresh.</summary>
    public static IPadReport RefreshCellularPlans(CommandRun run) => run.Command.Text("eSIMServerURL") is not { Length: > 0 }
        ? run.FormatError()
        : run.IPad.Description.Cellular ? run.Acknowledged() : run.Error(AppleErrors.RequestType(run.Incoming.RequestType));

    public static IPadReport TriggerLogs(CommandRun run) =>
        run.Command.Text("AppleCareToken") is { Length: > 0 } ? run.Acknowledged() : run.FormatError();

    public static bool IsHttps(string url) => Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps;
}
