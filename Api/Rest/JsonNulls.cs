using System.Globalization;
using System.Text.Json;

namespace FleetMdm.Api.Rest;

/// <summary>Finds a null in a list, where the types of requests have none: a list of texts would hold one all the same.</summary>
internal static class JsonNulls
{
    /// <summary>Members that hold what Apple defines: it is checked by the catalogue.</summary>
    private static readonly string[] Elsewhere = ["command", "profile"];

    /// <returns>The field, as in <c>hours[0]</c>; null: there is none.</returns>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static string? InList(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = AdminJson.MaxDepth });
        var path = new Stack<(string? Name, int Index)>();
        string? name = null;
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    name = reader.GetString();
                    if (path.Count == 1 && Elsewhere.Contains(name)) reader.Skip();
                    break;
                case JsonTokenType.StartObject:
                    Begin(-1);
                    break;
                case JsonTokenType.StartArray:
                    Begin(0);
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    path.Pop();
                    Next();
                    break;
                case JsonTokenType.Null when path.TryPeek(out var list) && list.Index >= 0:
                    return Words();
                default:
                    Next();
                    break;
            }
        }

        return null;

        void Begin(int index)
        {
            path.Push((name, index));
            name = null;
        }

        void Next()
        {
            if (path.TryPeek(out var list) && list.Index >= 0)
            {
                path.Pop();
                path.Push((list.Name, list.Index + 1));
            }
        }

        string Words()
        {
            var words = "";
            foreach (var (member, index) in path.Reverse())
            {
                if (member is not null) words += words.Length > 0 ? "." + member : member;
                if (index >= 0) words += string.Create(CultureInfo.InvariantCulture, $"[{index}]");
            }

            return words;
        }
    }
}
