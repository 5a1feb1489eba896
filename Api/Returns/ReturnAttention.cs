using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Storage.Returns;

namespace FleetMdm.Api.Returns;

/// <summary>iPads that did not come back from Return to Service.</summary>
internal sealed class ReturnAttention(IReturnStore store, TimeProvider time) : IAttention
{
    private const int Order = 42;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader) =>
        reader.May(Rights.OperationRead) && await store.CountMissing(reader.Scope, time.GetUtcNow()) is > 0 and var missing
            ? [new AttentionItem(Order, missing, $"{(missing == 1 ? "iPad" : "iPads")} did not come back from Return to Service", "/operations/returns")]
            : [];
}
