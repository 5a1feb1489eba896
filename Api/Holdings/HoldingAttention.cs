using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Storage.Holdings;

namespace FleetMdm.Api.Holdings;

/// <summary>Loans whose last day is over, and iPads that people want to hand back. Each read from an index that holds them alone.</summary>
internal sealed class HoldingAttention(IHoldingStore store, HoldingService service) : IAttention
{
    private const int Order = 50;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        var overdue = await store.CountOverdue(reader.Scope, service.Today);
        var back = await store.CountReturnAsked(reader.Scope);
        List<AttentionItem> items = [];
        if (overdue > 0) items.Add(new AttentionItem(Order, overdue, overdue == 1 ? "loan is overdue" : "loans are overdue", "/loans?state=overdue"));
        if (back > 0) items.Add(new AttentionItem(Order, back, back == 1 ? "iPad is to be handed back" : "iPads are to be handed back", "/loans?state=handback"));
        return items;
    }
}
