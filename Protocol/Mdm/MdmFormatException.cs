namespace FleetMdm.Protocol.Mdm;

/// <summary>Why a property list is no message of an iPad.</summary>
public enum MdmReason
{
    /// <summary>The root is not a dictionary.</summary>
    WrongRoot,
    /// <summary>A key that this message needs is absent or empty.</summary>
    MissingKey,
    /// <summary>A key has a value of another type than Apple's schema says.</summary>
    WrongType,
    /// <summary>A key that routing depends on stands twice.</summary>
    DuplicateKey,
    /// <summary>A MessageType that Apple's check-in protocol does not have.</summary>
    UnknownMessageType,
    /// <summary>A Status that Apple's protocol does not have.</summary>
    UnknownStatus,
    /// <summary>A value is too long, or holds characters that it must not hold.</summary>
    InvalidValue,
}

/// <summary>
/// A well-formed property list that is no message of an iPad. The message names the key and what is wrong with it; it never
/// quotes a token or another secret.
/// </summary>
public sealed class MdmFormatException(MdmReason reason, string field, string message) : FormatException(message)
{
    public MdmReason Reason { get; } = reason;

    /// <summary>Apple's name of the key, as in <c>UDID</c>; empty for the root.</summary>
    public string Field { get; } = field;
}
