namespace FleetMdm.VirtualFleet.IPads;

/// <summary>Whether a command is for Shared iPads.</summary>
internal enum OnShared
{
    Too,
    Never,
    Only,
}

/// <summary>On which channel a Shared iPad takes a command. Every other iPad has the device's alone.</summary>
internal enum ForWhom
{
    Device,
    Both,
    User,
}

/// <summary>Bits of AccessRights in the management profile. <see href="https://developer.apple.com/documentation/devicemanagement/mdm"/></summary>
internal static class Rights
{
    public const long None = 0, InspectProfiles = 1, ChangeProfiles = 2, LockAndPasscode = 4, Erase = 8, DeviceInformation = 16, NetworkInformation = 32,
        InspectProvisioning = 64, ChangeProvisioning = 128, InspectApps = 256, Restrictions = 512, Security = 1024, Settings = 2048, ManageApps = 4096;
}

/// <summary>When an iPad runs a command, and what it does then.</summary>
/// <param name="Right">That the management profile has to grant.</param>
/// <param name="Run">Runs under the iPad's lock.</param>
internal sealed record CommandRule(long Right, Func<CommandRun, IPadReport> Run)
{
    /// <summary>Instead of <see cref="Run"/>, for what has to wait for somebody. It takes the lock by itself.</summary>
    public Func<CommandRun, CancellationToken, Task<IPadReport>>? RunAsync { get; init; }
    public bool Supervised { get; init; }
    public OnShared Shared { get; init; }
    public ForWhom For { get; init; }

    /// <summary>Enrolled by Automated Device Enrolment only.</summary>
    public bool Automated { get; init; }

    /// <summary>The first iPadOS that knows it, and the first that does not any more.</summary>
    public int From { get; init; }
    public int Until { get; init; } = int.MaxValue;

    /// <summary>It runs before the first unlock after a restart too. All others answer NotNow then.</summary>
    public bool NeverNotNow { get; init; }

    /// <summary>It runs while the iPad is lost.</summary>
    public bool WhileLost { get; init; }

    public static CommandRule Waiting(long right, Func<CommandRun, CancellationToken, Task<IPadReport>> run) =>
        new(right, static command => command.FormatError()) { RunAsync = run };
}
