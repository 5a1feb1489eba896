using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Api.LostMode;

/// <summary>iPads that are in lost mode.</summary>
internal sealed class LostModeAttention(IOperationStore store, TimeProvider time) : IAttention
{
    private const int Order = 36;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader) =>
        await store.CountTarget(reader.Scope, new DeviceFilter { Expression = DeviceExpression.Parse("lost", time.GetUtcNow()) }) is > 0 and var lost
            ? [new AttentionItem(Order, lost, $"{(lost == 1 ? "iPad is" : "iPads are")} in lost mode", "/ipads?filter=lost")]
            : [];
}
