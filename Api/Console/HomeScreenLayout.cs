using System.Text.Json.Nodes;

namespace FleetMdm.Api.Console;

/// <summary>
/// A home screen as people can write it: an app a line, by its bundle identifier; a web clip by its address; an empty line or <c>---</c> begins the next page;
/// <c>[Name]</c> begins a folder, and the lines below it that begin with a blank are in it.
/// </summary>
/// <remarks>Apple has lists of dictionaries in lists in dictionaries. A layout that this cannot say (a folder in a folder, further keys) is edited as JSON.</remarks>
public static class HomeScreenLayout
{
    private const string NextPage = "---";

    /// <param name="text">As it was typed.</param>
    /// <param name="dock">One list, without pages.</param>
    /// <param name="problem">What is wrong, with the line; null: nothing.</param>
    public static JsonArray? Read(string text, bool dock, out string? problem)
    {
        var pages = new List<JsonArray> { new() };
        JsonArray? folder = null;
        problem = null;
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            var entry = line.Trim();
            var inside = line.Length > 0 && line[0] is ' ' or '\t';
            if (entry.Length == 0 || entry == NextPage)
            {
                if (inside && folder is not null && entry.Length > 0)
                {
                    folder.Add(new JsonArray());
                }
                else
                {
                    folder = null;
                    if (pages[^1].Count > 0)
                        pages.Add([]);
                }

                continue;
            }

            if (entry.StartsWith('['))
            {
                if (!entry.EndsWith(']') || entry.Length < 3)
                    problem = $"Line {number}: a folder stands in brackets, as in [Writing].";
                else if (inside && folder is not null)
                    problem = $"Line {number}: an iPad has no folders in folders.";
                if (problem is not null)
                    return null;
                folder = new JsonArray(new JsonArray());
                pages[^1].Add(new JsonObject { ["Type"] = "Folder", ["DisplayName"] = entry[1..^1].Trim(), ["Pages"] = folder });
                continue;
            }

            if (entry.Any(char.IsWhiteSpace))
            {
                problem = $"Line {number}: \"{entry}\" is neither the identifier of an app, as com.apple.mobilesafari, nor an address.";
                return null;
            }

            if (!inside)
                folder = null;
            var item = entry.Contains("://", StringComparison.Ordinal)
                ? new JsonObject { ["Type"] = "WebClip", ["URL"] = entry }
                : new JsonObject { ["Type"] = "App", ["BundleID"] = entry };
            (folder is null ? pages[^1] : (JsonArray)folder[^1]!).Add((JsonNode)item);
        }

        if (pages.Count > 1 && pages[^1].Count == 0)
            pages.RemoveAt(pages.Count - 1);
        if (!dock)
            return new JsonArray([.. pages]);
        var icons = pages.SelectMany(page => page.ToList()).ToList();
        return new JsonArray([.. icons.Select(icon => icon!.DeepClone())]);
    }

    /// <summary>Null: this cannot say it.</summary>
    public static string? Write(JsonNode layout, bool dock)
    {
        if (layout is not JsonArray list)
            return null;
        var pages = dock ? [list] : list.Select(page => page as JsonArray).ToList();
        var lines = new List<string>();
        foreach (var page in pages)
        {
            if (page is null)
                return null;
            if (lines.Count > 0)
                lines.Add("");
            foreach (var icon in page)
            {
                if (Line(icon) is { } line)
                {
                    lines.Add(line);
                }
                else if (icon is JsonObject { Count: 3 } folder && (string?)folder["Type"] == "Folder" && (string?)folder["DisplayName"] is { Length: > 0 } name && folder["Pages"] is JsonArray inside)
                {
                    lines.Add($"[{name}]");
                    for (var index = 0; index < inside.Count; index++)
                    {
                        if (inside[index] is not JsonArray icons || icons.Select(Line).ToList() is not { } within || within.Contains(null))
                            return null;
                        if (index > 0)
                            lines.Add($"  {NextPage}");
                        lines.AddRange(within.Select(one => $"  {one}"));
                    }
                }
                else
                {
                    return null;
                }
            }
        }

        return string.Join('\n', lines);
    }

    private static string? Line(JsonNode? icon) => icon is not JsonObject { Count: 2 } one ? null
        : (string?)one["Type"] == "App" ? (string?)one["BundleID"]
        : (string?)one["Type"] == "WebClip" ? (string?)one["URL"]
        : null;
}
