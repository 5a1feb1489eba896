using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Operations;

namespace FleetMdm.Api.Console;

/// <summary>What the overview shows.</summary>
/// <param name="Attention">What is not well, the urgent things first.</param>
/// <param name="IPads">How many there are, by status, with the list of them.</param>
/// <param name="FirstSteps">Null: the server is set up, and an iPad has enrolled.</param>
/// <param name="Records">The newest ones; for administrators.</param>
public sealed record HomeView(
    FleetUser User, IReadOnlyList<AttentionItem> Attention, IReadOnlyList<FleetFigure> IPads, FirstSteps? FirstSteps, IReadOnlyList<OperationView> Operations,
    IReadOnlyList<AuditView> Records);

/// <summary>How many iPads have a status.</summary>
public sealed record FleetFigure(string Words, string Status, long Count);

/// <summary>The way to the first iPad, and how far it has been gone.</summary>
public sealed record FirstSteps(bool HasCertificate, bool HasInvitation, bool HasIPad)
{
    public bool IsDone => HasCertificate && HasInvitation && HasIPad;
}
