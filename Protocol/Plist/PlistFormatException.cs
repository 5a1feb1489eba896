namespace FleetMdm.Protocol.Plist;

/// <summary>What is wrong with a property list.</summary>
public enum PlistReason
{
    /// <summary>No bytes, or only white space.</summary>
    Empty,
    /// <summary>More bytes than the caller takes.</summary>
    TooLarge,
    /// <summary>Containers inside containers beyond the limit; a binary array that holds itself ends here too.</summary>
    TooDeep,
    /// <summary>More keys and values than the limit, counted each time a binary plist refers to them.</summary>
    TooManyObjects,
    /// <summary>A binary plist whose shared values would unfold to more bytes than the limit.</summary>
    TooMuchExpanded,
    /// <summary>Another encoding than UTF-8, by its byte order mark or its XML declaration.</summary>
    UnsupportedEncoding,
    /// <summary>Bytes that are not UTF-8, a lone surrogate, or a character that XML cannot carry.</summary>
    InvalidCharacter,
    /// <summary>Not well-formed XML: a tag, comment, declaration or end that does not fit.</summary>
    MalformedXml,
    /// <summary>The document type declares something of its own. Entities are never declared in a property list.</summary>
    DtdRefused,
    /// <summary>A reference that is neither one of XML's five entities nor a valid character number.</summary>
    UnknownEntity,
    /// <summary>The document ends too early.</summary>
    Truncated,
    /// <summary>An element or binary object that a property list does not have.</summary>
    UnknownElement,
    /// <summary>Something stands where it may not: text between elements, attributes, a second root.</summary>
    UnexpectedContent,
    /// <summary>A dictionary whose keys and values do not alternate.</summary>
    OddDictionary,
    /// <summary>The same key twice in one dictionary.</summary>
    DuplicateKey,
    /// <summary>An integer, real, date or Base64 text that is not one, or is out of range.</summary>
    InvalidValue,
    /// <summary>A binary plist whose trailer, offsets or lengths point outside of it.</summary>
    MalformedBinary,
}

/// <summary>
/// A property list that cannot be read or written. The message says what is wrong and where, and is fit to be shown to whoever
/// sent the document; it quotes element names and keys, never values.
/// </summary>
public sealed class PlistFormatException : FormatException
{
    public PlistFormatException(PlistReason reason, string message, long? offset = null, int? line = null)
        : base(Describe(message, offset, line))
    {
        Reason = reason;
        Offset = offset;
        Line = line;
    }

    public PlistReason Reason { get; }

    /// <summary>Of the byte where reading stopped, from 0; null where there is no place to point at.</summary>
    public long? Offset { get; }

    /// <summary>Of an XML document, from 1; null for a binary one.</summary>
    public int? Line { get; }

    private static string Describe(string message, long? offset, int? line) => (offset, line) switch
    {
        (null, _) => message,
        (_, null) => $"{message} (byte {offset})",
        _ => $"{message} (line {line}, byte {offset})",
    };
}
