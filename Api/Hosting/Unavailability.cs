using FleetMdm.Api.Enrolment;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage;

namespace FleetMdm.Api.Hosting;

/// <summary>Failures that mean "not now": the store or the cluster is away, full or stopping. All become 503.</summary>
public static class Unavailability
{
    /// <summary>Whether it is one, and whoever asked still waits for an answer.</summary>
    public static bool Is(Exception exception, HttpContext asked) => !asked.RequestAborted.IsCancellationRequested && Is(exception);

    public static bool Is(Exception exception) => exception switch
    {
        StoreUnavailableException or FleetUnavailableException or AuthorityUnavailableException => true,

        // A grain call that was not answered in time: its outcome is unknown, and repeating it is safe.
        TimeoutException => true,

        // A node that died, a silo that is stopping, no silo that could take the grain.
        OrleansException or SiloUnavailableException => true,
        ObjectDisposedException => true,

        // Given up inside, by a node that is ending.
        OperationCanceledException => true,

        // What a remote grain threw and this node could not rebuild.
        { InnerException: { } inner } => Is(inner),
        _ => false,
    };
}
