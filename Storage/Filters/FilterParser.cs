using System.Text;

namespace FleetMdm.Storage.Filters;

// expression  = all { "or" all }
// all         = one { [ "and" ] one }
// one         = "not" one | "(" expression ")" | condition
// condition   = field [ operator value ]        a field alone must be one that is yes or no
// operator    = ":" | "=" | "!=" | "<" | "<=" | ">" | ">="
// value       = a word without blanks, quotes, parentheses and operators, or a text in quotes, in which \" and \\ stand for themselves

/// <summary>Reads the filter that people write, as in <c>os&lt;17.5 and not (school:Hillside or battery&lt;20)</c>. Pure; bounded in length, depth and conditions.</summary>
public static class FilterParser
{
    /// <summary>Characters.</summary>
    public const int LongestFilter = 2_000;

    public const int MostConditions = 50;

    private const int MostDepth = 60;

    private const int LongestValue = 255;

    private static readonly (string Sign, FilterOperator Operator, bool Negated)[] Operators =
    [
        ("!=", FilterOperator.Equal, true), ("<=", FilterOperator.LessOrEqual, false), (">=", FilterOperator.GreaterOrEqual, false),
        (":", FilterOperator.Equal, false), ("=", FilterOperator.Equal, false), ("<", FilterOperator.Less, false), (">", FilterOperator.Greater, false),
    ];

    /// <exception cref="FilterException">It cannot be read.</exception>
    public static FilterNode Parse(string text)
    {
        if (text.Length > LongestFilter) throw new FilterException(LongestFilter, $"A filter has at most {LongestFilter} characters.");
        var reader = new Reader(text);
        var node = reader.Expression(0);
        reader.End();
        return node;
    }

    /// <summary>A text from which the same filter is read.</summary>
    public static string Write(FilterNode node) => node switch
    {
        FilterAnd and => $"({Write(and.Left)} and {Write(and.Right)})",
        FilterOr or => $"({Write(or.Left)} or {Write(or.Right)})",
        FilterNot not => $"not {Write(not.Inner)}",
        FilterCondition condition => Write(condition),
        _ => throw new ArgumentOutOfRangeException(nameof(node)),
    };

    private static string Write(FilterCondition condition)
    {
        var shape = FilterFields.Of(condition.Field);
        var sign = Operators.First(one => one.Operator == condition.Operator && !one.Negated).Sign;
        var unit = shape.Kind == FilterValueKind.Size ? "GB" : "";
        return $"{shape.Name}{sign}{Quote(FilterFields.Write(condition.Value) + unit)}";
    }

    /// <summary>A value as it may stand in a filter, whatever is in it.</summary>
    public static string Quote(string value) =>
        $"\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private ref struct Reader(string text)
    {
        private int _at;
        private int _conditions;

        /// <summary>Of the last text without quotes: where its field and where itself begins.</summary>
        private (int Field, int Value) _bare;

        /// <summary>Where that text ended; -1: there was none.</summary>
        private int _bareEnd = -1;

        public FilterNode Expression(int depth)
        {
            if (depth > MostDepth) throw new FilterException(_at, "There are too many parentheses inside each other.");
            var node = All(depth);
            while (TakeWord("or")) node = new FilterOr(node, All(depth));
            return node;
        }

        public void End()
        {
            SkipBlanks();
            if (_at < text.Length) throw new FilterException(_at, text[_at] == ')' ? "This parenthesis closes nothing." : $"'{text[_at]}' is not expected here.");
        }

        private FilterNode All(int depth)
        {
            var node = One(depth);
            while (true)
            {
                CheckValueGoesOn();
                if (!TakeWord("and") && (AtEnd() || text[_at] == ')' || IsWord("or"))) return node;
                node = new FilterAnd(node, One(depth));
            }
        }

        private FilterNode One(int depth)
        {
            if (AtEnd()) throw new FilterException(_at, _at == 0 || text.AsSpan().IsWhiteSpace() ? "The filter is empty." : "A condition is missing here.");
            if (depth > MostDepth) throw new FilterException(_at, "There are too many parentheses inside each other.");
            if (TakeWord("not")) return new FilterNot(One(depth + 1));
            if (text[_at] != '(') return Condition();

            var opened = _at++;
            var node = Expression(depth + 1);
            if (AtEnd()) throw new FilterException(opened, "This parenthesis is not closed.");
            if (text[_at] != ')') throw new FilterException(_at, $"'{text[_at]}' is not expected here.");
            _at++;
            return node;
        }

        private FilterNode Condition()
        {
            var start = _at;
            while (_at < text.Length && char.IsAsciiLetter(text[_at])) _at++;
            var name = text[start.._at];
            if (name.Length == 0) throw new FilterException(start, $"A field is expected here, as in {FilterFields.Shapes[0].Example}.");
            if (name.ToUpperInvariant() is "AND" or "OR") throw new FilterException(start, $"A condition is missing before \"{name}\".");
            if (FilterFields.Find(name) is not { } shape) throw new FilterException(start, Unknown(name));
            if (++_conditions > MostConditions) throw new FilterException(start, $"A filter has at most {MostConditions} conditions.");

            var behind = _at;
            SkipBlanks();
            var signAt = _at;
            if (!TakeOperator(out var sign))
            {
                _at = behind;
                return shape.Kind == FilterValueKind.Flag
                    ? new FilterCondition(shape.Field, FilterOperator.Equal, new FilterFlag(true))
                    : throw new FilterException(behind, $"{shape.Name} needs a value, as in {shape.Example}.");
            }

            if (!shape.Operators.Contains(sign.Operator)) throw new FilterException(signAt, $"\"{sign.Sign}\" does not go with {shape.Name}; write it as in {shape.Example}.");
            SkipBlanks();
            var valueAt = _at;
            var (value, fault) = FilterFields.Read(shape, Value(shape));
            if (shape.Kind == FilterValueKind.Text && text[valueAt] != '"') (_bare, _bareEnd) = ((start, valueAt), _at);
            if (value is null) throw new FilterException(valueAt, fault!);
            var condition = new FilterCondition(shape.Field, sign.Operator, value);
            return sign.Negated ? new FilterNot(condition) : condition;
        }

        /// <summary>What follows a text without quotes and is no condition was meant as more of the text, as in <c>school:North School</c>.</summary>
        private void CheckValueGoesOn()
        {
            var (field, value) = _bare;
            if (_at != _bareEnd || !ValueGoesOn()) return;
            var end = _at;
            while (ValueGoesOn())
            {
                while (_at < text.Length && !char.IsWhiteSpace(text[_at]) && text[_at] is not ('(' or ')' or '"')) _at++;
                end = _at;
            }

            throw new FilterException(value, $"Put a value with blanks in quotes: {text[field..value]}\"{text[value..end]}\".");
        }

        private bool ValueGoesOn() =>
            !AtEnd() && text[_at] is not ('(' or ')' or '"') && !IsWord("and") && !IsWord("or") && !IsWord("not") && !StartsCondition();

        /// <summary>A word with an operator behind it, known or not, or a field that needs none.</summary>
        private readonly bool StartsCondition()
        {
            var end = _at;
            while (end < text.Length && char.IsAsciiLetter(text[end])) end++;
            if (end == _at) return false;
            var after = end;
            while (after < text.Length && char.IsWhiteSpace(text[after])) after++;
            if (after < text.Length && text[after] is ':' or '=' or '<' or '>' or '!') return true;
            return (end == text.Length || char.IsWhiteSpace(text[end]) || text[end] is '(' or ')') && FilterFields.Find(text[_at..end])?.Kind == FilterValueKind.Flag;
        }

        private bool TakeOperator(out (string Sign, FilterOperator Operator, bool Negated) found)
        {
            foreach (var one in Operators)
            {
                if (!text.AsSpan(_at).StartsWith(one.Sign)) continue;
                _at += one.Sign.Length;
                found = one;
                return true;
            }

            found = default;
            return false;
        }

        private string Value(FilterFieldShape shape)
        {
            var start = _at;
            var value = _at < text.Length && text[_at] == '"' ? Quoted() : Bare();
            if (string.IsNullOrWhiteSpace(value)) throw new FilterException(start, $"A value is missing here, as in {shape.Example}.");
            if (value.Length > LongestValue) throw new FilterException(start, $"A value has at most {LongestValue} characters.");
            for (var i = 0; i < value.Length; i++)
            {
                if (char.IsSurrogatePair(value, i)) i++;
                else if (char.IsControl(value[i]) || char.IsSurrogate(value[i])) throw new FilterException(start, "The value holds control characters, or text that is not valid Unicode.");
            }

            return value;
        }

        private string Bare()
        {
            var start = _at;
            while (_at < text.Length && !char.IsWhiteSpace(text[_at]) && text[_at] is not ('"' or '(' or ')' or '<' or '>' or '=' or '!')) _at++;
            if (_at < text.Length && text[_at] is '"' or '<' or '>' or '=' or '!')
                throw new FilterException(_at, $"Put a value with '{text[_at]}' in quotes.");
            return text[start.._at];
        }

        private string Quoted()
        {
            var start = _at++;
            var value = new StringBuilder();
            while (_at < text.Length && text[_at] != '"')
            {
                if (text[_at] == '\\' && _at + 1 < text.Length && text[_at + 1] is '"' or '\\') _at++;
                value.Append(text[_at++]);
            }

            if (_at == text.Length) throw new FilterException(start, "These quotes are not closed.");
            _at++;
            return value.ToString();
        }

        /// <summary>The next word is this one, and no field.</summary>
        private bool IsWord(string word)
        {
            SkipBlanks();
            if (!text.AsSpan(_at).StartsWith(word, StringComparison.OrdinalIgnoreCase)) return false;
            var after = _at + word.Length;
            return after == text.Length || char.IsWhiteSpace(text[after]) || text[after] is '(' or ')';
        }

        private bool TakeWord(string word)
        {
            if (!IsWord(word)) return false;
            _at += word.Length;
            return true;
        }

        private bool AtEnd()
        {
            SkipBlanks();
            return _at == text.Length;
        }

        private void SkipBlanks()
        {
            while (_at < text.Length && char.IsWhiteSpace(text[_at])) _at++;
        }

        private static string Unknown(string name)
        {
            var nearest = FilterFields.Shapes.FirstOrDefault(shape => shape.Name.StartsWith(name, StringComparison.OrdinalIgnoreCase) || name.StartsWith(shape.Name, StringComparison.OrdinalIgnoreCase));
            var meant = nearest is null ? "" : $" Did you mean {nearest.Name}?";
            var shown = name.Length > 40 ? name[..40] + "…" : name;
            return $"There is no field \"{shown}\".{meant} Fields are {string.Join(", ", FilterFields.Shapes.Select(shape => shape.Name))}.";
        }
    }
}
