namespace FleetMdm.Protocol.Plist;

/// <summary>
/// Reads property lists that strangers send: XML and binary (<c>bplist00</c>), told apart by their first bytes. Throws
/// <see cref="PlistFormatException"/> and nothing else, whatever the bytes are.
/// </summary>
/// <remarks>
/// A key that stands twice in one dictionary is refused: readers differ in which of the two they keep, and what one part of a
/// system checked another would not see. A fragment without the <c>plist</c> element is taken like a whole document.
/// </remarks>
public static class PlistReader
{
    /// <exception cref="PlistFormatException"/>
    public static PlistNode Read(ReadOnlyMemory<byte> bytes, PlistLimits limits) => Read(bytes.Span, limits);

    /// <exception cref="PlistFormatException"/>
    public static PlistNode Read(ReadOnlySpan<byte> bytes, PlistLimits limits)
    {
        CheckSize(bytes, limits);
        return IsBinary(bytes) ? BinaryPlistReader.Read(bytes, limits) : ReadXml(bytes, limits);
    }

    /// <summary>As <see cref="Read(ReadOnlyMemory{byte}, PlistLimits)"/>, for a document whose root is a dictionary.</summary>
    /// <exception cref="PlistFormatException">Also for another root.</exception>
    public static PlistDictionary ReadDictionary(ReadOnlyMemory<byte> bytes, PlistLimits limits)
    {
        var root = Read(bytes, limits);
        return root as PlistDictionary
            ?? throw new PlistFormatException(PlistReason.UnexpectedContent, $"The root is <{root.ElementName}>; a <dict> is expected.");
    }

    internal static bool IsBinary(ReadOnlySpan<byte> bytes) => bytes.StartsWith("bplist"u8);

    internal static void CheckSize(ReadOnlySpan<byte> bytes, PlistLimits limits)
    {
        if (bytes.IsEmpty)
            throw new PlistFormatException(PlistReason.Empty, "The document is empty.");
        if (bytes.Length > limits.MaxBytes)
        {
            throw new PlistFormatException(PlistReason.TooLarge,
                $"The document has {bytes.Length} bytes; at most {limits.MaxBytes} are taken.");
        }
    }

    /// <summary>The value that <paramref name="token"/> began.</summary>
    internal static PlistNode ReadValue(ref PlistXmlScanner scanner, PlistToken token)
    {
        switch (token)
        {
            case PlistToken.DictionaryStart:
                return ReadDictionary(ref scanner);
            case PlistToken.ArrayStart:
                return ReadArray(ref scanner);
            case PlistToken.True:
                return PlistBoolean.True;
            case PlistToken.False:
                return PlistBoolean.False;
            case PlistToken.String:
                return new PlistString(scanner.TextAsString);
            case PlistToken.Integer when PlistScalars.ParseInteger(scanner.Text) is { } integer:
                return new PlistInteger(integer);
            case PlistToken.Real when PlistScalars.ParseReal(scanner.Text) is { } real:
                return new PlistReal(real);
            case PlistToken.Date when PlistScalars.ParseDate(scanner.Text) is { } date:
                return new PlistDate(date);
            case PlistToken.Data when PlistScalars.ParseData(scanner.Text) is { } data:
                return new PlistData(data);
            default:
                scanner.FailToken(PlistReason.InvalidValue, token switch
                {
                    PlistToken.Integer => "<integer> does not hold an integer from -2^63 to 2^64-1.",
                    PlistToken.Real => "<real> does not hold a number.",
                    PlistToken.Date => "<date> does not hold a moment like 2026-01-31T08:00:00Z.",
                    _ => "<data> does not hold Base64.",
                });
                return null;
        }
    }

    private static PlistNode ReadXml(ReadOnlySpan<byte> bytes, PlistLimits limits)
    {
        var scanner = new PlistXmlScanner(bytes, limits);
        var root = ReadValue(ref scanner, scanner.Next());
        scanner.Next();
        return root;
    }

    // The recursion of these two is bounded: the scanner opens no more containers than PlistLimits.MaxDepth.

    private static PlistDictionary ReadDictionary(ref PlistXmlScanner scanner)
    {
        var dictionary = new PlistDictionary();
        while (scanner.Next() != PlistToken.DictionaryEnd)
        {
            var key = scanner.TextAsString;
            if (dictionary.ContainsKey(key))
                scanner.FailToken(PlistReason.DuplicateKey, $"The key '{PlistText.Excerpt(key)}' stands twice in one dictionary.");
            dictionary.Add(key, ReadValue(ref scanner, scanner.Next()));
        }

        return dictionary;
    }

    private static PlistArray ReadArray(ref PlistXmlScanner scanner)
    {
        var array = new PlistArray();
        while (scanner.Next() is not PlistToken.ArrayEnd and var token)
            array.Add(ReadValue(ref scanner, token));
        return array;
    }
}
