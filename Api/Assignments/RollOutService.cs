using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Api.Assignments;

/// <summary>Lets a roll-out go on that has stopped, or takes it back, for REST and for the console.</summary>
internal sealed class RollOutService(IRollOutStore store, AssignmentService assignments, IGrainFactory grains, AuditTrail trail, TimeProvider time)
{
    /// <exception cref="ApiProblem">403, 404, 409.</exception>
    public async Task<AssignmentView> GoOn(HttpContext context, string id)
    {
        var user = FleetUser.Of(context);
        var standing = await assignments.ToChange(context, id);
        var went = await store.GoOn(user.Scope, standing.Id, time.GetUtcNow(), trail.Entry(context, AuditVerbs.AssignmentGoOn, AuditTargets.Assignment, standing.Id, detail: standing.Name));
        // A repetition after a lost answer finds it at work.
        if (went is false && standing is not { Phase: AssignmentPhase.InForce, RollOut.Phase: Storage.Operations.OperationPhase.Running })
        {
            throw ApiProblem.Conflict(ProblemCodes.OperationFinished, "It cannot go on",
                "The assignment is not rolled out in waves, all its iPads have been reached, or it is not in force.");
        }

        return await Told(user, standing.Id, went);
    }

    /// <exception cref="ApiProblem">403, 404, 409.</exception>
    public async Task<AssignmentView> TakeBack(HttpContext context, string id)
    {
        var user = FleetUser.Of(context);
        var standing = await assignments.ToChange(context, id);
        var taken = await store.TakeBack(
            user.Scope, standing.Id, time.GetUtcNow(), user.Name, trail.Entry(context, AuditVerbs.AssignmentTakeBack, AuditTargets.Assignment, standing.Id, detail: standing.Name));
        if (taken is false)
        {
            throw ApiProblem.Conflict(ProblemCodes.OperationFinished, "It cannot be taken back",
                "The assignment is not rolled out in waves, all its iPads have been reached, or it is not in force. To take it from all iPads, delete it.");
        }

        return await Told(user, standing.Id, taken);
    }

    private async Task<AssignmentView> Told(FleetUser user, string id, bool? found)
    {
        if (found is null) throw AssignmentService.NotFound();
        await grains.GetGrain<IPlanGrain>(0).Changed();
        return await assignments.Get(user, id);
    }
}
