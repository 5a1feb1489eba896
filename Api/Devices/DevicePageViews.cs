using FleetMdm.Api.Access;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Devices;

/// <summary>What the list of iPads shows.</summary>
/// <param name="Total">How many there are on all pages.</param>
public sealed record DevicesView(FleetUser User, Page<DeviceSummary> Page, DeviceQuery Query, long Total, bool IsLaterPage)
{
    /// <summary>Why the filter in words cannot be read; null: it can.</summary>
    public string? FilterFault { get; init; }

    /// <summary>Where it stands in the address.</summary>
    public string? FaultyField { get; init; }

    public string? Next => Page.Next is { } next ? Query.PathOf("/ipads", next) : null;
}

/// <summary>What the first page of one iPad shows.</summary>
/// <param name="Commands">The newest ones.</param>
public sealed record DevicePageView(DeviceFrameView Frame, Page<CommandView> Commands);
