using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Storage.Assignments;

namespace FleetMdm.Api.Assignments;

/// <summary>iPads on which something that is assigned failed. Read from an index by assignment and state.</summary>
internal sealed class AssignmentAttention(IAssignmentStore store) : IAttention
{
    private const int Order = 45;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        var failed = await store.CountFailed(reader.Scope);
        return failed == 0 ? [] : [new AttentionItem(Order, failed, failed == 1 ? "iPad refused what is assigned to it" : "iPads refused what is assigned to them", "/assignments")];
    }
}
