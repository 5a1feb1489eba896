using FleetMdm.Api.Access;
using FleetMdm.Api.SetUp;
using FleetMdm.Storage.Assignments;

namespace FleetMdm.Api.Assignments;

/// <summary>What is assigned comes to a new iPad without anybody sending it.</summary>
internal sealed class AssignmentSetUp(IAssignmentStore store) : ISetUp
{
    private const int Order = 80;
    private const int LookedAt = 100;

    public async Task<IReadOnlyList<SetUpStep>> Find(FleetUser reader)
    {
        if (!reader.May(Rights.DeviceRead)) return [];
        var stands = (await store.List(reader.Scope, null, null, LookedAt)).Any(row => row.Assignment.Phase != AssignmentPhase.Over);
        return
        [
            new SetUpStep
            {
                Order = Order,
                Id = "assignment",
                Title = "Assign it, so that each new iPad gets it by itself",
                State = stands ? SetUpStep.Done : SetUpStep.ToDo,
                Detail = stands ? "Something is assigned." : "Nothing is assigned: a new iPad gets only what somebody sends it.",
                Path = stands ? "/assignments" : "/assignments/new",
            },
        ];
    }
}
