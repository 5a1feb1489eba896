namespace FleetMdm.Protocol.Catalogue;

/// <summary>Finds the name that somebody meant.</summary>
internal static class Spelling
{
    /// <summary>The one that differs in case only, or in one letter that is missing, wrong or too many, or in two that changed places; null: none.</summary>
    public static string? Nearest(string name, IEnumerable<string> known)
    {
        string? near = null;
        foreach (var one in known)
        {
            if (one.Equals(name, StringComparison.OrdinalIgnoreCase))
                return one;
            if (near is null && DifferByOne(one.ToUpperInvariant(), name.ToUpperInvariant()))
                near = one;
        }

        return near;
    }

    private static bool DifferByOne(string one, string other)
    {
        // Any two short words are near.
        if (one.Length < 3 || Math.Abs(one.Length - other.Length) > 1)
            return false;
        var same = one.AsSpan().CommonPrefixLength(other.AsSpan());
        ReadOnlySpan<char> restOne = one.AsSpan(same), restOther = other.AsSpan(same);
        if (restOne.Length > 1 && restOther.Length > 1 && restOne[0] == restOther[1] && restOne[1] == restOther[0] && restOne[2..].SequenceEqual(restOther[2..]))
            return true;
        return After(restOne).SequenceEqual(After(restOther)) || restOne.SequenceEqual(After(restOther)) || After(restOne).SequenceEqual(restOther);
    }

    private static ReadOnlySpan<char> After(ReadOnlySpan<char> rest) => rest.Length > 0 ? rest[1..] : rest;
}
