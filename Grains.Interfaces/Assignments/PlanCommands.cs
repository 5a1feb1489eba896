namespace FleetMdm.Grains.Interfaces;

/// <summary>Commands that the server sends by itself, so that an iPad becomes as it is assigned. They are told by their CommandUUID, so that an iPad's grain knows, when one has ended,
/// that there may be more to do, and whether it brought something or took it away.</summary>
public static class PlanCommands
{
    // As Storage knows them (AssignmentCommands).
    private const string Bringing = "F1EE7001-", Taking = "F1EE7002-";

    /// <param name="takes">It takes something away.</param>
    public static string NewUuid(bool takes) => OwnUuids.New(takes ? Taking : Bringing);

    /// <summary>Nobody else may begin a CommandUUID like that.</summary>
    public static bool IsReserved(string commandUuid) => OwnUuids.Begins(commandUuid, Bringing) || Takes(commandUuid);

    public static bool Is(string? commandUuid) => OwnUuids.HasForm(commandUuid) && IsReserved(commandUuid!);

    public static bool Takes(string commandUuid) => OwnUuids.Begins(commandUuid, Taking);
}
