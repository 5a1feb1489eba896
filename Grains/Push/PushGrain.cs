using FleetMdm.Grains.Interfaces;
using Orleans.Concurrency;
using Orleans.Placement;

namespace FleetMdm.Grains.Push;

/// <summary>
/// Hands pushes to the sender of the node that it lives on. It has no state, and loses none when it moves: now and then it
/// goes to sleep and wakes where there is least to do, so that a node that joined gets its share.
/// </summary>
[Reentrant, GrainType("push"), ActivationCountBasedPlacement]
internal sealed class PushGrain(ApnsSender sender, PushCertificateSource certificate, TimeProvider time) : Grain, IPushGrain
{
    /// <summary>How many there are: enough to spread over the nodes of a large cluster, few enough to fill batches.</summary>
    public const int Count = 8;

    private static readonly TimeSpan StayFor = TimeSpan.FromMinutes(10);

    private readonly long _since = time.GetTimestamp();

    /// <summary>Which of them pushes for an enrolment: the same from every node.</summary>
    public static long KeyOf(string enrolmentId) => StableHash.ComputeHash(enrolmentId) % Count;

    public async Task<PushBatchTaken> Push(PushBatch batch)
    {
        // A certificate that was installed on another node a moment ago counts.
        if (certificate.Current is null)
            await certificate.AskOnce();
        if (time.GetElapsedTime(_since) > StayFor)
            DeactivateOnIdle();
        return sender.Offer(batch.Orders, batch.Paced);
    }
}
