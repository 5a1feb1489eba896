using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Storage.Renewals;

namespace FleetMdm.Api.Renewals;

/// <summary>iPads that will be lost unless a person does something.</summary>
internal sealed class RenewalAttention(IRenewalStore store) : IAttention
{
    private const int Order = 20;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        var problems = (await store.Count()).WithProblem;
        return problems == 0
            ? []
            : [new AttentionItem(Order, problems, problems == 1 ? "iPad whose certificate ends and cannot be renewed" : "iPads whose certificates end and cannot be renewed", "/certificates?problem=true")];
    }
}
