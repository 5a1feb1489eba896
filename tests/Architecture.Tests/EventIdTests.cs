using System.Text.RegularExpressions;

namespace FleetMdm.Architecture.Tests;

/// <summary>Log events are told apart by their ids, over the whole server.</summary>
public sealed partial class EventIdTests
{
    [Fact]
    public void An_event_id_is_given_once()
    {
        string[] projects = ["Storage", "Grains", "Api", "Silo"];
        var ids = projects
            .SelectMany(project => Directory.EnumerateFiles(Path.Combine(FloorTests.Root(), project), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains("/obj/"))
            .SelectMany(file => LogEvent().Matches(File.ReadAllText(file)).Select(match => (Id: match.Groups[1].Value, File: Path.GetFileName(file))))
            .ToList();

        Assert.NotEmpty(ids);
        Assert.Empty(ids.GroupBy(entry => entry.Id).Where(group => group.Count() > 1).Select(group => $"{group.Key}: {string.Join(", ", group.Select(e => e.File))}"));
    }

    [GeneratedRegex(@"\[LoggerMessage\((\d+),")]
    private static partial Regex LogEvent();
}
