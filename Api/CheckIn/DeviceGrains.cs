using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.CheckIn;

/// <summary>The grain of an enrolment. Orleans finds out an interface's grain type by reflection at every call of GetGrain&lt;T&gt;, which
/// costs more than the rest of an idle poll's way to its grain; here it is found out once.</summary>
public sealed class DeviceGrains(IGrainFactory grains)
{
    /// <summary>Any key leads to the type and the interface.</summary>
    private readonly Lazy<(GrainType Type, GrainInterfaceType Interface)> _known = new(() =>
    {
        var reference = (GrainReference)grains.GetGrain<IDeviceGrain>("any");
        return (reference.GrainId.Type, reference.InterfaceType);
    });

    public IDeviceGrain Of(string enrolmentId)
    {
        var (type, interfaceType) = _known.Value;
        return (IDeviceGrain)grains.GetGrain(GrainId.Create(type, enrolmentId), interfaceType);
    }
}
