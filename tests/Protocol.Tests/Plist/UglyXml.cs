using System.Globalization;
using System.Text;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Plist;

/// <summary>Writes a tree with all the freedom that XML leaves: remarks, CDATA, references, line ends, long and short forms.</summary>
internal sealed class UglyXml(int seed)
{
    private readonly Random _random = new(seed);
    private readonly StringBuilder _text = new();

    public byte[] Write(PlistNode root)
    {
        var wrapped = Chance(4, 5);
        if (Chance(1, 2))
            _text.Append(Pick("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<?xml version='1.0'?>", "<?xml  version = \"1.0\"\tencoding='utf-8' standalone=\"no\" ?>", "<?xml version=\"1.0\" standalone='yes'?>"));
        Space();
        if (Chance(1, 2))
            _text.Append(Pick("<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">", "<!DOCTYPE plist>", "<!DOCTYPE plist SYSTEM 'file://localhost/System/Library/DTDs/PropertyList.dtd' >"));
        Space();
        if (wrapped)
            _text.Append(Pick("<plist version=\"1.0\">", "<plist>", "<plist\nversion = '1.0' >"));
        Space();
        Node(root);
        Space();
        if (wrapped)
            _text.Append(Pick("</plist>", "</plist\n>"));
        Space();
        var bytes = Encoding.UTF8.GetBytes(_text.ToString());
        return Chance(1, 8) ? [0xEF, 0xBB, 0xBF, .. bytes] : bytes;
    }

    private void Node(PlistNode node)
    {
        switch (node)
        {
            case PlistArray array:
                if (array.Count == 0 && Chance(1, 2))
                {
                    _text.Append("<array/>");
                    return;
                }

                _text.Append("<array>");
                foreach (var item in array)
                {
                    Space();
                    Node(item);
                }

                Space();
                _text.Append("</array>");
                return;
            case PlistDictionary dictionary:
                _text.Append(Pick("<dict>", "<dict >"));
                foreach (var (key, value) in dictionary)
                {
                    Space();
                    Element("key", key, verbatim: true);
                    Space();
                    Node(value);
                }

                Space();
                _text.Append(Pick("</dict>", "</dict\t>"));
                return;
            case PlistBoolean flag:
                _text.Append(flag.Value ? Pick("<true/>", "<true />", "<true></true>") : Pick("<false/>", "<false></false >"));
                return;
            case PlistString text:
                Element("string", text.Value, verbatim: true);
                return;
            case PlistInteger integer:
                Element("integer", integer.Value >= 0 && Chance(1, 4)
                    ? "0x" + integer.Value.ToString("x", CultureInfo.InvariantCulture)
                    : integer.Value.ToString(CultureInfo.InvariantCulture), verbatim: false);
                return;
            case PlistReal real:
                Element("real", double.IsNaN(real.Value) ? Pick("nan", "NaN") : double.IsPositiveInfinity(real.Value) ? Pick("inf", "+infinity")
                    : double.IsNegativeInfinity(real.Value) ? "-INFINITY" : real.Value.ToString("R", CultureInfo.InvariantCulture), verbatim: false);
                return;
            case PlistDate date:
                Element("date", date.Value.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture), verbatim: false);
                return;
            case PlistData data:
                Element("data", Scattered(Convert.ToBase64String(data.Value)), verbatim: false);
                return;
        }
    }

    private void Element(string name, string text, bool verbatim)
    {
        if (text.Length == 0 && Chance(1, 2))
        {
            _text.Append(CultureInfo.InvariantCulture, $"<{name}/>");
            return;
        }

        _text.Append(CultureInfo.InvariantCulture, $"<{name}>");
        if (!verbatim)
            _text.Append(Pick("", " ", "\n\t", "\r\n"));
        foreach (var rune in text.EnumerateRunes())
        {
            if (Chance(1, 12))
                _text.Append(Pick("<!-- remark & <b> -->", "<?note?>", "<?note a?b ?>", "<![CDATA[]]>", "<!---->", "<!--> & -->", "<!---> & -->"));
            Character(rune);
        }

        if (!verbatim)
            _text.Append(Pick("", "\t", "\r"));
        _text.Append(CultureInfo.InvariantCulture, $"</{name}>");
    }

    /// <summary>White space may stand between any two letters of Base64.</summary>
    private string Scattered(string base64)
    {
        for (var breaks = _random.Next(4); breaks > 0; breaks--)
            base64 = base64.Insert(_random.Next(base64.Length + 1), Pick("\n\t", " ", "\r\n"));
        return base64;
    }

    private void Character(Rune rune)
    {
        var needsReference = rune.Value is '&' or '<' or '\r';
        var named = rune.Value switch { '&' => "&amp;", '<' => "&lt;", '>' => "&gt;", '"' => "&quot;", '\'' => "&apos;", _ => null };
        if (named is not null && (needsReference || rune.Value == '>') && Chance(2, 3))
            _text.Append(named);
        else if (needsReference && rune.Value != '\r' && Chance(1, 2))
            _text.Append(CultureInfo.InvariantCulture, $"<![CDATA[{rune}]]>");
        else if (needsReference || rune.Value == '>' || Chance(1, 15))
            _text.Append(Chance(1, 2) ? $"&#{rune.Value};" : Chance(1, 2) ? $"&#x{rune.Value:X};" : $"&#x00{rune.Value:x};");
        else if (rune.Value == '\n')
            _text.Append(Pick("\n", "\r\n", "\r", "<![CDATA[\r\n]]>", "<![CDATA[\r]]>"));
        else
            _text.Append(rune.ToString());

        // What follows must not join with a carriage return of ours to one line end.
        if (_text[^1] == '\r')
            _text.Append("<?end?>");
    }

    private void Space()
    {
        while (Chance(1, 3))
            _text.Append(Pick(" ", "\n", "\t", "\r\n", "<!-- between <dict> & co -->", "<?target data?>", "<?t?>"));
    }

    private bool Chance(int of, int outOf) => _random.Next(outOf) < of;

    private string Pick(params string[] choices) => choices[_random.Next(choices.Length)];
}
