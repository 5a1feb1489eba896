using FleetMdm.Api.Admin;
using FleetMdm.Api.Auth;

namespace FleetMdm.Api.Console;

/// <summary>What the overview shows.</summary>
/// <param name="FormKey">Makes a form that is sent twice do its work once.</param>
/// <param name="PushCertificateProblem">Why the certificate that was just uploaded was not installed.</param>
public sealed record HomeView(
    FleetUser User, StatusView Status, IReadOnlyList<OperationView> Operations, bool HasInvitation, string FormKey,
    string? PushCertificateProblem);

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
public sealed record DeviceDetailView(
    FleetUser User, DeviceView Device, Page<CommandView> Commands, string? Note, string? Problem, string FormKey);

/// <summary>What the list of invitations shows.</summary>
public sealed record InvitationsView(FleetUser User, Page<InvitationView> Page, string FormKey);
