using FleetMdm.Api.Access;
using FleetMdm.Api.SetUp;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Devices;

/// <summary>The first iPad, with which all of it is tried.</summary>
internal sealed class DeviceSetUp(FleetCounts counts) : ISetUp
{
    private const int Order = 90;

    public async Task<IReadOnlyList<SetUpStep>> Find(FleetUser reader)
    {
        if (!reader.May(Rights.DeviceRead)) return [];
        var stands = (await counts.Read(reader.Scope)).Of(EnrolmentStatus.Enrolled) > 0;
        return
        [
            new SetUpStep
            {
                Order = Order,
                Id = "first-ipad",
                Title = "Enrol one iPad to the end, and look at it",
                State = stands ? SetUpStep.Done : SetUpStep.ToDo,
                Detail = stands ? "iPads are enrolled." : "No iPad is enrolled. Create an invitation, and scan its code. Or take one that enrols out of the box.",
                Path = stands ? "/ipads" : "/invitations",
            },
        ];
    }
}
