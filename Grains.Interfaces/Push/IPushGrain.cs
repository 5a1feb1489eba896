namespace FleetMdm.Grains.Interfaces;

/// <summary>
/// Takes pushes for a share of the fleet (key: 0 to N-1, chosen by a hash of the enrolment id) and hands them to the APNs
/// connections of the node that it lives on. A few of them spread the work over the cluster.
/// </summary>
[Alias("fleetmdm.push")]
public interface IPushGrain : IGrainWithIntegerKey
{
    /// <summary>Takes as many from the front of the batch as have room in the node's sending queue, and returns at once: not when
    /// APNs has answered. The rest is to be offered again a little later. What is given up is repeated by the sweep, since its
    /// command is still queued.</summary>
    [Alias("Push")]
    Task<PushBatchTaken> Push(PushBatch batch);
}

/// <summary>Some enrolments to wake, at most a few hundred.</summary>
/// <param name="Orders">At most one for an enrolment.</param>
/// <param name="Paced">True: part of an operation or a sweep, sent at the configured pace and after all others.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.push-batch")]
public sealed record PushBatch(
    [property: Id(0)] IReadOnlyList<PushOrder> Orders,
    [property: Id(1)] bool Paced);

/// <summary>One enrolment to wake. Token and push magic are never logged.</summary>
/// <param name="Topic">The topic that the enrolment was made for.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.push-order")]
public sealed record PushOrder(
    [property: Id(0)] string EnrolmentId,
    [property: Id(1)] string Topic,
    [property: Id(2)] byte[] Token,
    [property: Id(3)] string PushMagic)
{
    /// <summary>Without the token and the push magic.</summary>
    public override string ToString() => $"PushOrder {{ EnrolmentId = {EnrolmentId} }}";
}

/// <summary>What became of a batch.</summary>
/// <param name="Taken">How many were dealt with, counted from the front: the rest found no room.</param>
/// <param name="Dropped">How many of these were given up: no usable push certificate, or one of another topic.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.push-batch-taken")]
public sealed record PushBatchTaken(
    [property: Id(0)] int Taken,
    [property: Id(1)] int Dropped);
