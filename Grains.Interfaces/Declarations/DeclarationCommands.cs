namespace FleetMdm.Grains.Interfaces;

/// <summary>The command by which the server asks an iPad to look at its declarations. It is told by its CommandUUID. There is at most one in the queue of an iPad, and it carries the newest
/// tokens: they join it when it is handed over.</summary>
public static class DeclarationCommands
{
    public const string RequestType = "DeclarativeManagement";

    private const string Beginning = "F1EE7008-";

    public static string NewUuid() => OwnUuids.New(Beginning);

    /// <summary>Nobody else may begin a CommandUUID like that.</summary>
    public static bool IsReserved(string commandUuid) => OwnUuids.Begins(commandUuid, Beginning);

    public static bool Is(string? commandUuid) => OwnUuids.HasForm(commandUuid) && IsReserved(commandUuid!);
}
