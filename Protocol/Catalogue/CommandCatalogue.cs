using System.Text.Json;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>
/// Builds commands from what administrators write: JSON for the request types of the catalogue, or a property list for any.
/// </summary>
public static class CommandCatalogue
{
    /// <summary>The one command that carries a secret of the iPad's.</summary>
    public const string ClearPasscode = "ClearPasscode";

    private const string UnlockTokenKey = "UnlockToken";

    private const string InstallProfile = "InstallProfile";

    private const string PayloadKey = "Payload";

    /// <summary>Letters of a RequestType. Apple's longest has 36.</summary>
    private const int LongestRequestType = 64;

    /// <summary>Request types that <see cref="FromJson"/> takes, in the order of the alphabet.</summary>
    public static IReadOnlyList<string> KnownRequestTypes { get; } =
        [.. CommandTable.Commands.Select(command => command.RequestType).Order(StringComparer.Ordinal)];

    /// <summary>A command that does harm when an iPad carries it out twice, or hours later.</summary>
    public static bool IsOnceOnly(string requestType) => CommandTable.IsOnceOnly(requestType);

    /// <summary>
    /// A command like <c>{"requestType": "DeviceLock", "message": "…"}</c>: the keys are Apple's in camel case, data is Base64.
    /// A member that is null counts as left out.
    /// </summary>
    /// <exception cref="CommandFieldException">Names the member that is unknown, missing, or of the wrong kind.</exception>
    public static BuiltCommand FromJson(JsonElement command)
    {
        if (command.ValueKind != JsonValueKind.Object)
            throw new CommandFieldException("", "A command is an object with a requestType.");
        if (!command.TryGetProperty("requestType", out var requestType) || requestType.ValueKind == JsonValueKind.Null)
            throw new CommandFieldException("/requestType", $"requestType is missing. {Known()}");
        var name = ((PlistString)new NameShape(LongestRequestType).Build(requestType, "/requestType")).Value;
        var shape = CommandTable.Find(name)
            ?? throw (CommandTable.IsKnown(name)
                ? new CommandFieldException("/requestType", $"'{name}' cannot be written as JSON yet. Send it as a property list. As JSON: {string.Join(", ", KnownRequestTypes)}.")
                : Unknown("/requestType", name));
        var dictionary = new ObjectShape(shape.Fields).Build(command, "", name);
        return new BuiltCommand(name, PlistWriter.ToFragment(dictionary), shape.Destructive);
    }

    /// <summary>
    /// Any command as a property list, XML or binary: the whole document with CommandUUID and Command, or the Command dictionary
    /// alone. It is written anew, so the fragment holds what was understood and nothing else.
    /// </summary>
    /// <remarks>A ClearPasscode must come without its UnlockToken: what is queued is stored in the open, and the server has the
    /// token in its safe.</remarks>
    /// <exception cref="PlistFormatException">It is no property list, or not within <see cref="PlistLimits.Admin"/>.</exception>
    /// <param name="document">A profile, too: it is installed.</param>
    /// <param name="raw">A RequestType that Apple does not document for iPads is taken all the same, and a profile is not looked at.</param>
    /// <exception cref="CommandFieldException">It is one, but no command.</exception>
    public static BuiltCommand FromPlist(ReadOnlyMemory<byte> document, bool raw = false)
    {
        if (PlistReader.Read(document, PlistLimits.Admin) is not PlistDictionary root)
            throw new CommandFieldException("", "A command is a dictionary with a RequestType, or one with CommandUUID and Command.");
        if (ProfileCheck.IsProfile(root))
            return FromProfile(document.ToArray());
        var isEnvelope = root.ContainsKey("Command");
        var pointer = isEnvelope ? "/Command" : "";
        var command = isEnvelope ? root.GetDictionary("Command") : root;
        if (command is null)
            throw new CommandFieldException(pointer, "Command must be a dictionary.");

        var requestType = command.GetString("RequestType");
        if (requestType is null || requestType.Length is 0 or > LongestRequestType || !requestType.All(char.IsAsciiLetterOrDigit))
            throw new CommandFieldException($"{pointer}/RequestType", $"RequestType must be a text of 1 to {LongestRequestType} letters and digits.");
        if (!raw && !CommandTable.IsKnown(requestType))
            throw Unknown($"{pointer}/RequestType", requestType, " To send it all the same, mark it: ?raw=true.");
        if (requestType == ClearPasscode && command.ContainsKey(UnlockTokenKey))
        {
            throw new CommandFieldException($"{pointer}/{UnlockTokenKey}",
                "Leave UnlockToken out: the server adds the one that the iPad gave it, when it delivers the command.");
        }

        var fragment = PlistWriter.ToFragment(command);
        if (fragment.Length > PlistLimits.AdminBytes)
            throw new CommandFieldException(pointer, $"As XML the command has {fragment.Length} bytes; at most {PlistLimits.AdminBytes} are taken.");
        if (!raw && requestType.Equals(InstallProfile, StringComparison.OrdinalIgnoreCase))
        {
            var payload = command.GetData(PayloadKey)
                ?? throw new CommandFieldException($"{pointer}/{PayloadKey}", "InstallProfile needs a Payload: the profile as data.");
            command[PayloadKey] = CommandTable.Profile.Check(payload, $"{pointer}/{PayloadKey}");
            fragment = PlistWriter.ToFragment(command);
        }

        return new BuiltCommand(requestType, fragment, CommandTable.IsDestructive(requestType))
        {
            CommandUuid = isEnvelope ? ReadUuid(root) : null,
        };
    }

    /// <summary>The command that installs a configuration profile: XML, binary or UTF-16, plain or signed, as DER, PEM or S/MIME.</summary>
    /// <exception cref="CommandFieldException">It is no profile, or none that an iPad would take.</exception>
    public static BuiltCommand FromProfile(byte[] profile)
    {
        var accepted = CommandTable.Profile.Check(profile, "/payload");
        return new BuiltCommand(
            InstallProfile, PlistWriter.ToFragment(new PlistDictionary { ["RequestType"] = InstallProfile, [PayloadKey] = accepted }),
            CommandTable.IsDestructive(InstallProfile));
    }

    /// <summary>
    /// Adds the unlock token to a ClearPasscode, at the moment of delivery: the queue, its bodies and the history hold the command
    /// without it, so the secret stays in the sealed column where TokenUpdate put it.
    /// </summary>
    /// <param name="fragment">As <see cref="BuiltCommand.Fragment"/> of a <see cref="ClearPasscode"/>.</param>
    /// <param name="unlockToken">As the iPad sent it last.</param>
    /// <returns>The fragment for <see cref="CommandEnvelope.Compose"/>. Do not store it.</returns>
    /// <exception cref="ArgumentException">The fragment is no ClearPasscode.</exception>
    public static byte[] WithUnlockToken(ReadOnlySpan<byte> fragment, ReadOnlySpan<byte> unlockToken)
    {
        if (PlistReader.Read(fragment, PlistLimits.Admin) is not PlistDictionary command || command.GetString("RequestType") != ClearPasscode)
            throw new ArgumentException("Only a ClearPasscode takes an unlock token.", nameof(fragment));
        command[UnlockTokenKey] = unlockToken.ToArray();
        return PlistWriter.ToFragment(command);
    }

    private static string? ReadUuid(PlistDictionary envelope)
    {
        if (!envelope.TryGetValue("CommandUUID", out var node))
            return null;
        return node is PlistString text && Guid.TryParseExact(text.Value, "D", out var uuid)
            ? uuid.ToString("D").ToUpperInvariant()
            : throw new CommandFieldException("/CommandUUID", "CommandUUID must be a UUID like 7D3C1B0A-52E5-4B8E-9C61-0F2A4D5E6B7C.");
    }

    private static CommandFieldException Unknown(string pointer, string requestType, string further = "")
    {
        var name = PlistText.Excerpt(requestType);
        var meant = CommandTable.Nearest(requestType) is { } nearest ? $" Did you mean {nearest}?" : "";
        return new CommandFieldException(pointer, $"'{name}' is no command that Apple documents for iPads.{meant} {Known()}{further}")
        {
            Fault = CommandFault.UnknownRequestType,
        };
    }

    private static string Known() => $"Known are {string.Join(", ", KnownRequestTypes)}; any other command can be sent as a property list.";
}
