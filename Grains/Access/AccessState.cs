using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Grains.Access;

/// <summary>What <see cref="AccessGrain"/> keeps: state <c>access</c> in the control plane.</summary>
[GenerateSerializer, Alias("fleetmdm.access-state")]
internal sealed class AccessState
{
    /// <summary>In order of creation. Replaced as a whole, so that a write that fails is undone by putting the old list back.</summary>
    [Id(0)] public List<StoredToken> Tokens { get; set; } = [];

    /// <summary>Sessions of browsers that live, oldest first; replaced as a whole too.</summary>
    [Id(1)] public List<StoredSession> Sessions { get; set; } = [];
}

/// <summary>A browser's session.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.stored-session")]
internal sealed record StoredSession
{
    [Id(0)] public required string Id { get; init; }
    [Id(1)] public required string TokenId { get; init; }
    [Id(2)] public required DateTimeOffset Until { get; init; }
}

/// <summary>A token as it is stored: never its secret.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.stored-token")]
internal sealed record StoredToken
{
    [Id(0)] public required byte[] SecretSha256 { get; init; }
    [Id(1)] public required TokenDescription Description { get; init; }
}
