using FleetMdm.Api.Access;
using FleetMdm.Api.SetUp;
using FleetMdm.Storage.Profiles;

namespace FleetMdm.Api.Profiles;

/// <summary>Something that iPads are to be set up with.</summary>
internal sealed class ProfileSetUp(IProfileStore store) : ISetUp
{
    private const int Order = 70;

    public async Task<IReadOnlyList<SetUpStep>> Find(FleetUser reader)
    {
        if (!reader.May(Rights.ProfileRead)) return [];
        var stands = (await store.List(null, null, 1)).Count > 0;
        return
        [
            new SetUpStep
            {
                Order = Order,
                Id = "profile",
                Title = "Build a profile, with the school's Wi-Fi first",
                State = stands ? SetUpStep.Done : SetUpStep.ToDo,
                Detail = stands ? "The library has profiles." : "The library is empty. Build a profile, or upload a .mobileconfig file.",
                Path = stands ? "/profiles" : "/profiles/new",
            },
        ];
    }
}
