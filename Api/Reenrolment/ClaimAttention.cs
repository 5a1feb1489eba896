using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Storage.Enrolment;

namespace FleetMdm.Api.Reenrolment;

/// <summary>Claims that nobody has decided about.</summary>
internal sealed class ClaimAttention(IReenrolmentStore store) : IAttention
{
    private const int Order = 10;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        var open = await store.CountOpenClaims(reader.Scope);
        return open == 0 ? [] : [new AttentionItem(Order, open, $"{(open == 1 ? "claim" : "claims")} to decide: another device says that it is this iPad", "/claims")];
    }
}
