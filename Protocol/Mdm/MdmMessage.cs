using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Mdm;

/// <summary>A message of an iPad: a check-in message or a command report.</summary>
public abstract record MdmMessage(MdmSender Sender)
{
    /// <summary>In bytes: the most that is kept of a token in escrow. An UnlockToken has about 2 KiB.</summary>
    public const int LongestEscrowedToken = 64 * 1024;
}

/// <summary>One of the messages of the check-in protocol, told apart by their MessageType.
/// <see href="https://developer.apple.com/documentation/devicemanagement/check-in"/></summary>
public abstract record CheckInMessage(MdmSender Sender) : MdmMessage(Sender);

/// <summary>An enrolment begins. What a User Enrollment keeps to itself is null.
/// <see href="https://developer.apple.com/documentation/devicemanagement/authenticaterequest"/></summary>
public sealed record Authenticate(MdmSender Sender) : CheckInMessage(Sender)
{
    public string? Topic { get; init; }
    public string? SerialNumber { get; init; }
    public string? ProductName { get; init; }
    public string? Model { get; init; }
    public string? ModelName { get; init; }
    public string? DeviceName { get; init; }
    public string? OsVersion { get; init; }
    public string? BuildVersion { get; init; }
    public string? Imei { get; init; }
    public string? Meid { get; init; }
}

/// <summary>How to reach the sender by APNs. Comes at the end of an enrolment and whenever one of the values changes.
/// <see href="https://developer.apple.com/documentation/devicemanagement/tokenupdaterequest"/></summary>
public sealed record TokenUpdate(MdmSender Sender) : CheckInMessage(Sender)
{
    public string? Topic { get; init; }
    /// <summary>Never empty; at most <see cref="MdmMessageReader.LongestPushToken"/> bytes.</summary>
    public required byte[] Token { get; init; }
    /// <summary>Never empty.</summary>
    public required string PushMagic { get; init; }
    /// <summary>Null: the one that was sent before stays good. A secret: it opens a locked iPad.</summary>
    public byte[]? UnlockToken { get; init; }
    public bool AwaitingConfiguration { get; init; }

    /// <summary>Without the secrets, which must not end in a log.</summary>
    public override string ToString() => $"{nameof(TokenUpdate)} {Sender.EnrolmentId}";
}

/// <summary>The management profile was removed. Sent once, if at all.
/// <see href="https://developer.apple.com/documentation/devicemanagement/checkoutrequest"/></summary>
public sealed record CheckOut(MdmSender Sender) : CheckInMessage(Sender);

/// <summary>macOS only.
/// <see href="https://developer.apple.com/documentation/devicemanagement/userauthenticaterequest"/></summary>
public sealed record UserAuthenticate(MdmSender Sender) : CheckInMessage(Sender);

/// <summary>Asks for a token of another service of Apple's (iOS 17).
/// <see href="https://developer.apple.com/documentation/devicemanagement/gettokenrequest"/></summary>
public sealed record GetToken(MdmSender Sender) : CheckInMessage(Sender)
{
    /// <summary>As in <c>com.apple.maid</c>; never empty.</summary>
    public required string TokenServiceType { get; init; }
}

/// <summary>Gives the bootstrap token into escrow (iOS 26).
/// <see href="https://developer.apple.com/documentation/devicemanagement/setbootstraptokenrequest"/></summary>
public sealed record SetBootstrapToken(MdmSender Sender) : CheckInMessage(Sender)
{
    /// <summary>Null: forget the one you have. Apple sends an absent or an empty key for it. A secret.</summary>
    public byte[]? BootstrapToken { get; init; }

    /// <summary>Without the secret.</summary>
    public override string ToString() => $"{nameof(SetBootstrapToken)} {Sender.EnrolmentId}";
}

/// <summary>Asks for the bootstrap token back (iOS 26).
/// <see href="https://developer.apple.com/documentation/devicemanagement/getbootstraptokenrequest"/></summary>
public sealed record GetBootstrapToken(MdmSender Sender) : CheckInMessage(Sender);

/// <summary>A request of declarative management (iOS 15).
/// <see href="https://developer.apple.com/documentation/devicemanagement/declarativemanagementrequest"/></summary>
public sealed record DeclarativeManagement(MdmSender Sender) : CheckInMessage(Sender)
{
    /// <summary><c>tokens</c>, <c>declaration-items</c>, <c>status</c> or <c>declaration/KIND/IDENTIFIER</c>; never empty.</summary>
    public required string Endpoint { get; init; }
    /// <summary>JSON of a status report; null for the other endpoints.</summary>
    public byte[]? Data { get; init; }
}

/// <summary>Asks how to enrol again after an erase (iOS 26).
/// <see href="https://developer.apple.com/documentation/devicemanagement/returntoservicerequest"/></summary>
public sealed record ReturnToService(MdmSender Sender) : CheckInMessage(Sender);

/// <summary>What a report says of its command.</summary>
public enum CommandStatus : byte
{
    /// <summary>There is no result: the iPad asks for a command.</summary>
    Idle = 0,
    Acknowledged = 1,
    Error = 2,
    /// <summary>The iPad could not make sense of the command.</summary>
    CommandFormatError = 3,
    /// <summary>Received, cannot run now; the server offers it again.</summary>
    NotNow = 4,
}

/// <summary>The report on a command, or Idle. What the report holds beside these keys stays in the bytes that were read.
/// <see href="https://developer.apple.com/documentation/devicemanagement/commands-and-queries"/></summary>
public sealed record CommandReport(MdmSender Sender) : MdmMessage(Sender)
{
    public required CommandStatus Status { get; init; }
    /// <summary>Null for Idle only; at most <see cref="MdmMessageReader.LongestCommandUuid"/> characters.</summary>
    public string? CommandUuid { get; init; }
    /// <summary>From the outermost cause inwards; empty when the report has none.</summary>
    public IReadOnlyList<CommandError> ErrorChain { get; init; } = [];
    /// <summary>What an answer to DeviceInformation says of the iPad; null for other answers.</summary>
    public ReportedDevice? Device { get; init; }
    /// <summary>Stands for the list in the answer: the same as long as the list is. Null: there is no list in it. See <see cref="Inventory.InventoryReader"/>.</summary>
    public Guid? InventoryDigest { get; init; }
    /// <summary>What is wrong with the report, for people; null: nothing. See <see cref="DamagedReportReader"/>.</summary>
    public string? Fault { get; init; }

    /// <summary>For lists and logs: the whole chain in words, and what is wrong with the report; null when there is nothing to say.</summary>
    public string? Summary
    {
        get
        {
            var chain = ErrorChain.Count == 0 ? null : string.Join("; because: ", ErrorChain.Select(error => error.Summary).Distinct());
            var fault = Fault is null ? null : $"The answer could not be read in full: {Fault}";
            return (chain ?? fault) is null ? null : PlistText.Cut(string.Join(". ", new[] { chain, fault }.OfType<string>()), LongestSummary);
        }
    }

    private const int LongestSummary = 2000;
}

/// <summary>One item of an ErrorChain. Apple may change codes and domains with any release: show them, do not decide by them.</summary>
public sealed record CommandError(string? Domain, long? Code, string? LocalizedDescription, string? UsEnglishDescription)
{
    /// <summary>One line for lists: what is said for people, then domain and code.</summary>
    public string Summary
    {
        get
        {
            var description = UsEnglishDescription ?? LocalizedDescription ?? "no description";
            return (Domain, Code) switch
            {
                (null, null) => description,
                (_, null) => $"{description} ({Domain})",
                _ => $"{description} ({Domain ?? "no domain"} {Code})",
            };
        }
    }
}
