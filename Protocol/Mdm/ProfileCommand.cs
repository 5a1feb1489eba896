using System.Security.Cryptography;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Protocol.Mdm;

/// <summary>
/// InstallProfile and RemoveProfile for profiles of the library. A profile with variables is stored once for all iPads, with its variables; each iPad's values
/// are put in when the command leaves.
/// </summary>
public static class ProfileCommand
{
    public const string Install = "InstallProfile";

    public const string Remove = "RemoveProfile";

    // In the place of Payload: a server of an earlier version, which does not know it, makes an iPad refuse the command instead of installing variables.
    private static ReadOnlySpan<byte> TemplateStart => "<dict><key>RequestType</key><string>InstallProfile</string><key>com.fleetmdm.profile</key>"u8;

    /// <summary>What is sent as it is.</summary>
    public static byte[] WithProfile(byte[] profile) => PlistWriter.ToFragment(new PlistDictionary { ["RequestType"] = Install, ["Payload"] = profile });

    /// <summary>What stands in the queue for a profile with variables. No iPad ever sees this.</summary>
    public static byte[] Template(byte[] profile) => PlistWriter.ToFragment(new PlistDictionary { ["RequestType"] = Install, ["com.fleetmdm.profile"] = profile });

    public static byte[] Removing(string identifier) => PlistWriter.ToFragment(new PlistDictionary { ["RequestType"] = Remove, ["Identifier"] = identifier });

    /// <summary>The PayloadIdentifier that a command installs or removes, whoever sent it; null: it cannot be told.</summary>
    /// <param name="body">Of an <see cref="Install"/> or a <see cref="Remove"/>.</param>
    public static string? IdentifierOf(byte[] body)
    {
        try
        {
            var command = PlistReader.ReadDictionary(body, PlistLimits.Admin);
            var identifier = (command.GetData("Payload") ?? command.GetData("com.fleetmdm.profile")) is { } profile
                ? ProfileInspectionFile.Open(profile).Root.GetString("PayloadIdentifier")
                : command.GetString("Identifier");
            return identifier is { Length: > 0 and <= LibraryProfile.LongestIdentifier } && !identifier.Any(char.IsControl) ? identifier : null;
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            // One that was sent as it is, past all checks.
            return null;
        }
    }

    public static bool IsTemplate(ReadOnlySpan<byte> body) => body.StartsWith(TemplateStart);

    /// <summary>The profile of a template with the values of one iPad, not signed.</summary>
    /// <param name="problem">Why there is none, in words for an administrator.</param>
    public static byte[]? Expand(byte[] template, IReadOnlyDictionary<string, string?> values, out string? problem)
    {
        try
        {
            var profile = PlistReader.ReadDictionary(template, PlistLimits.Admin).GetData("com.fleetmdm.profile");
            if (profile is not null && ProfileVariables.Expand(PlistReader.ReadDictionary(profile, PlistLimits.Admin), values, out var missing) is var expanded)
            {
                problem = missing.Count == 0 ? null : missing.Count == 1
                    ? $"The profile has the variable {{{{{missing[0]}}}}}, and nothing is known of it for this iPad. It was not sent."
                    : $"The profile has variables of which nothing is known for this iPad: {string.Join(", ", missing.Select(name => $"{{{{{name}}}}}"))}. It was not sent.";
                return expanded is null ? null : PlistWriter.ToBytes(expanded);
            }
        }
        catch (PlistFormatException)
        {
            // Only a command that was sent as it is, past all checks, can hold such a thing.
        }

        problem = "The command holds no profile that can be read. It was not sent.";
        return null;
    }
}
