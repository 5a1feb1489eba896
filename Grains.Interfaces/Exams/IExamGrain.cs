namespace FleetMdm.Grains.Interfaces;

/// <summary>The one grain (key 0) that begins and ends exams, and wakes their iPads until each has said that it is released.</summary>
[Alias("fleetmdm.exam")]
public interface IExamGrain : IGrainWithIntegerKey
{
    /// <summary>An exam was changed: when it returns, every node knows, and iPads are being woken.</summary>
    [Alias("Changed")]
    Task Changed();

    /// <summary>Keeps it at work; every node may call it.</summary>
    [Alias("Wake")]
    Task Wake();
}
