using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Access;

/// <summary>A role to add.</summary>
public sealed record RoleRequest
{
    /// <summary>Lower-case letters, digits and hyphens, at most 40. It stays.</summary>
    public required string Name { get; init; }
    /// <summary>For people; at most 60 characters.</summary>
    public required string Title { get; init; }
    /// <summary>What it is for; at most 200 characters.</summary>
    public string? Words { get; init; }
    /// <summary>Names of rights (GET /api/v1/rights). None that your own token does not have.</summary>
    public required IReadOnlyList<string> Rights { get; init; }
}

/// <summary>A role as it is to be.</summary>
public sealed record RoleChange
{
    /// <summary>For people; at most 60 characters.</summary>
    public required string Title { get; init; }
    /// <summary>What it is for; at most 200 characters.</summary>
    public string? Words { get; init; }
    /// <summary>All that it is to have.</summary>
    public required IReadOnlyList<string> Rights { get; init; }
}

/// <summary>A role: a set of rights.</summary>
public sealed record RoleView
{
    public required string Name { get; init; }
    public required string Title { get; init; }
    /// <summary>What it is for.</summary>
    public required string Words { get; init; }
    public required IReadOnlyList<string> Rights { get; init; }
    /// <summary>It is always there, and cannot be changed.</summary>
    public required bool BuiltIn { get; init; }
    /// <summary>How many tokens have it that work.</summary>
    public required int Tokens { get; init; }
    /// <summary>Grows with each change; 0 for one that is always there.</summary>
    public required int Version { get; init; }
    public DateTimeOffset? UpdatedAt { get; init; }
    /// <summary>The name of the token that changed it.</summary>
    public string? UpdatedBy { get; init; }

    internal static RoleView Of(Role role, RoleDescription? own, int tokens) => new()
    {
        Name = role.Name,
        Title = role.Title,
        Words = role.Words,
        Rights = role.Rights,
        BuiltIn = own is null,
        Tokens = tokens,
        Version = own?.Version ?? 0,
        UpdatedAt = own?.UpdatedAt,
        UpdatedBy = own?.UpdatedBy,
    };
}

/// <summary>A right.</summary>
/// <param name="Name">In roles.</param>
/// <param name="Group">What it is about.</param>
/// <param name="Words">What it lets somebody do.</param>
/// <param name="With">A role that has it must have this one too.</param>
/// <param name="ForSchools">false: a token that is for some schools does not have it, whatever its role has.</param>
public sealed record RightView(string Name, string Group, string Words, string? With, bool ForSchools);
