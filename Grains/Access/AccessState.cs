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

/// <summary>Roles that were added, and the tokens of roles that are neither viewer nor administrator: state <c>access-roles</c> in the control plane.</summary>
/// <remarks>A state of its own: a node of the version before does not read it, refuses these tokens, and cannot lose what it does not know when it writes
/// <see cref="AccessState"/>.</remarks>
[GenerateSerializer, Alias("fleetmdm.access-roles-state")]
internal sealed class AccessRolesState
{
    /// <summary>By name. Replaced as a whole.</summary>
    [Id(0)] public List<RoleDescription> Roles { get; set; } = [];

    /// <summary>In order of creation. Replaced as a whole.</summary>
    [Id(1)] public List<StoredToken> Tokens { get; set; } = [];
}

/// <summary>The tokens that are for some schools: state <c>access-schools</c> in the control plane.</summary>
/// <remarks>A state of its own, as that of the roles is: a node of the version before does not read it, refuses these tokens, and cannot lose their schools.</remarks>
[GenerateSerializer, Alias("fleetmdm.access-schools-state")]
internal sealed class AccessSchoolsState
{
    /// <summary>In order of creation. Replaced as a whole.</summary>
    [Id(0)] public List<StoredToken> Tokens { get; set; } = [];
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
