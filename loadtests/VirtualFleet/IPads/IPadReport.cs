namespace FleetMdm.VirtualFleet.IPads;

/// <summary>A report made and not yet taken by the server. It keeps its bytes while it waits.</summary>
/// <param name="CommandUuid">Null for Idle.</param>
internal sealed record IPadReport(string Status, string? CommandUuid, string RequestType, byte[] Body)
{
    /// <summary>Sent once and never again, whatever the answer: the iPad that sends it is about to forget everything.</summary>
    public bool OnlyOnce { get; init; }

    /// <summary>What the command does once it is reported: erase, restart, leave.</summary>
    public Func<CancellationToken, Task>? Afterwards { get; init; }
}
