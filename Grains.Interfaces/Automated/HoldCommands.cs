namespace FleetMdm.Grains.Interfaces;

/// <summary>The command by which the server lets an iPad in Setup Assistant go on. It is told by its CommandUUID.</summary>
public static class HoldCommands
{
    public const string RequestType = "DeviceConfigured";

    private const string Beginning = "F1EE7005-";

    public static string NewUuid() => OwnUuids.New(Beginning);

    /// <summary>Nobody else may begin a CommandUUID like that.</summary>
    public static bool IsReserved(string commandUuid) => OwnUuids.Begins(commandUuid, Beginning);

    public static bool Is(string? commandUuid) => OwnUuids.HasForm(commandUuid) && IsReserved(commandUuid!);
}
