using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Storage.Holdings;

namespace FleetMdm.Api.Holdings;

/// <summary>Loans whose last day is over. Read from an index that holds loans alone.</summary>
internal sealed class HoldingAttention(IHoldingStore store, HoldingService service) : IAttention
{
    private const int Order = 50;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        var overdue = await store.CountOverdue(reader.Scope, service.Today);
        return overdue == 0 ? [] : [new AttentionItem(Order, overdue, overdue == 1 ? "loan is overdue" : "loans are overdue", "/loans?state=overdue")];
    }
}
