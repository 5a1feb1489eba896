using FleetMdm.Api.Access;
using FleetMdm.Api.Observability;
using FleetMdm.Api.Operations;

namespace FleetMdm.Api.Console;

/// <summary>About tokens, for administrators.</summary>
/// <param name="FirstTokenId">The server's first token still works: it is to be replaced. Null: it does not.</param>
/// <param name="OwnExpiresAt">The reader's own token ends soon.</param>
public sealed record TokenHint(string? FirstTokenId, DateTimeOffset? OwnExpiresAt);

/// <summary>What the overview shows.</summary>
/// <param name="FormKey">Makes a form that is sent twice do its work once.</param>
/// <param name="Hint">Null: nothing to say.</param>
public sealed record HomeView(
    FleetUser User, StatusView Status, IReadOnlyList<OperationView> Operations, bool HasInvitation, string FormKey, TokenHint? Hint);
