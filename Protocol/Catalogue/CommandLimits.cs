using System.Collections.Frozen;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>How much a command may hold. Apple gives no such numbers; without them one command could fill a queue or a screen.</summary>
internal sealed class CommandLimits(string requestType)
{
    /// <summary>Apple has no limit on a message; the lock screen shows a few lines.</summary>
    private const int LongestMessage = 1024;

    private const int LongestPhoneNumber = 64;

    /// <summary>Of an identifier of an app or profile, of a query.</summary>
    private const int LongestName = 255;

    /// <summary>Of any other text: addresses of the web are the longest, and servers cut them at 8 KiB.</summary>
    private const int LongestText = 8192;

    /// <summary>The freshness code of an attestation has 32 bytes.</summary>
    private const int LongestNonce = 32;

    /// <summary>What people read, by the path of its key.</summary>
    private static readonly FrozenDictionary<string, int> Longest = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        ["DeviceLock/Message"] = LongestMessage,
        ["DeviceLock/PhoneNumber"] = LongestPhoneNumber,
        ["EnableLostMode/Message"] = LongestMessage,
        ["EnableLostMode/PhoneNumber"] = LongestPhoneNumber,
        ["EnableLostMode/Footnote"] = LongestMessage,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Keys whose texts programs read: never empty, and of one line.</summary>
    private static readonly FrozenSet<string> Names = new[] { "Identifier", "Identifiers", "Items", "Queries", "UUID", "UserName" }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>More than there are queries, items or managed apps on an iPad.</summary>
    public int MostItems => 1000;

    /// <summary>A list of a command itself that is empty asks for nothing.</summary>
    public int? FewestItems(CatalogueKey key) => key.Name == key.Path ? 1 : null;

    /// <summary>What is wrong with a text; null: nothing.</summary>
    public string? Fault(CatalogueKey key, string text)
    {
        var name = key.Path[(key.Path.LastIndexOf('/') + 1)..];
        if (Names.Contains(name))
        {
            if (text.Length is 0 or > LongestName)
                return $"The name must have 1 to {LongestName} characters.";
            return text.Any(char.IsControl) || PlistText.IndexOfForbidden(text) >= 0 ? "The name holds a control character." : null;
        }

        var most = Longest.TryGetValue($"{requestType}/{key.Path}", out var longest) ? longest : LongestText;
        if (text.Length > most)
            return $"The text has {text.Length} characters; at most {most} are taken.";
        if (text.Length == 0 && key.Required)
            return "The text must not be empty.";
        return PlistText.IndexOfForbidden(text) >= 0 ? "The text holds a control character that XML cannot carry." : null;
    }

    /// <summary>What is wrong with the number of bytes; null: nothing.</summary>
    public string? Fault(CatalogueKey key, byte[] data)
    {
        var most = key.Name == "DeviceAttestationNonce" ? LongestNonce : PlistLimits.AdminBytes;
        return data.Length == 0 || data.Length > most ? $"There are {data.Length} bytes; 1 to {most} are taken." : null;
    }
}
