namespace FleetMdm.Grains.Interfaces;

/// <summary>Commands that the server sends by itself, so that an iPad becomes as it is assigned. They are told by their CommandUUID, so that an iPad's grain knows, when one has ended,
/// that there may be more to do, and whether it brought something or took it away.</summary>
public static class PlanCommands
{
    // As Storage knows them (AssignmentCommands).
    private const string Bringing = "F1EE7001-", Taking = "F1EE7002-";

    /// <summary>It ends as the assignment's id does: from the history of commands can be told later what it was for.</summary>
    /// <param name="takes">It takes something away.</param>
    /// <param name="assignmentId">For which it is sent.</param>
    public static string NewUuid(bool takes, string assignmentId) => OwnUuids.New(takes ? Taking : Bringing, assignmentId);

    /// <summary>Nobody else may begin a CommandUUID like that.</summary>
    public static bool IsReserved(string commandUuid) => OwnUuids.Begins(commandUuid, Bringing) || Takes(commandUuid);

    public static bool Is(string? commandUuid) => OwnUuids.HasForm(commandUuid) && IsReserved(commandUuid!);

    public static bool Takes(string commandUuid) => OwnUuids.Begins(commandUuid, Taking);
}
