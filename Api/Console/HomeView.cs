using FleetMdm.Api.Access;
using FleetMdm.Api.Observability;
using FleetMdm.Api.Operations;

namespace FleetMdm.Api.Console;

/// <summary>What the overview shows.</summary>
/// <param name="FormKey">Makes a form that is sent twice do its work once.</param>
/// <param name="PushCertificateProblem">Why the certificate that was just uploaded was not installed.</param>
public sealed record HomeView(
    FleetUser User, StatusView Status, IReadOnlyList<OperationView> Operations, bool HasInvitation, string FormKey,
    string? PushCertificateProblem);
