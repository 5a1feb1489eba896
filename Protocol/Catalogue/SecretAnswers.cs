using System.Collections.Frozen;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>Which of what iPads answer is a secret: whoever has it can open an iPad, or take it.</summary>
/// <remarks>By the names of <see cref="SecretNames"/>, and by what a value looks like: keys as PEM, bearer tokens, passwords in addresses.</remarks>
public static class SecretAnswers
{
    /// <summary>What stands where a secret was.</summary>
    public const string Hidden = "(hidden)";

    // An answer, or a part of it, that says in one value what another one is.
    private static readonly FrozenSet<string> Names = new[] { "Name", "Key" }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether it holds a secret.</summary>
    public static bool Has(PlistNode answer) => answer switch
    {
        PlistDictionary dictionary => dictionary.Any(entry => IsSecret(entry) || IsSecretValue(entry, dictionary) || Has(entry.Value)),
        PlistArray array => array.Any(Has),
        _ => !ReferenceEquals(ProfileSecrets.HideValue(answer), answer),
    };

    /// <summary>The same without its secrets.</summary>
    public static PlistNode Hide(PlistNode answer)
    {
        switch (answer)
        {
            case PlistDictionary dictionary:
                var shown = new PlistDictionary();
                foreach (var entry in dictionary) shown.Add(entry.Key, IsSecret(entry) || IsSecretValue(entry, dictionary) ? Hidden : Hide(entry.Value));
                return shown;
            case PlistArray array:
                var items = new PlistArray();
                foreach (var item in array) items.Add(Hide(item));
                return items;
            default:
                return ProfileSecrets.HideValue(answer);
        }
    }

    /// <summary>The value of a pair, of which the other half says that it is a secret.</summary>
    private static bool IsSecretValue(KeyValuePair<string, PlistNode> entry, PlistDictionary pair) =>
        string.Equals(entry.Key, "Value", StringComparison.OrdinalIgnoreCase) && entry.Value is not PlistBoolean &&
        pair.Any(other => Names.Contains(other.Key) && other.Value is PlistString name && SecretNames.Contains(name.Value));

    /// <summary>A flag says that there is one, and is none. The content of a payload that is not described but there, as data, may be a key.</summary>
    private static bool IsSecret(KeyValuePair<string, PlistNode> entry) =>
        (SecretNames.Contains(entry.Key) && entry.Value is not PlistBoolean) || (entry.Value is PlistData && entry.Key == "PayloadContent");
}
