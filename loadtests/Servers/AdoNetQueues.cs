using System.Collections.Concurrent;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using Orleans.Storage;

namespace FleetMdm.LoadTests.Servers;

/// <summary>
/// The server's store, but for one thing: queue and history are what one would write with Orleans alone, the states of grains, which
/// <c>Orleans.Persistence.AdoNet</c> writes as one row each whenever a command is finished: its report, then what is left of the queue. In this
/// order, as the other would lose a report.
/// </summary>
internal sealed class AdoNetQueues(IDeviceStore store, Func<IGrainStorage> storage) : IDeviceStore
{
    private const string Queue = "queue", History = "history";

    private readonly ConcurrentDictionary<string, GrainState<QueueState>> _queues = new();

    /// <remarks>Operations append rows as ever; here they come into the state. The first write makes its row.</remarks>
    public async Task<DeviceSnapshot> Load(string enrolmentId)
    {
        var snapshot = await store.Load(enrolmentId);
        var queue = _queues.GetOrAdd(enrolmentId, _ => new GrainState<QueueState>(new QueueState())).State!;
        foreach (var row in snapshot.Queue.Where(row => row.Sequence > queue.Newest))
        {
            queue.Commands.Add(new QueuedCommand(row.Sequence, row.CommandUuid, row.RequestType, row.BodyHash, row.AcceptedAt, row.OperationId));
            queue.Newest = row.Sequence;
        }

        var waiting = queue.Commands.Select(command => command.Sequence).ToHashSet();
        return snapshot with { Queue = [.. snapshot.Queue.Where(row => waiting.Contains(row.Sequence))] };
    }

    public async Task<bool> Finish(QueueFinish finish)
    {
        var queue = _queues[finish.EnrolmentId];
        if (queue.State!.Commands.RemoveAll(command => command.Sequence == finish.Sequence) == 0) return false;
        var finished = new GrainState<FinishedCommand>(new FinishedCommand(
            finish.Sequence, finish.BodyHash, (int)finish.Ending, finish.SentAt, finish.FinishedAt, finish.Result?.ToArray(), finish.ResultHash));
        await storage().WriteStateAsync(History, GrainId.Create("adonet-history", $"{finish.EnrolmentId}/{finish.Sequence}"), finished);
        await storage().WriteStateAsync(Queue, GrainId.Create("adonet-queue", finish.EnrolmentId), queue);
        return true;
    }

    public Task<EnrolmentCommitted> Commit(EnrolmentChange change) => store.Commit(change);

    public Task<QueueAppended> Append(QueueAppend command) => store.Append(command);

    public Task Mark(QueueMark mark) => store.Mark(mark);

    public Task Touch(IReadOnlyList<(string EnrolmentId, DateTimeOffset At)> seen) => store.Touch(seen);

    public Task RecordPushes(IReadOnlyList<PushRecord> pushes) => store.RecordPushes(pushes);

    public ValueTask<byte[]?> LoadBody(byte[] hash) => store.LoadBody(hash);

    public bool IsBody(byte[] hash, ReadOnlyMemory<byte> body) => store.IsBody(hash, body);

    public Task<byte[]> StoreBody(ReadOnlyMemory<byte> body) => store.StoreBody(body);

    public Task<CertificateStanding> FindCertificate(byte[] sha256) => store.FindCertificate(sha256);
}

[GenerateSerializer]
[Alias("fleetmdm.loadtests.queue-state")]
public sealed class QueueState
{
    [Id(0)]
    public List<QueuedCommand> Commands { get; set; } = [];

    [Id(1)]
    public long Newest { get; set; }
}

/// <summary>What a grain has to know of a command that waits.</summary>
[GenerateSerializer]
[Alias("fleetmdm.loadtests.queued-command")]
public sealed record QueuedCommand(
    [property: Id(0)] long Sequence,
    [property: Id(1)] string CommandUuid,
    [property: Id(2)] string RequestType,
    [property: Id(3)] byte[] BodyHash,
    [property: Id(4)] DateTimeOffset AcceptedAt,
    [property: Id(5)] string? OperationId);

/// <summary>What the history has of a command.</summary>
[GenerateSerializer]
[Alias("fleetmdm.loadtests.finished-command")]
public sealed record FinishedCommand(
    [property: Id(0)] long Sequence,
    [property: Id(1)] byte[] BodyHash,
    [property: Id(2)] int Ending,
    [property: Id(3)] DateTimeOffset? SentAt,
    [property: Id(4)] DateTimeOffset FinishedAt,
    [property: Id(5)] byte[]? Result,
    [property: Id(6)] byte[]? ResultHash);
