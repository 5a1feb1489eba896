using System.Collections.Concurrent;
using System.Collections.Frozen;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Access;

/// <summary>What the bearer of a token may do.</summary>
internal static class TokenRole
{
    /// <summary>The role of a token, with the rights that it gives this one: a viewer's may have been made to see secrets too.</summary>
    public static Role Of(TokenDescription token)
    {
        var name = NameOf(token);
        var (secrets, title, rights) = token.Schools is { } at ? (at.Secrets, at.RoleTitle, at.Rights) : (token.Secrets, token.RoleTitle, token.Rights);
        if (Roles.Find(name) is not { } builtIn)
            return new Role(name, title ?? name, "", [.. (rights ?? []).Where(Rights.IsKnown)]);
        return builtIn.Name == Roles.Viewer && secrets ? builtIn with { Rights = [.. builtIn.Rights, Rights.SecretRead] } : builtIn;
    }

    /// <summary>Tokens of earlier versions have no name of a role beside the number.</summary>
    public static string NameOf(TokenDescription token) =>
        token.Schools?.Role ?? token.RoleName ?? (token.Role == AccessRole.Administrator ? Roles.Administrator : Roles.Viewer);
}

/// <summary>Rights as one text, and as a set: a few sets for all requests.</summary>
internal static class RightSets
{
    private const int MostKept = 200;

    private static readonly ConcurrentDictionary<string, FrozenSet<string>> Kept = new(StringComparer.Ordinal);

    public static FrozenSet<string> Of(string rights)
    {
        if (Kept.TryGetValue(rights, out var kept)) return kept;
        if (Kept.Count >= MostKept) Kept.Clear();
        return Kept[rights] = rights.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);
    }
}
