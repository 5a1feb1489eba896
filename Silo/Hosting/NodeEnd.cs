using FleetMdm.Api.Hosting;

namespace FleetMdm.Silo.Hosting;

/// <summary>
/// What ends a silo at once: the others declared it dead, or its runtime is broken. The process ends with a sentence and an exit code
/// that is not 0, and whatever supervises it (systemd, Docker, Kubernetes) starts it again as a new member. Nothing is handed over
/// or deactivated: the iPads of a dead node are the others' already.
/// </summary>
internal sealed partial class NodeEnd(ILogger<NodeEnd> logger) : IFatalErrorHandler
{
    public bool IsUnexpected(Exception exception) => true;

    public void OnFatalException(object? sender, string? context, Exception? exception)
    {
        LogFatal(context, exception);
        // Orleans tells a node's death without an exception.
        Console.Error.WriteLine(exception is null
            ? "fleetmdm: this node did not answer the other nodes for too long, and they declared it dead; it ends, and has to be started again."
            : $"fleetmdm: this node cannot go on: {exception.Message} It ends, and has to be started again.");
        Environment.Exit(FleetProcess.MustRestart);
    }

    [LoggerMessage(4021, LogLevel.Critical, "The node ends: {Context}")]
    private partial void LogFatal(string? context, Exception? exception);
}
