using FleetMdm.Api.Rest;
using FleetMdm.Storage.Assignments;

namespace FleetMdm.Api.Assignments;

/// <summary>For those who delete profiles and apps: nothing that is assigned is deleted under its assignment.</summary>
internal sealed class AssignedThings(IAssignmentStore store)
{
    private const int MostUsers = 5;

    /// <param name="reference">The id of the profile, or of the app.</param>
    /// <param name="what">In a sentence.</param>
    /// <exception cref="ApiProblem">409: an assignment uses it.</exception>
    public async Task RequireUnused(string reference, string what)
    {
        var users = await store.ListUsers(reference, MostUsers);
        if (users.Count > 0)
        {
            throw ApiProblem.Conflict(ProblemCodes.InUse, $"The {what} is assigned",
                $"It is assigned by {string.Join(", ", users.Select(name => $"\"{name}\""))}. Nothing was deleted. Delete the assignment first.");
        }
    }
}
