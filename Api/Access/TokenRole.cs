using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Access;

/// <summary>What the bearer of a token may do.</summary>
internal static class TokenRole
{
    /// <summary>A description lives as long as a node believes in it: its role is made once for all requests of that time.</summary>
    private static readonly ConditionalWeakTable<TokenDescription, Role> Kept = [];

    /// <summary>The role of a token, with the rights that it gives this one: a viewer's may have been made to see secrets too.</summary>
    public static Role Of(TokenDescription token) => Kept.GetValue(token, Make);

    private static Role Make(TokenDescription token)
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

/// <summary>The rights of a role as a set, made once for each list of them.</summary>
internal static class RightSets
{
    private static readonly ConditionalWeakTable<IReadOnlyList<string>, FrozenSet<string>> Kept = [];

    public static FrozenSet<string> Of(IReadOnlyList<string> rights) => Kept.GetValue(rights, static list => list.ToFrozenSet(StringComparer.Ordinal));
}
