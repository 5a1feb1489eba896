namespace FleetMdm.Grains.Interfaces;

/// <summary>Commands by which the server locks an iPad for an exam, and releases it. They are told by their CommandUUID: a release goes before everything else that waits for the iPad,
/// and a lock that nobody wants any more is never handed over.</summary>
public static class ExamCommands
{
    private const string Locking = "F1EE7003-", Releasing = "F1EE7004-";

    /// <param name="releases">It takes the lock away.</param>
    public static string NewUuid(bool releases) => OwnUuids.New(releases ? Releasing : Locking);

    /// <summary>Nobody else may begin a CommandUUID like that.</summary>
    public static bool IsReserved(string commandUuid) => OwnUuids.Begins(commandUuid, Locking) || OwnUuids.Begins(commandUuid, Releasing);

    public static bool Is(string? commandUuid) => OwnUuids.HasForm(commandUuid) && IsReserved(commandUuid!);

    public static bool IsLock(string? commandUuid) => OwnUuids.HasForm(commandUuid) && OwnUuids.Begins(commandUuid!, Locking);

    public static bool IsRelease(string? commandUuid) => OwnUuids.HasForm(commandUuid) && OwnUuids.Begins(commandUuid!, Releasing);
}
