using FleetMdm.VirtualFleet.Enrolment;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>After these an iPad is away for a while, or for good.</summary>
internal static class PowerCommands
{
    public static IPadReport Restart(CommandRun run) => run.Acknowledged() with { Afterwards = Now(run.IPad.Restart) };

    public static IPadReport ShutDown(CommandRun run) => run.Acknowledged() with { Afterwards = Now(run.IPad.ShutDown) };

    /// <summary>Setup Assistant goes on.</summary>
    public static IPadReport Configured(CommandRun run)
    {
        run.IPad.AwaitsConfiguration = false;
        run.IPad.MigrationEnds();
        return run.Acknowledged();
    }

    public static IPadReport Erase(CommandRun run)
    {
        ReturnToService? back = null;
        if (run.Command.ContainsKey("ReturnToService"))
        {
            if (run.Command.Dict("ReturnToService") is not { } asked || asked.Flag("Enabled") is not { } enabled)
                return run.FormatError();
            try
            {
                // It looks first: a profile that it could not read later would leave it in a drawer.
                var wifi = asked.Data("WiFiProfileData") is { } profile ? ConfigurationProfile.Read(profile) : null;
                back = enabled && run.IPad.MajorVersion >= 17 ? new ReturnToService(wifi, asked.Data("MDMProfileData")) : null;
            }
            catch (EnrolmentException e)
            {
                return run.Error(AppleErrors.Malformed(e.Message));
            }
        }
        return run.Acknowledged() with { OnlyOnce = true, Afterwards = Now(() => run.IPad.Erase(back)) };
    }

    private static Func<CancellationToken, Task> Now(Action action) => _ =>
    {
        action();
        return Task.CompletedTask;
    };
}

/// <summary>How an iPad sets itself up again after an erase. <see href="https://developer.apple.com/documentation/devicemanagement/return-to-service"/></summary>
/// <param name="Wifi">Null: it has no network afterwards.</param>
/// <param name="Management">Null: Automated Device Enrolment finds the server, if it set this iPad up before.</param>
internal sealed record ReturnToService(ConfigurationProfile? Wifi, byte[]? Management);
