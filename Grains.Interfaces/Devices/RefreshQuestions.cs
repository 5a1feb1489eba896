namespace FleetMdm.Grains.Interfaces;

/// <summary>Questions that the server asks of itself, to keep what it knows of an iPad fresh. They are told by their CommandUUID, so that whoever takes in the
/// answer knows that nobody will want to read it: it is read into the inventory, and not kept.</summary>
public static class RefreshQuestions
{
    private const string Beginning = "F1EE7000-";

    public static string NewUuid() => OwnUuids.New(Beginning);

    /// <summary>Nobody else may begin a CommandUUID like that: the answer would be taken for one that nobody reads.</summary>
    public static bool IsReserved(string commandUuid) => OwnUuids.Begins(commandUuid, Beginning);

    public static bool Is(string? commandUuid) => OwnUuids.HasForm(commandUuid) && IsReserved(commandUuid!);
}
