using System.Collections.Frozen;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>Which names say that a secret stands under them: the one list for what iPads answer, for commands and for profiles.</summary>
/// <remarks>Names are compared in lower case, without what is no letter or digit, with and without an s at the end.</remarks>
internal static class SecretNames
{
    /// <summary>Longer names are none of anybody's.</summary>
    private const int Longest = 256;

    /// <summary>Names end like this, whatever stands before it.</summary>
    private static readonly string[] Endings =
    [
        "password", "passcode", "passphrase", "passwd", "pwd", "secret", "token", "credential", "psk", "privatekey", "apikey", "secretkey", "accesskey", "sharedkey", "licensekey", "licencekey",
        "recoverykey", "bypasscode", "keybag",
    ];

    private static readonly FrozenSet<string> Names = new[]
    {
        "challenge", "pin", "ppk", "pass", "authorization", "proxyauthorization", "cookie", "setcookie",
        // Escrowed at supervision
        "escrowkey", "escroweddata",
        // SecurityInfo of Macs
        "fdepersonalrecoverykeycms", "fdepersonalrecoverykeydevicekey",
        "pushmagic", "presharedkey",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> ByName = Names.GetAlternateLookup<ReadOnlySpan<char>>();

    public static bool Contains(string name)
    {
        if (name.Length > Longest)
            return false;
        Span<char> plain = stackalloc char[name.Length];
        var length = 0;
        foreach (var character in name)
        {
            if (char.IsLetterOrDigit(character))
                plain[length++] = char.ToLowerInvariant(character);
        }

        return IsOne(plain[..length]) || (length > 0 && plain[length - 1] == 's' && IsOne(plain[..(length - 1)]));
    }

    private static bool IsOne(ReadOnlySpan<char> name)
    {
        if (ByName.Contains(name))
            return true;
        foreach (var ending in Endings)
        {
            if (name.EndsWith(ending, StringComparison.Ordinal))
                return true;
        }

        return false;
    }
}
