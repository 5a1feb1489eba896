using System.Text;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Inventory;

/// <summary>Reads what an iPad answered, and loses nothing but what makes no sense: a value that is none, a key that stands twice.</summary>
internal static class TolerantPlist
{
    /// <summary>The keys of the root that are wanted; null: it is no property list of which anything can be read.</summary>
    public static PlistDictionary? Read(ReadOnlyMemory<byte> document, PlistLimits limits, Func<string, bool> wanted)
    {
        try
        {
            return ReadOnce(document.Span, limits, wanted);
        }
        catch (PlistFormatException) when (!PlistReader.IsBinary(document.Span))
        {
            // Names of apps hold anything.
            return ReadClean(document, limits, wanted);
        }
        catch (PlistFormatException)
        {
            return null;
        }
    }

    private static PlistDictionary? ReadClean(ReadOnlyMemory<byte> document, PlistLimits limits, Func<string, bool> wanted)
    {
        try
        {
            return ReadOnce(DamagedReportReader.Clean(document.Span), limits, wanted);
        }
        catch (PlistFormatException)
        {
            return null;
        }
    }

    private static PlistDictionary? ReadOnce(ReadOnlySpan<byte> document, PlistLimits limits, Func<string, bool> wanted)
    {
        PlistReader.CheckSize(document, limits);
        if (PlistReader.IsBinary(document))
            return PlistReader.Read(document, limits) as PlistDictionary;
        var scanner = new PlistXmlScanner(document, limits);
        if (scanner.Next() != PlistToken.DictionaryStart)
            return null;
        var root = new PlistDictionary();
        while (scanner.Next() != PlistToken.DictionaryEnd)
        {
            var key = Encoding.UTF8.GetString(scanner.Text);
            var token = scanner.Next();
            if (!wanted(key))
                scanner.Skip(token);
            else if (Value(ref scanner, token) is { } value)
                root.TryAdd(key, value);
        }

        return root;
    }

    // The recursion is bounded: the scanner opens no more containers than PlistLimits.MaxDepth.

    private static PlistNode? Value(ref PlistXmlScanner scanner, PlistToken token)
    {
        switch (token)
        {
            case PlistToken.DictionaryStart:
                var dictionary = new PlistDictionary();
                while (scanner.Next() != PlistToken.DictionaryEnd)
                {
                    var key = scanner.TextAsString;
                    if (Value(ref scanner, scanner.Next()) is { } value)
                        dictionary.TryAdd(key, value);
                }

                return dictionary;
            case PlistToken.ArrayStart:
                var array = new PlistArray();
                while (scanner.Next() is not PlistToken.ArrayEnd and var item)
                {
                    if (Value(ref scanner, item) is { } value)
                        array.Add(value);
                }

                return array;
            case PlistToken.True:
                return PlistBoolean.True;
            case PlistToken.False:
                return PlistBoolean.False;
            case PlistToken.String:
                return new PlistString(scanner.TextAsString);
            case PlistToken.Integer:
                return PlistScalars.ParseInteger(scanner.Text) is { } integer ? new PlistInteger(integer) : null;
            case PlistToken.Real:
                return PlistScalars.ParseReal(scanner.Text) is { } real ? new PlistReal(real) : null;
            case PlistToken.Date:
                return PlistScalars.ParseDate(scanner.Text) is { } date ? new PlistDate(date) : null;
            case PlistToken.Data:
                return PlistScalars.ParseData(scanner.Text) is { } data ? new PlistData(data) : null;
            default:
                return null;
        }
    }
}
