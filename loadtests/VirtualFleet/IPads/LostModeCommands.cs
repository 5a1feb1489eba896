using System.Globalization;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>Lost Mode: while it lasts, most other commands are refused.</summary>
internal static class LostModeCommands
{
    /// <summary>It is turned on a second time to change what the screen says.</summary>
    public static IPadReport Enable(CommandRun run)
    {
        var lost = new LostMode(run.Command.Text("Message"), run.Command.Text("PhoneNumber"), run.Command.Text("Footnote"));
        if (string.IsNullOrEmpty(lost.Message) && string.IsNullOrEmpty(lost.PhoneNumber))
            return run.Error(AppleErrors.CannotBeLost);
        run.IPad.State.Lost = lost;
        return run.Acknowledged();
    }

    public static IPadReport Disable(CommandRun run)
    {
        if (run.IPad.Touched?.Lost is null)
            return run.Error(AppleErrors.NotLost);
        run.IPad.State.Lost = null;
        return run.Acknowledged();
    }

    public static IPadReport PlaySound(CommandRun run)
    {
        if (run.IPad.Touched?.Lost is not { } lost)
            return run.Error(AppleErrors.NotLost);
        lost.Sounding = true;
        return run.Acknowledged();
    }

    /// <summary>Only a lost iPad tells where it is.</summary>
    public static IPadReport Location(CommandRun run)
    {
        if (run.IPad.Touched?.Lost is null)
            return run.Error(AppleErrors.NotLost);
        if (run.IPad.Whereabouts is not (var latitude, var longitude))
            return run.Error(AppleErrors.NowhereKnown);
        // Negative: not known.
        return run.Acknowledged(
            ("Latitude", latitude), ("Longitude", longitude), ("HorizontalAccuracy", 65.0), ("VerticalAccuracy", 10.0), ("Altitude", 34.5),
            ("Speed", -1.0), ("Course", -1.0),
            ("Timestamp", run.IPad.Fleet.Options.Time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)));
    }
}
