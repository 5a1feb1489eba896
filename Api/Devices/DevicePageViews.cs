using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Reenrolment;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Api.Devices;

/// <summary>What the list of iPads shows.</summary>
/// <param name="Total">How many there are on all pages.</param>
public sealed record DevicesView(FleetUser User, Page<DeviceSummary> Page, DeviceQuery Query, long Total, bool IsLaterPage)
{
    /// <summary>Why the filter in words cannot be read; null: it can.</summary>
    public string? FilterFault { get; init; }

    public string? Next => Page.Next is { } next ? Query.PathOf("/ipads", next) : null;
}

/// <summary>What one iPad's page shows.</summary>
/// <param name="Records">What was done to it, newest first; for administrators.</param>
public sealed record DeviceDetailView(
    FleetUser User, DeviceView Device, Page<CommandView> Commands, IReadOnlyList<AuditView> Records, ClaimView? Claim, string? Note, string? Problem, string FormKey)
{
    /// <summary>The lists that the iPad has told.</summary>
    public required IReadOnlyDictionary<InventoryList, InventoryListRow> Inventory { get; init; }
}
