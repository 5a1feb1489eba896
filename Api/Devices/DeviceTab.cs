namespace FleetMdm.Api.Devices;

/// <summary>A tab of an iPad's page. The room that owns it adds it to the services, maps <c>/ipads/{id}/{Name}</c>, and puts its page into
/// <see cref="DeviceFrame"/>, with <see cref="DeviceFrames"/>.</summary>
/// <param name="Order">From the left.</param>
/// <param name="Name">In the address; empty: the first one.</param>
/// <param name="Right">Who has it may open the tab; null: everybody who sees the iPad.</param>
public sealed record DeviceTab(int Order, string Name, string Words, string? Right = null)
{
    /// <summary>How many are in it, from what the frame knows anyway; null: it is not counted.</summary>
    public Func<DeviceView, long?>? Count { get; init; }
    /// <summary>Whether it says anything of this one; null: of each.</summary>
    public Func<DeviceView, bool>? Fits { get; init; }
}
