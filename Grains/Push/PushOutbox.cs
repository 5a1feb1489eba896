using FleetMdm.Storage.Queries;

namespace FleetMdm.Grains.Push;

/// <summary>Where the grains of this node leave the iPads that are to be woken.</summary>
public sealed class PushOutbox
{
    /// <summary>Leaves one push, at once. False: the outbox is full and the push is lost; the command is not.</summary>
    public bool TryAdd(PushTarget target) => throw new NotImplementedException();

    /// <summary>Leaves the pushes of an operation or a sweep, and waits until there is room for all of them: they go out at
    /// the configured pace, after the single ones.</summary>
    public Task AddAsync(IReadOnlyList<PushTarget> targets, CancellationToken cancellationToken) => throw new NotImplementedException();
}
