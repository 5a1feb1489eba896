using System.Text.Json;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>
/// Builds commands from what administrators write: JSON or a property list.
/// </summary>
public static class CommandCatalogue
{
    /// <summary>The one command that carries a secret of the iPad's.</summary>
    public const string ClearPasscode = "ClearPasscode";

    private const string RequestTypeKey = "RequestType";

    private const string RequestTypeMember = "requestType";

    private const string UnlockTokenKey = "UnlockToken";

    private const string InstallProfile = "InstallProfile";

    private const string PayloadKey = "Payload";

    /// <summary>Letters of a RequestType. Apple's longest has 36.</summary>
    private const int LongestRequestType = 64;

    /// <summary>All commands of iPadOS, in the order of the alphabet.</summary>
    public static IReadOnlyList<string> KnownRequestTypes => Known.Value;

    private static readonly Lazy<IReadOnlyList<string>> Known = new(() => [.. AppleCatalogue.Instance.Commands.Keys.Order(StringComparer.Ordinal)]);

    /// <summary>A command that does harm when an iPad carries it out twice, or hours later.</summary>
    public static bool IsOnceOnly(string requestType) => CommandBehaviours.IsOnceOnly(requestType);

    /// <summary>A command that takes away what the server alone cannot bring back.</summary>
    public static bool IsDestructive(string requestType) => CommandBehaviours.IsDestructive(requestType);

    /// <summary>Whether a required key may be left out, since something is filled in for it.</summary>
    public static bool HasStandard(string requestType, CatalogueKey key) => CommandBehaviours.Standard(requestType, key.Path) is not null;

    /// <summary>The keys of a command that an administrator writes: without those that the server adds by itself.</summary>
    public static KeySet KeysOf(CatalogueType command) => CommandBehaviours.Written(command);

    /// <summary>
    /// A command like <c>{"requestType": "DeviceLock", "message": "…"}</c>: the keys are Apple's in camel case, data is Base64.
    /// A member that is null counts as left out. A member that the catalogue does not know is sent as it is written, and named in
    /// <see cref="BuiltCommand.Warnings"/>.
    /// </summary>
    /// <exception cref="CommandFieldException">Names the member that is missing, or whose value is wrong.</exception>
    public static BuiltCommand FromJson(JsonElement command)
    {
        if (command.ValueKind != JsonValueKind.Object)
            throw new CommandFieldException("", "A command is an object with a requestType.");
        if (!command.TryGetProperty(RequestTypeMember, out var requestType) || requestType.ValueKind == JsonValueKind.Null)
            throw new CommandFieldException("/requestType", $"requestType is missing. {KnownOnes()}");
        var name = JsonCommand.TextOf(requestType, "/requestType", "a name");
        if (!AppleCatalogue.Instance.Commands.TryGetValue(name, out var type))
            throw Unknown("/requestType", name);
        var keys = CommandBehaviours.Written(type);
        var dictionary = new JsonCommand().Read(command, keys, RequestTypeMember, RequestTypeKey, name);
        foreach (var key in keys.Where(key => !dictionary.ContainsKey(key.Name)))
        {
            if (CommandBehaviours.Standard(name, key.Name) is { } standard)
                dictionary[key.Name] = standard;
        }

        return Build(dictionary, type, keys, KeyNames.Json, "");
    }

    /// <summary>
    /// Any command as a property list, XML or binary: the whole document with CommandUUID and Command, or the Command dictionary
    /// alone. It is written anew, so the fragment holds what was understood and nothing else.
    /// </summary>
    /// <remarks>A ClearPasscode must come without its UnlockToken: what is queued is stored in the open, and the server has the
    /// token in its safe.</remarks>
    /// <exception cref="PlistFormatException">It is no property list, or not within <see cref="PlistLimits.Admin"/>.</exception>
    /// <param name="document">A profile, too: it is installed.</param>
    /// <param name="raw">Nothing is compared with the catalogue: a RequestType that Apple does not document for iPads is taken, keys and values
    /// as they are, and a profile is not looked at.</param>
    /// <exception cref="CommandFieldException">It is one, but no command.</exception>
    public static BuiltCommand FromPlist(ReadOnlyMemory<byte> document, bool raw = false)
    {
        if (PlistReader.Read(document, PlistLimits.Admin) is not PlistDictionary root)
            throw new CommandFieldException("", "A command is a dictionary with a RequestType, or one with CommandUUID and Command.");
        if (ProfileInspection.IsProfile(root))
            return FromProfile(document.ToArray());
        var isEnvelope = root.ContainsKey("Command");
        var pointer = isEnvelope ? "/Command" : "";
        var command = isEnvelope ? root.GetDictionary("Command") : root;
        if (command is null)
            throw new CommandFieldException(pointer, "Command must be a dictionary.");

        var requestType = command.GetString(RequestTypeKey);
        if (requestType is null || requestType.Length is 0 or > LongestRequestType || !requestType.All(char.IsAsciiLetterOrDigit))
            throw new CommandFieldException($"{pointer}/RequestType", $"RequestType must be a text of 1 to {LongestRequestType} letters and digits.");
        var uuid = isEnvelope ? ReadUuid(root) : null;
        if (raw)
        {
            CommandBehaviours.RefuseAdded(command, requestType, pointer);
            ProfileSecrets.RefuseMarks(command, pointer);
            return new BuiltCommand(requestType, Fragment(command, pointer), CommandBehaviours.IsDestructive(requestType)) { CommandUuid = uuid };
        }

        if (!AppleCatalogue.Instance.Commands.TryGetValue(requestType, out var type))
            throw Unknown($"{pointer}/RequestType", requestType, " To send it all the same, mark it: ?raw=true.");
        return Build(command, type, CommandBehaviours.Written(type), KeyNames.Apple, pointer) with { CommandUuid = uuid };
    }

    /// <summary>The command that installs a configuration profile: XML, binary or UTF-16, plain or signed, as DER, PEM or S/MIME.</summary>
    /// <exception cref="CommandFieldException">It is no profile, or none that an iPad would take.</exception>
    public static BuiltCommand FromProfile(byte[] profile)
    {
        var warnings = new List<Finding>();
        var (accepted, needs) = CommandBehaviours.AcceptProfile(profile, mayEnrol: false, "/payload", warnings);
        return new BuiltCommand(
            InstallProfile, PlistWriter.ToFragment(new PlistDictionary { [RequestTypeKey] = InstallProfile, [PayloadKey] = accepted }),
            CommandBehaviours.IsDestructive(InstallProfile))
        {
            Warnings = warnings,
            Requirements = [.. CommandFitness.Of(AppleCatalogue.Instance.Commands[InstallProfile]), .. needs.Payloads],
            Ignored = needs.Keys,
        };
    }

    /// <summary>Compares a command with the catalogue and writes it.</summary>
    private static BuiltCommand Build(PlistDictionary command, CatalogueType type, KeySet keys, KeyNames names, string pointer)
    {
        CommandBehaviours.RefuseAdded(command, type.Name, pointer);
        ProfileSecrets.RefuseMarks(command, pointer);
        var check = new CatalogueCheck(names, new CommandLimits(type.Name));
        check.Keys(command, keys, pointer, type.Name, RequestTypeKey);
        var found = check.Found;
        if (found.Problems is [var first, ..])
            throw new CommandFieldException(first.Field, first.Message);
        var (noticed, needs) = CommandBehaviours.Finish(command, type, names, pointer);
        return new BuiltCommand(type.Name, Fragment(command, pointer), CommandBehaviours.IsDestructive(type.Name))
        {
            Warnings = [.. found.Warnings, .. noticed],
            Requirements = [.. CommandFitness.Of(command, type, names, pointer), .. needs.Payloads],
            Ignored = needs.Keys,
        };
    }

    private static byte[] Fragment(PlistDictionary command, string pointer)
    {
        var fragment = PlistWriter.ToFragment(command);
        return fragment.Length <= PlistLimits.AdminBytes
            ? fragment
            : throw new CommandFieldException(pointer, $"As XML the command has {fragment.Length} bytes; at most {PlistLimits.AdminBytes} are taken.");
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
        var elsewhere = AppleCatalogue.Instance.CommandsElsewhere.TryGetValue(requestType, out var platforms) ? $" Apple documents it for {platforms}." : "";
        var meant = Spelling.Nearest(requestType, KnownRequestTypes) is { } nearest ? $" Did you mean {nearest}?" : "";
        return new CommandFieldException(pointer, $"'{name}' is no command that Apple documents for iPads.{elsewhere}{meant} {KnownOnes()}{further}")
        {
            Fault = CommandFault.UnknownRequestType,
        };
    }

    private static string KnownOnes() => $"Known are {string.Join(", ", KnownRequestTypes)}.";
}
