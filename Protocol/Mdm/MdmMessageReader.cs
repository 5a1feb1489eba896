using System.Runtime.CompilerServices;
using System.Text;
using FleetMdm.Protocol.Inventory;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Mdm;

/// <summary>
/// Reads what an iPad sends, to either URL: a dictionary with a MessageType is a check-in message, one without it is a command
/// report and has a Status. See Apple's
/// <see href="https://developer.apple.com/documentation/devicemanagement/implementing-device-management">protocol</see>.
/// </summary>
/// <remarks>
/// <para>This is the first thing that happens to every request, so it makes no tree: one pass over the bytes picks the
/// top-level keys that are of use, and the rest, which may be a megabyte of inventory, is checked to be well formed and
/// passed over. What the passed-over numbers, dates and data say is judged by whoever reads the report.</para>
/// <para>Throws <see cref="PlistFormatException"/> for what is no property list, <see cref="MdmFormatException"/> for what is one
/// and no message, and nothing else. An ErrorChain is for people, so it is never the reason to refuse a report: an iPad sends
/// a refused report again for ever.</para>
/// </remarks>
public static class MdmMessageReader
{
    /// <summary>Characters. The server makes UUIDs of 36; other servers' commands may be answered after a migration.</summary>
    public const int LongestCommandUuid = 128;

    /// <summary>Bytes. APNs device tokens have 32 today, and Apple asks not to count on it.</summary>
    public const int LongestPushToken = 256;

    /// <summary>Characters, of names and versions that are kept.</summary>
    private const int LongestText = 1024;

    /// <summary>Items. Real chains have one to four.</summary>
    private const int LongestErrorChain = 16;

    /// <exception cref="PlistFormatException"/>
    /// <exception cref="MdmFormatException"/>
    public static MdmMessage Read(ReadOnlyMemory<byte> body, PlistLimits limits)
    {
        var bytes = body.Span;
        PlistReader.CheckSize(bytes, limits);
        var fields = default(Fields);
        if (PlistReader.IsBinary(bytes))
            ReadBinary(bytes, limits, ref fields);
        else
            ReadXml(bytes, limits, ref fields);
        var sender = MdmSender.From(fields[MdmKey.Udid], fields[MdmKey.EnrollmentId],
            fields[MdmKey.UserId], fields[MdmKey.UserShortName], fields[MdmKey.UserLongName]);
        return fields[MdmKey.MessageType] is { } messageType
            ? CheckIn(messageType, sender, ref fields)
            : Report(sender, ref fields);
    }

    // ---- what kind of message it is ----

    private static CheckInMessage CheckIn(string messageType, MdmSender sender, ref Fields fields) => messageType switch
    {
        "Authenticate" => new Authenticate(sender)
        {
            Topic = fields[MdmKey.Topic],
            SerialNumber = fields[MdmKey.SerialNumber],
            ProductName = fields[MdmKey.ProductName],
            Model = fields[MdmKey.Model],
            ModelName = fields[MdmKey.ModelName],
            DeviceName = fields[MdmKey.DeviceName],
            OsVersion = fields[MdmKey.OsVersion],
            BuildVersion = fields[MdmKey.BuildVersion],
            Imei = fields[MdmKey.Imei],
            Meid = fields[MdmKey.Meid],
        },
        "TokenUpdate" => new TokenUpdate(sender)
        {
            Topic = fields[MdmKey.Topic],
            Token = PushToken(ref fields),
            PushMagic = fields.Require(MdmKey.PushMagic, messageType),
            UnlockToken = NullWhenEmpty(fields.Blob(MdmKey.UnlockToken)),
            AwaitingConfiguration = fields.AwaitingConfiguration,
        },
        "CheckOut" => new CheckOut(sender),
        "UserAuthenticate" => new UserAuthenticate(sender),
        "GetToken" => new GetToken(sender) { TokenServiceType = fields.Require(MdmKey.TokenServiceType, messageType) },
        "SetBootstrapToken" => new SetBootstrapToken(sender) { BootstrapToken = Escrowed(fields.Blob(MdmKey.BootstrapToken)) },
        "GetBootstrapToken" => new GetBootstrapToken(sender),
        "DeclarativeManagement" => new DeclarativeManagement(sender)
        {
            Endpoint = fields.Require(MdmKey.Endpoint, messageType),
            Data = fields.Blob(MdmKey.Data),
        },
        "ReturnToService" => new ReturnToService(sender),
        _ => throw new MdmFormatException(MdmReason.UnknownMessageType, "MessageType",
            $"'{PlistText.Excerpt(messageType)}' is no MessageType of the check-in protocol."),
    };

    private static byte[]? Escrowed(byte[]? token) => token?.Length > MdmMessage.LongestEscrowedToken
        ? throw new MdmFormatException(MdmReason.InvalidValue, "BootstrapToken",
            $"BootstrapToken has {token.Length} bytes; at most {MdmMessage.LongestEscrowedToken} are kept.")
        : NullWhenEmpty(token);

    private static CommandReport Report(MdmSender sender, ref Fields fields)
    {
        var status = fields[MdmKey.Status] switch
        {
            "Idle" => CommandStatus.Idle,
            "Acknowledged" => CommandStatus.Acknowledged,
            "Error" => CommandStatus.Error,
            "CommandFormatError" => CommandStatus.CommandFormatError,
            "NotNow" => CommandStatus.NotNow,
            null => throw new MdmFormatException(MdmReason.MissingKey, "Status",
                "The message has neither MessageType nor Status: it is no check-in message and no command report."),
            var other => throw new MdmFormatException(MdmReason.UnknownStatus, "Status",
                $"'{PlistText.Excerpt(other)}' is no Status; known are Idle, Acknowledged, Error, CommandFormatError and NotNow."),
        };
        if (status == CommandStatus.Idle)
            return new CommandReport(sender) { Status = status };
        var commandUuid = fields[MdmKey.CommandUuid]
            ?? throw new MdmFormatException(MdmReason.MissingKey, "CommandUUID", $"The report says {status} and has no CommandUUID.");
        if (commandUuid.Length > LongestCommandUuid)
            throw new MdmFormatException(MdmReason.InvalidValue, "CommandUUID", $"CommandUUID is longer than {LongestCommandUuid} characters.");
        return new CommandReport(sender)
        {
            Status = status,
            CommandUuid = commandUuid,
            ErrorChain = fields.ErrorChain ?? [],
            Device = fields.Device,
            InventoryDigest = fields.Inventory.Value,
        };
    }

    private static byte[] PushToken(ref Fields fields)
    {
        var token = NullWhenEmpty(fields.Blob(MdmKey.Token))
            ?? throw new MdmFormatException(MdmReason.MissingKey, "Token", "TokenUpdate has no Token, or an empty one.");
        if (token.Length > LongestPushToken)
            throw new MdmFormatException(MdmReason.InvalidValue, "Token", $"Token is longer than {LongestPushToken} bytes.");
        return token;
    }

    private static byte[]? NullWhenEmpty(byte[]? bytes) => bytes is { Length: > 0 } ? bytes : null;

    // ---- from XML, without a tree ----

    private static void ReadXml(ReadOnlySpan<byte> bytes, PlistLimits limits, ref Fields fields)
    {
        var scanner = new PlistXmlScanner(bytes, limits);
        var root = scanner.Next();
        if (root != PlistToken.DictionaryStart)
        {
            // What is broken is called broken; only a sound document is called no message.
            scanner.Skip(root);
            scanner.Next();
            throw WrongRoot();
        }

        while (scanner.Next() != PlistToken.DictionaryEnd)
        {
            var key = MdmKeys.Identify(scanner.Text);
            var list = key == MdmKey.Other ? InventoryDigest.RootOf(scanner.Text) : (byte)0;
            var token = scanner.Next();
            if (list != 0)
                fields.Inventory.Add(ref scanner, token, list);
            else if (key == MdmKey.Other)
                scanner.Skip(token);
            else
                ReadField(ref scanner, key, token, ref fields);
        }

        scanner.Next();
    }

    private static void ReadField(ref PlistXmlScanner scanner, MdmKey key, PlistToken token, ref Fields fields)
    {
        fields.Begin(key);
        if (key == MdmKey.ErrorChain)
            fields.ErrorChain = ReadErrorChain(ref scanner, token);
        else if (key == MdmKey.QueryResponses)
            fields.Device = ReadDevice(ref scanner, token);
        else if (MdmKeys.IsText(key) && token == PlistToken.String)
            fields.Set(key, KnownWord(key, scanner.Text) ?? scanner.TextAsString);
        else if (MdmKeys.IsBlob(key) && token == PlistToken.Data)
            fields.Set(key, ((PlistData)PlistReader.ReadValue(ref scanner, token)).Value);
        else if (key == MdmKey.AwaitingConfiguration && token is PlistToken.True or PlistToken.False)
            fields.AwaitingConfiguration = token == PlistToken.True;
        else
            throw WrongType(key);
    }

    /// <summary>Spares the commonest of all messages a string.</summary>
    private static string? KnownWord(MdmKey key, ReadOnlySpan<byte> text) => key != MdmKey.Status ? null
        : text.SequenceEqual("Idle"u8) ? "Idle"
        : text.SequenceEqual("Acknowledged"u8) ? "Acknowledged"
        : text.SequenceEqual("NotNow"u8) ? "NotNow"
        : null;

    private static List<CommandError> ReadErrorChain(ref PlistXmlScanner scanner, PlistToken token)
    {
        var chain = new List<CommandError>();
        if (token != PlistToken.ArrayStart)
        {
            scanner.Skip(token);
            return chain;
        }

        while (scanner.Next() is not PlistToken.ArrayEnd and var item)
        {
            if (item == PlistToken.DictionaryStart && chain.Count < LongestErrorChain)
                chain.Add(ReadError(ref scanner));
            else
                scanner.Skip(item);
        }

        return chain;
    }

    /// <summary>As with an ErrorChain, what makes no sense is passed over.</summary>
    private static ReportedDevice? ReadDevice(ref PlistXmlScanner scanner, PlistToken token)
    {
        if (token != PlistToken.DictionaryStart)
        {
            scanner.Skip(token);
            return null;
        }

        var device = new ReportedDevice();
        while (scanner.Next() != PlistToken.DictionaryEnd)
        {
            var query = ReportedDevice.Known(scanner.Text);
            var value = scanner.Next();
            if (query is null)
                scanner.Skip(value);
            else if (value == PlistToken.String)
                device.Set(query, scanner.TextAsString);
            else if (value is PlistToken.True or PlistToken.False)
                device.Set(query, value == PlistToken.True);
            else if (value == PlistToken.Real && PlistScalars.ParseReal(scanner.Text) is { } real)
                device.Set(query, real);
            else if (value == PlistToken.Integer && PlistScalars.ParseInteger(scanner.Text) is { } integer)
                device.Set(query, (double)integer);
            else
                scanner.Skip(value);
        }

        return device;
    }

    private static CommandError ReadError(ref PlistXmlScanner scanner)
    {
        var error = default(ErrorFields);
        while (scanner.Next() != PlistToken.DictionaryEnd)
        {
            var key = Encoding.UTF8.GetString(scanner.Text[..Math.Min(scanner.Text.Length, ErrorFields.LongestKey)]);
            var token = scanner.Next();
            if (token == PlistToken.String)
                error.Set(key, scanner.TextAsString);
            else if (token == PlistToken.Integer)
                error.Set(key, PlistScalars.ParseInteger(scanner.Text));
            else
                scanner.Skip(token);
        }

        return error.ToError();
    }

    // ---- from a binary property list, which no iPad is known to send ----

    private static void ReadBinary(ReadOnlySpan<byte> bytes, PlistLimits limits, ref Fields fields)
    {
        if (PlistReader.Read(bytes, limits) is not PlistDictionary root)
            throw WrongRoot();
        foreach (var (name, value) in root)
        {
            var bytesOfName = Encoding.UTF8.GetBytes(name);
            var key = MdmKeys.Identify(bytesOfName);
            if (key == MdmKey.Other)
            {
                if (InventoryDigest.RootOf(bytesOfName) is not 0 and var list)
                    fields.Inventory.Add(value, list);
                continue;
            }

            fields.Begin(key);
            if (key == MdmKey.ErrorChain)
                fields.ErrorChain = [.. (value as PlistArray ?? []).OfType<PlistDictionary>().Take(LongestErrorChain).Select(ErrorFrom)];
            else if (key == MdmKey.QueryResponses)
                fields.Device = DeviceFrom(value);
            else if (MdmKeys.IsText(key) && value is PlistString text)
                fields.Set(key, text.Value);
            else if (MdmKeys.IsBlob(key) && value is PlistData data)
                fields.Set(key, data.Value);
            else if (key == MdmKey.AwaitingConfiguration && value is PlistBoolean flag)
                fields.AwaitingConfiguration = flag.Value;
            else
                throw WrongType(key);
        }
    }

    private static ReportedDevice? DeviceFrom(PlistNode responses)
    {
        if (responses is not PlistDictionary dictionary)
            return null;
        var device = new ReportedDevice();
        foreach (var (query, value) in dictionary)
        {
            if (value is PlistString text)
                device.Set(query, text.Value);
            else if (value is PlistBoolean flag)
                device.Set(query, flag.Value);
            else if (value is PlistReal real)
                device.Set(query, real.Value);
            else if (value is PlistInteger integer)
                device.Set(query, (double)integer.Value);
        }

        return device;
    }

    private static CommandError ErrorFrom(PlistDictionary item)
    {
        var error = default(ErrorFields);
        foreach (var (key, value) in item)
        {
            if (value is PlistString text)
                error.Set(key, text.Value);
            else if (value is PlistInteger integer)
                error.Set(key, integer.Value);
        }

        return error.ToError();
    }

    private static MdmFormatException WrongRoot() => new(MdmReason.WrongRoot, "", "The message is no dictionary.");

    private static MdmFormatException WrongType(MdmKey key)
    {
        var expected = MdmKeys.IsText(key) ? "a string" : MdmKeys.IsBlob(key) ? "data" : "true or false";
        return new MdmFormatException(MdmReason.WrongType, MdmKeys.Name(key), $"{MdmKeys.Name(key)} must be {expected}.");
    }

    /// <summary>The keys of one message, on the stack.</summary>
    private ref struct Fields
    {
        private TextTable _texts;
        private BlobTable _blobs;
        private uint _seen;

        /// <summary>A field, not a property: it is changed where it stands.</summary>
        public InventoryDigest Inventory;

        public List<CommandError>? ErrorChain { get; set; }

        public ReportedDevice? Device { get; set; }

        public bool AwaitingConfiguration { get; set; }

        /// <summary>Null when absent or empty.</summary>
        public readonly string? this[MdmKey key] => _texts[(int)key];

        public readonly byte[]? Blob(MdmKey key) => _blobs[(int)key - MdmKeys.Texts];

        /// <summary>Refuses a second value: which of the two counts must not depend on the reader.</summary>
        public void Begin(MdmKey key)
        {
            var bit = 1u << (int)key;
            if ((_seen & bit) != 0)
                throw new MdmFormatException(MdmReason.DuplicateKey, MdmKeys.Name(key), $"{MdmKeys.Name(key)} stands twice.");
            _seen |= bit;
        }

        public void Set(MdmKey key, string text)
        {
            if (text.Length > LongestText)
            {
                throw new MdmFormatException(MdmReason.InvalidValue, MdmKeys.Name(key),
                    $"{MdmKeys.Name(key)} is longer than {LongestText} characters.");
            }

            _texts[(int)key] = text.Length == 0 ? null : text;
        }

        public void Set(MdmKey key, byte[] blob) => _blobs[(int)key - MdmKeys.Texts] = blob;

        public readonly string Require(MdmKey key, string messageType) =>
            this[key] ?? throw new MdmFormatException(MdmReason.MissingKey, MdmKeys.Name(key), $"{messageType} has no {MdmKeys.Name(key)}, or an empty one.");
    }

    [InlineArray(MdmKeys.Texts)]
    private struct TextTable
    {
        private string? _first;
    }

    [InlineArray(MdmKeys.Blobs)]
    private struct BlobTable
    {
        private byte[]? _first;
    }

    private struct ErrorFields
    {
        public const int LongestKey = 32;

        private string? _domain;
        private long? _code;
        private string? _localized;
        private string? _english;

        public void Set(string key, string text)
        {
            var shown = PlistText.Cut(text, LongestText);
            if (key == "ErrorDomain")
                _domain = shown;
            else if (key == "LocalizedDescription")
                _localized = shown;
            else if (key == "USEnglishDescription")
                _english = shown;
        }

        public void Set(string key, Int128? integer)
        {
            if (key == "ErrorCode" && integer is { } code && code <= long.MaxValue)
                _code = (long)code;
        }

        public readonly CommandError ToError() => new(_domain, _code, _localized, _english);
    }
}
