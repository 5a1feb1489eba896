using FleetMdm.Api.Access;
using FleetMdm.Api.SetUp;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Api.Schools;

/// <summary>The schools, by which everything else is told apart.</summary>
internal sealed class SchoolSetUp(ISchoolStore store) : ISetUp
{
    private const int Order = 40;

    public async Task<IReadOnlyList<SetUpStep>> Find(FleetUser reader)
    {
        if (!reader.May(Rights.SchoolRead)) return [];
        var stands = (await store.List(reader.Scope, null, archived: false, null, 1)).Count > 0;
        return
        [
            new SetUpStep
            {
                Order = Order,
                Id = "schools",
                Title = "Create the schools",
                State = stands ? SetUpStep.Done : SetUpStep.ToDo,
                Detail = stands ? "iPads, people and rights can be of a school." : "There is none yet. Create one by hand, or import people: their file creates schools too.",
                Path = stands ? "/schools" : "/schools/new",
            },
        ];
    }
}
