using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Storage.Assignments;

namespace FleetMdm.Api.Assignments;

/// <summary>iPads on which something that is assigned failed, and roll-outs that have stopped. Read from indexes.</summary>
internal sealed class AssignmentAttention(IAssignmentStore store, IRollOutStore rollOuts) : IAttention
{
    private const int Order = 45;
    private const int MostStopped = 5;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        var failed = await store.CountFailed(reader.Scope);
        return
        [
            .. (await rollOuts.ListStopped(reader.Scope, MostStopped)).Select(one => new AttentionItem(Order, 1, $"roll-out stopped by itself: {one.Name}", $"/assignments/{one.Id}")),
            .. failed == 0 ? [] : new[] { new AttentionItem(Order, failed, failed == 1 ? "iPad refused what is assigned to it" : "iPads refused what is assigned to them", "/assignments") },
        ];
    }
}
