using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Grains.Access;

/// <summary>What <see cref="AccessGrain"/> keeps: state <c>access</c> in the control plane.</summary>
[GenerateSerializer, Alias("fleetmdm.access-state")]
internal sealed class AccessState
{
    /// <summary>In order of creation. Replaced as a whole, so that a write that fails is undone by putting the old list back.</summary>
    [Id(0)] public List<StoredToken> Tokens { get; set; } = [];
}

/// <summary>A token as it is stored: never its secret.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.stored-token")]
internal sealed record StoredToken
{
    [Id(0)] public required byte[] SecretSha256 { get; init; }
    [Id(1)] public required TokenDescription Description { get; init; }
}
