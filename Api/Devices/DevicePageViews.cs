using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Reenrolment;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Devices;

/// <summary>What the list of iPads shows.</summary>
public sealed record DevicesView(FleetUser User, Page<DeviceSummary> Page, string? Query, string? Status, bool IsLaterPage)
{
    public bool IsFiltered => Query is not null || Status is not null;

    public string First => Path(null);

    public string? Next => Page.Next is { } next ? Path(next) : null;

    private string Path(string? after)
    {
        var query = QueryString.Empty;
        if (Query is not null) query = query.Add("q", Query);
        if (Status is not null) query = query.Add("status", Status);
        if (after is not null) query = query.Add("after", after);
        return "/ipads" + query.ToUriComponent();
    }
}

/// <summary>What one iPad's page shows.</summary>
/// <param name="Records">What was done to it, newest first; for administrators.</param>
public sealed record DeviceDetailView(
    FleetUser User, DeviceView Device, Page<CommandView> Commands, IReadOnlyList<AuditView> Records, ClaimView? Claim, string? Note, string? Problem, string FormKey);
