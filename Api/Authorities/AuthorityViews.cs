using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Authorities;

/// <summary>The CAs whose certificates identify iPads of this server.</summary>
public sealed record AuthoritiesView
{
    /// <summary>The one that issues first, then the one that is prepared, then former ones.</summary>
    public required IReadOnlyList<AuthorityView> Items { get; init; }
    /// <summary>Enrolled iPads whose certificate another server's CA issued (Mdm:TrustedIdentityCas).</summary>
    public required long OtherDevices { get; init; }
}

/// <summary>A CA of iPads' identities.</summary>
public sealed record AuthorityView
{
    /// <summary>SHA-256 of its certificate, in hexadecimal.</summary>
    public required string Id { get; init; }
    /// <summary>active (it issues), prepared (it is trusted, and issues when it is activated) or former (it is trusted, and issues no more).</summary>
    [OneOf("active", "prepared", "former")]
    public required string State { get; init; }
    /// <summary>Its name.</summary>
    public required string Subject { get; init; }
    public required DateTimeOffset NotBefore { get; init; }
    /// <summary>When it ends. No certificate of it lives longer.</summary>
    public required DateTimeOffset NotAfter { get; init; }
    /// <summary>Of a prepared one: from when on it can be activated.</summary>
    public DateTimeOffset? ActivatableAt { get; init; }
    /// <summary>Of a former one: since when it issues no more.</summary>
    public DateTimeOffset? ReplacedAt { get; init; }
    /// <summary>Enrolled iPads whose newest certificate it issued.</summary>
    public required long Devices { get; init; }
}

/// <summary>What the page shows.</summary>
public sealed record AuthoritiesPageView(FleetUser User, AuthoritiesView Authorities, string? Done, DateTimeOffset Now);

/// <summary>What the page asks before it changes something.</summary>
/// <param name="Change">prepare, activate or retire.</param>
/// <param name="Authority">Null: to be made.</param>
public sealed record AuthorityChangeView(FleetUser User, string Change, AuthorityView? Authority, string FormKey, FormState Form);
