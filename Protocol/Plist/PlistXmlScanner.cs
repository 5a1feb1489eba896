using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;

namespace FleetMdm.Protocol.Plist;

internal enum PlistToken : byte
{
    /// <summary>The document is complete and nothing follows it.</summary>
    End,
    DictionaryStart,
    DictionaryEnd,
    ArrayStart,
    ArrayEnd,
    Key,
    String,
    Integer,
    Real,
    True,
    False,
    Date,
    Data,
}

/// <summary>
/// Reads an XML property list forward, one token at a time, over the bytes as they came. It knows only the XML that property
/// lists consist of, and refuses the rest: no document type declares anything, no element but <c>plist</c> has attributes,
/// nothing is ever resolved. For the messages of iPads that takes a quarter to a half of XmlReader's time and a twentieth of its
/// memory (PlistBenchmarks); XmlReader is what the tests compare it with.
/// </summary>
/// <remarks>
/// The tokens that come out are well formed: containers nest and close, keys and values alternate, there is one root. What a
/// number, date or data element says is for the caller to judge. Everything is one pass over the bytes, without recursion;
/// memory is taken only for texts that are asked for. The <c>plist</c> element may be missing, as in the fragments that
/// commands are stored as.
/// </remarks>
internal ref struct PlistXmlScanner
{
    /// <summary>Control characters that no XML document contains, not even as a reference.</summary>
    private static readonly SearchValues<byte> Forbidden = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]);

    /// <summary>Where a text may stop being plain: markup, a reference, a line end to normalise, a misplaced <c>]]&gt;</c>.</summary>
    private static readonly SearchValues<byte> TextStops = SearchValues.Create("<&\r]"u8);

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly int _maxDepth;
    private readonly int _maxObjects;

    private int _position;
    private int _objects;
    private int _depth;
    private ulong _dictionaries;
    private Expected _expected;
    private bool _insidePlist;
    private bool _containerIsEmpty;
    private int _tokenStart;
    private int _textStart;
    private int _textEnd;
    private bool _textIsPlain;

    public PlistXmlScanner(ReadOnlySpan<byte> bytes, PlistLimits limits)
    {
        _bytes = bytes;
        _maxDepth = limits.MaxDepth;
        _maxObjects = limits.MaxObjects;
        _expected = Expected.Root;
        CheckCharacters();
        ReadProlog();
    }

    private enum Expected : byte
    {
        Root,
        Key,
        Value,
        Item,
        Nothing,
    }

    /// <summary>The next token. After <see cref="PlistToken.End"/> it must not be called again.</summary>
    public PlistToken Next()
    {
        if (_containerIsEmpty)
        {
            _containerIsEmpty = false;
            return CloseContainer();
        }

        while (true)
        {
            SkipMisc();
            _tokenStart = _position;
            if (_position >= _bytes.Length)
            {
                if (_expected == Expected.Nothing && !_insidePlist)
                    return PlistToken.End;
                if (_expected == Expected.Root && !_insidePlist)
                    Fail(PlistReason.Empty, "The document has no value.");
                Fail(PlistReason.Truncated, "The document ends before its elements are closed.");
            }

            if (_bytes[_position] != (byte)'<')
                Fail(PlistReason.UnexpectedContent, "There is text between the elements.");
            _position++;
            var token = Peek() == (byte)'/' ? ReadEndTag() : ReadStartTag();
            if (token != PlistToken.End)
                return token;
        }
    }

    /// <summary>Passes over the rest of the value that <paramref name="token"/> began.</summary>
    public void Skip(PlistToken token)
    {
        if (token is not (PlistToken.DictionaryStart or PlistToken.ArrayStart))
            return;
        var outside = _depth - 1;
        do
            Next();
        while (_depth > outside);
    }

    /// <summary>The text of the last key or scalar, references replaced; valid until the next token.</summary>
    public readonly ReadOnlySpan<byte> Text =>
        _textIsPlain ? _bytes[_textStart.._textEnd] : PlistXmlText.Unescape(_bytes[_textStart.._textEnd]);

    /// <summary>As <see cref="Text"/>, with references as they were written; spares the memory to replace them.</summary>
    public readonly ReadOnlySpan<byte> RawText => _bytes[_textStart.._textEnd];

    /// <summary>As <see cref="Text"/>, as a string.</summary>
    public readonly string TextAsString => Encoding.UTF8.GetString(Text);

    /// <summary>Complains about the last token.</summary>
    [DoesNotReturn]
    public readonly void FailToken(PlistReason reason, string message) => FailAt(_tokenStart, reason, message);

    private PlistToken ReadStartTag()
    {
        var rest = _bytes[_position..];
        var length = NameLength(rest);
        var name = rest[..length];
        switch (length)
        {
            case 3 when name.SequenceEqual("key"u8):
                return ReadKey(name);
            case 4 when name.SequenceEqual("dict"u8):
                return OpenContainer(length, dictionary: true);
            case 4 when name.SequenceEqual("true"u8):
                return ReadEmptyScalar(name, PlistToken.True);
            case 4 when name.SequenceEqual("date"u8):
                return ReadScalar(name, PlistToken.Date);
            case 4 when name.SequenceEqual("data"u8):
                return ReadScalar(name, PlistToken.Data);
            case 4 when name.SequenceEqual("real"u8):
                return ReadScalar(name, PlistToken.Real);
            case 5 when name.SequenceEqual("array"u8):
                return OpenContainer(length, dictionary: false);
            case 5 when name.SequenceEqual("false"u8):
                return ReadEmptyScalar(name, PlistToken.False);
            case 5 when name.SequenceEqual("plist"u8):
                ReadPlistStart(length);
                return PlistToken.End;
            case 6 when name.SequenceEqual("string"u8):
                return ReadScalar(name, PlistToken.String);
            case 7 when name.SequenceEqual("integer"u8):
                return ReadScalar(name, PlistToken.Integer);
            default:
                if (rest.IsEmpty)
                    Fail(PlistReason.Truncated, "The document ends inside a tag.");
                FailToken(PlistReason.UnknownElement, $"A property list has no element <{PrintableName(rest)}>.");
                return default;
        }
    }

    private PlistToken ReadEndTag()
    {
        _position++;
        var rest = _bytes[_position..];
        var length = NameLength(rest);
        var name = rest[..length];
        if (_depth > 0)
        {
            var inDictionary = (_dictionaries & 1) != 0;
            if (!name.SequenceEqual(inDictionary ? "dict"u8 : "array"u8))
                FailToken(PlistReason.MalformedXml, $"</{PrintableName(rest)}> closes <{(inDictionary ? "dict" : "array")}>.");
            if (_expected == Expected.Value)
                FailToken(PlistReason.OddDictionary, "The last key of a dictionary has no value.");
            _position += length;
            FinishEndTag();
            return CloseContainer();
        }

        if (!_insidePlist || !name.SequenceEqual("plist"u8))
            FailToken(PlistReason.MalformedXml, $"</{PrintableName(rest)}> closes an element that is not open.");
        if (_expected == Expected.Root)
            FailToken(PlistReason.Empty, "The <plist> element has no value.");
        _position += length;
        FinishEndTag();
        _insidePlist = false;
        return PlistToken.End;
    }

    private PlistToken ReadKey(ReadOnlySpan<byte> name)
    {
        if (_expected == Expected.Value)
            FailToken(PlistReason.OddDictionary, "A key follows a key: the first has no value.");
        if (_expected != Expected.Key)
            FailToken(PlistReason.OddDictionary, "A <key> stands outside of a dictionary.");
        CountObject();
        ReadText(name);
        _expected = Expected.Value;
        return PlistToken.Key;
    }

    private PlistToken ReadScalar(ReadOnlySpan<byte> name, PlistToken token)
    {
        BeginValue();
        ReadText(name);
        EndValue();
        return token;
    }

    private PlistToken ReadEmptyScalar(ReadOnlySpan<byte> name, PlistToken token)
    {
        ReadScalar(name, token);
        if (_textEnd != _textStart)
            FailToken(PlistReason.UnexpectedContent, $"<{Encoding.ASCII.GetString(name)}> must be empty.");
        return token;
    }

    private PlistToken OpenContainer(int nameLength, bool dictionary)
    {
        BeginValue();
        if (_depth >= _maxDepth)
            FailToken(PlistReason.TooDeep, $"More than {_maxDepth} arrays and dictionaries inside each other.");
        _position += nameLength;
        _containerIsEmpty = FinishStartTag();
        _depth++;
        _dictionaries = (_dictionaries << 1) | (dictionary ? 1ul : 0ul);
        _expected = dictionary ? Expected.Key : Expected.Item;
        return dictionary ? PlistToken.DictionaryStart : PlistToken.ArrayStart;
    }

    private PlistToken CloseContainer()
    {
        var token = (_dictionaries & 1) != 0 ? PlistToken.DictionaryEnd : PlistToken.ArrayEnd;
        _dictionaries >>= 1;
        _depth--;
        EndValue();
        return token;
    }

    private void BeginValue()
    {
        CountObject();
        if (_expected == Expected.Key)
            FailToken(PlistReason.OddDictionary, "A value of a dictionary has no key before it.");
        if (_expected == Expected.Nothing)
            FailToken(PlistReason.UnexpectedContent, "A property list has one root; another value follows it.");
    }

    private void EndValue() =>
        _expected = _depth == 0 ? Expected.Nothing : (_dictionaries & 1) != 0 ? Expected.Key : Expected.Item;

    private void CountObject()
    {
        if (++_objects > _maxObjects)
            FailToken(PlistReason.TooManyObjects, $"More than {_maxObjects} keys and values.");
    }

    private void ReadPlistStart(int nameLength)
    {
        if (_insidePlist || _expected != Expected.Root)
            FailToken(PlistReason.UnexpectedContent, "A second <plist> element.");
        _position += nameLength;
        if (SkipSpace() && Peek() is not ((byte)'>' or (byte)'/'))
        {
            ReadAttribute(out var attribute, out _);
            if (!attribute.SequenceEqual("version"u8))
                FailToken(PlistReason.UnexpectedContent, "<plist> has an attribute other than version.");
        }

        if (FinishStartTag())
            FailToken(PlistReason.Empty, "The <plist> element has no value.");
        _insidePlist = true;
    }

    /// <summary>From the end of a start tag's name to behind the end tag of an element that holds text.</summary>
    private void ReadText(ReadOnlySpan<byte> name)
    {
        _position += name.Length;
        _textIsPlain = true;
        if (FinishStartTag())
        {
            _textStart = _textEnd = _position;
            return;
        }

        _textStart = _position;
        while (true)
        {
            var stop = _bytes[_position..].IndexOfAny(TextStops);
            if (stop < 0)
                FailToken(PlistReason.Truncated, $"<{Encoding.ASCII.GetString(name)}> is not closed before the document ends.");
            _position += stop;
            switch (_bytes[_position])
            {
                case (byte)'<' when Peek(1) == (byte)'/':
                    _textEnd = _position;
                    _position += 2;
                    if (!_bytes[_position..].StartsWith(name))
                        Fail(PlistReason.MalformedXml, $"<{Encoding.ASCII.GetString(name)}> is closed by another element's end tag.");
                    _position += name.Length;
                    FinishEndTag();
                    return;
                case (byte)'<':
                    _textIsPlain = false;
                    SkipMarkupInText(name);
                    break;
                case (byte)'&':
                    _textIsPlain = false;
                    SkipReference();
                    break;
                case (byte)'\r':
                    _textIsPlain = false;
                    _position++;
                    break;
                default:
                    if (_bytes[_position..].StartsWith("]]>"u8))
                        Fail(PlistReason.MalformedXml, "']]>' stands in a text.");
                    _position++;
                    break;
            }
        }
    }

    private void SkipMarkupInText(ReadOnlySpan<byte> name)
    {
        var rest = _bytes[_position..];
        if (rest.StartsWith("<!--"u8))
            SkipComment();
        else if (rest.StartsWith("<?"u8))
            SkipProcessingInstruction();
        else if (rest.StartsWith("<![CDATA["u8))
            SkipPast("]]>"u8, "<![CDATA["u8.Length, "a CDATA section");
        else
            Fail(PlistReason.UnexpectedContent, $"<{Encoding.ASCII.GetString(name)}> holds text only, and another element begins in it.");
    }

    private void SkipReference()
    {
        if (!PlistXmlText.TryReadReference(_bytes[_position..], out _, out var length))
            Fail(PlistReason.UnknownEntity, "'&' begins a reference that is neither &amp; &lt; &gt; &quot; &apos; nor the number of a character of XML.");
        _position += length;
    }

    /// <summary>White space, comments and processing instructions between elements.</summary>
    private void SkipMisc()
    {
        while (true)
        {
            SkipSpace();
            if (Peek() != (byte)'<')
                return;
            switch (Peek(1))
            {
                case (byte)'?':
                    SkipProcessingInstruction();
                    break;
                case (byte)'!' when _bytes[_position..].StartsWith("<!--"u8):
                    SkipComment();
                    break;
                case (byte)'!':
                    Fail(PlistReason.UnexpectedContent, "A declaration or CDATA section stands between the elements.");
                    break;
                default:
                    return;
            }
        }
    }

    private void SkipComment()
    {
        SkipPast("--"u8, "<!--"u8.Length, "a comment");
        if (Peek() != (byte)'>')
            Fail(PlistReason.MalformedXml, "'--' stands inside a comment.");
        _position++;
    }

    private void SkipProcessingInstruction()
    {
        var target = _bytes[(_position + 2)..];
        var length = 0;
        while (length < target.Length && IsNameCharacter(target[length], first: length == 0))
            length++;
        var isXml = length == 3 && (target[0] | 0x20) == 'x' && (target[1] | 0x20) == 'm' && (target[2] | 0x20) == 'l';
        if (length == 0 || isXml)
            Fail(PlistReason.MalformedXml, isXml ? "The XML declaration must stand at the very beginning." : "'<?' without a name.");
        if (length < target.Length && !IsSpace(target[length]) && target[length] != (byte)'?')
            Fail(PlistReason.MalformedXml, "A processing instruction has a name that XML does not allow.");
        var spaced = length < target.Length && IsSpace(target[length]);
        SkipPast("?>"u8, 2 + length, "a processing instruction");
        if (!spaced && !target[length..].StartsWith("?>"u8))
            Fail(PlistReason.MalformedXml, "A processing instruction has a name that XML does not allow.");
    }

    private void SkipPast(ReadOnlySpan<byte> end, int from, string what)
    {
        var rest = _bytes[(_position + from)..];
        var at = rest.IndexOf(end);
        if (at < 0)
            Fail(PlistReason.Truncated, $"The document ends inside {what}.");
        _position += from + at + end.Length;
    }

    // ---- the prolog ----

    private void CheckCharacters()
    {
        if (_bytes.StartsWith("\uFEFF"u8))
            _position = 3;
        else if (_bytes.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]) || _bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE])
            || _bytes.StartsWith("\0<"u8) || _bytes.StartsWith("<\0"u8))
            Fail(PlistReason.UnsupportedEncoding, "The document is in UTF-16 or UTF-32; send it in UTF-8.");

        if (!Utf8.IsValid(_bytes))
            FailAt(FirstInvalid(_bytes), PlistReason.InvalidCharacter, "The bytes are not UTF-8.");
        var forbidden = _bytes.IndexOfAny(Forbidden);
        if (forbidden >= 0)
            FailAt(forbidden, PlistReason.InvalidCharacter, $"The control character U+{_bytes[forbidden]:X4} cannot stand in XML.");

        // U+FFFE and U+FFFF, the two characters beyond the controls that XML excludes.
        for (var from = 0; _bytes[from..].IndexOf((ReadOnlySpan<byte>)[0xEF, 0xBF]) is >= 0 and var at; from += at + 3)
        {
            if (_bytes[from + at + 2] >= 0xBE)
                FailAt(from + at, PlistReason.InvalidCharacter, "U+FFFE and U+FFFF cannot stand in XML.");
        }
    }

    private void ReadProlog()
    {
        if (_bytes[_position..].StartsWith("<?xml"u8) && IsSpace(Peek(5)))
            ReadDeclaration();
        for (var documentType = false; ;)
        {
            SkipSpace();
            if (!_bytes[_position..].StartsWith("<!DOCTYPE"u8))
            {
                if (!IsMisc())
                    return;
                continue;
            }

            if (documentType)
                Fail(PlistReason.UnexpectedContent, "A second document type.");
            documentType = true;
            ReadDocumentType();
        }
    }

    private bool IsMisc()
    {
        var rest = _bytes[_position..];
        if (rest.StartsWith("<!--"u8))
            SkipComment();
        else if (rest.StartsWith("<?"u8))
            SkipProcessingInstruction();
        else
            return false;
        return true;
    }

    private void ReadDeclaration()
    {
        _position += "<?xml"u8.Length;
        SkipSpace();
        ReadAttribute(out var name, out var value);
        if (!name.SequenceEqual("version"u8) || !value.SequenceEqual("1.0"u8))
            Fail(PlistReason.MalformedXml, "The XML declaration must begin with version=\"1.0\".");
        var spaced = SkipSpace();
        if (spaced && Peek() == (byte)'e')
        {
            ReadAttribute(out name, out value);
            if (!name.SequenceEqual("encoding"u8))
                Fail(PlistReason.MalformedXml, "The XML declaration has an attribute that XML does not know.");
            if (!Ascii.EqualsIgnoreCase(value, "utf-8"u8))
                Fail(PlistReason.UnsupportedEncoding, "The XML declaration names an encoding other than UTF-8; send the document in UTF-8.");
            spaced = SkipSpace();
        }

        if (spaced && Peek() == (byte)'s')
        {
            ReadAttribute(out name, out value);
            if (!name.SequenceEqual("standalone"u8) || !(value.SequenceEqual("yes"u8) || value.SequenceEqual("no"u8)))
                Fail(PlistReason.MalformedXml, "The XML declaration has an attribute that XML does not know.");
            SkipSpace();
        }

        if (!_bytes[_position..].StartsWith("?>"u8))
            Fail(PlistReason.MalformedXml, "The XML declaration is not closed by '?>'.");
        _position += 2;
    }

    /// <summary><c>&lt;!DOCTYPE plist PUBLIC "…" "…"&gt;</c>: passed over, never fetched; with declarations of its own: refused.</summary>
    private void ReadDocumentType()
    {
        _tokenStart = _position;
        _position += "<!DOCTYPE"u8.Length;
        RequireSpace();
        RequireWord("plist"u8);
        if (SkipSpace())
        {
            if (Peek() == (byte)'P')
            {
                RequireWord("PUBLIC"u8);
                RequireSpace();
                ReadLiteral();
                RequireSpace();
                ReadLiteral();
            }
            else if (Peek() == (byte)'S')
            {
                RequireWord("SYSTEM"u8);
                RequireSpace();
                ReadLiteral();
            }

            SkipSpace();
        }

        if (Peek() == (byte)'[')
            Fail(PlistReason.DtdRefused, "The document type declares entities or elements of its own; a property list has none.");
        if (Peek() != (byte)'>')
            Fail(PlistReason.MalformedXml, "The document type is not closed by '>'.");
        _position++;
    }

    private void RequireWord(ReadOnlySpan<byte> word)
    {
        if (!_bytes[_position..].StartsWith(word))
            Fail(PlistReason.MalformedXml, "The document type is not that of a property list: <!DOCTYPE plist PUBLIC …>.");
        _position += word.Length;
    }

    private void RequireSpace()
    {
        if (!SkipSpace())
            Fail(PlistReason.MalformedXml, "White space is missing in the document type.");
    }

    private void ReadAttribute(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        var length = NameLength(_bytes[_position..]);
        name = _bytes.Slice(_position, length);
        _position += length;
        SkipSpace();
        if (length == 0 || Peek() != (byte)'=')
            Fail(PlistReason.MalformedXml, "An attribute is expected, as in version=\"1.0\".");
        _position++;
        SkipSpace();
        value = ReadLiteral();
        if (value.ContainsAny((byte)'<', (byte)'&'))
            Fail(PlistReason.MalformedXml, "An attribute's value holds '<' or '&'.");
    }

    private ReadOnlySpan<byte> ReadLiteral()
    {
        var quote = Peek();
        if (quote is not ((byte)'"' or (byte)'\''))
            Fail(PlistReason.MalformedXml, "A quoted text is expected.");
        var rest = _bytes[(_position + 1)..];
        var length = rest.IndexOf(quote);
        if (length < 0)
            Fail(PlistReason.Truncated, "A quoted text is not closed before the document ends.");
        _position += length + 2;
        return rest[..length];
    }

    // ---- small steps ----

    /// <summary>Behind a start tag's name: passes <c>&gt;</c>, or <c>/&gt;</c> and answers true.</summary>
    private bool FinishStartTag()
    {
        SkipSpace();
        if (Peek() == (byte)'>')
        {
            _position++;
            return false;
        }

        if (Peek() != (byte)'/' || Peek(1) != (byte)'>')
            Fail(_position >= _bytes.Length ? PlistReason.Truncated : PlistReason.UnexpectedContent,
                "A tag must end behind its name: elements of a property list have no attributes.");
        _position += 2;
        return true;
    }

    private void FinishEndTag()
    {
        SkipSpace();
        if (Peek() != (byte)'>')
            Fail(_position >= _bytes.Length ? PlistReason.Truncated : PlistReason.MalformedXml, "An end tag is not closed by '>'.");
        _position++;
    }

    private bool SkipSpace()
    {
        var start = _position;
        while (_position < _bytes.Length && IsSpace(_bytes[_position]))
            _position++;
        return _position > start;
    }

    /// <summary>0 behind the end: it cannot occur in the document, so it fits no comparison.</summary>
    private readonly byte Peek(int ahead = 0) => _position + ahead < _bytes.Length ? _bytes[_position + ahead] : (byte)0;

    private static bool IsSpace(byte character) => character is (byte)' ' or (byte)'\n' or (byte)'\t' or (byte)'\r';

    private static bool IsNameCharacter(byte character, bool first) =>
        char.IsAsciiLetter((char)character) || character == (byte)'_'
        || (!first && (char.IsAsciiDigit((char)character) || character is (byte)'-' or (byte)'.'));

    private static int NameLength(ReadOnlySpan<byte> text)
    {
        var length = 0;
        while (length < text.Length && text[length] is >= (byte)'a' and <= (byte)'z')
            length++;

        // Every name of a property list ends here. The rest of another one is for the complaint about it.
        while (length < text.Length && (IsNameCharacter(text[length], first: false) || text[length] is (byte)':' or >= 0x80))
            length++;
        return length;
    }

    private static int FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        var position = 0;
        while (position < bytes.Length && Rune.DecodeFromUtf8(bytes[position..], out _, out var consumed) == OperationStatus.Done)
            position += consumed;
        return position;
    }

    /// <summary>A stranger's element name, short and harmless enough for a message.</summary>
    private static string PrintableName(ReadOnlySpan<byte> text)
    {
        var length = 0;
        while (length < Math.Min(text.Length, 32) && (IsNameCharacter(text[length], first: false) || text[length] == (byte)':'))
            length++;
        return Encoding.ASCII.GetString(text[..length]);
    }

    [DoesNotReturn]
    private readonly void Fail(PlistReason reason, string message) => FailAt(_position, reason, message);

    [DoesNotReturn]
    private readonly void FailAt(int position, PlistReason reason, string message)
    {
        position = Math.Min(position, _bytes.Length);
        throw new PlistFormatException(reason, message, position, 1 + _bytes[..position].Count((byte)'\n'));
    }
}
