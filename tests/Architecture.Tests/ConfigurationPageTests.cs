using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using FleetMdm.Api.Hosting;

namespace FleetMdm.Architecture.Tests;

/// <summary>docs/configuration.md lists every option with its true default, and nothing that is none.</summary>
public sealed partial class ConfigurationPageTests
{
    /// <summary>Its keys are the framework's: they are described, not listed.</summary>
    private const string FrameworkSection = "Logging";

    private static readonly IReadOnlyDictionary<string, Type> Options = new[] { "Storage", "Grains", "Api" }
        .SelectMany(project => Assembly.Load($"FleetMdm.{project}").GetTypes())
        .Where(type => type.Name.EndsWith("Options", StringComparison.Ordinal))
        .Select(type => (Type: type, Section: type.GetField("Section")?.GetRawConstantValue() as string))
        .Where(entry => entry.Section is not null)
        .ToDictionary(entry => entry.Section!, entry => entry.Type);

    private static readonly string Page = File.ReadAllText(Path.Combine(FloorTests.Root(), "docs", "configuration.md"));

    /// <summary>Every option by its whole name, as in <c>Http:Listen</c>.</summary>
    internal static IReadOnlySet<string> Known { get; } = Options
        .SelectMany(section => section.Value.GetProperties().Where(property => property.SetMethod is { IsPublic: true }).Select(property => $"{section.Key}:{property.Name}"))
        .ToHashSet(StringComparer.Ordinal);

    public static TheoryData<string> Sections => [.. Options.Keys.Order(StringComparer.Ordinal)];

    [Fact]
    public void Every_section_has_its_heading_in_the_order_in_which_the_server_names_them() =>
        Assert.Equal(FleetConfiguration.Sections, Heading().Matches(Page).Select(match => match.Groups[1].Value));

    [Fact]
    public void Every_section_has_its_class() =>
        Assert.Equal(FleetConfiguration.Sections.Order(), Options.Keys.Append(FrameworkSection).Order());

    [Theory]
    [MemberData(nameof(Sections))]
    public void Every_option_of_a_section_is_listed_once_with_its_default(string section)
    {
        var listed = Rows(section).Select(row => $"| `{row.Key}` | `{row.Default}` |").ToList();
        var defaults = Activator.CreateInstance(Options[section]);
        var expected = Options[section].GetProperties()
            .Where(property => property.SetMethod is { IsPublic: true })
            .Select(property => $"| `{property.Name}` | `{Written(property.GetValue(defaults))}` |")
            .ToList();

        Assert.True(
            expected.Order().SequenceEqual(listed.Order()),
            $"docs/configuration.md, ## {section}: missing {string.Join(" ", expected.Except(listed))}; " +
            $"wrong, or listed twice, {string.Join(" ", listed.Except(expected).Concat(listed.GroupBy(row => row).Where(g => g.Count() > 1).Select(g => g.Key)))}.");
    }

    [Fact]
    public void Every_option_says_what_it_means() =>
        Assert.All(FleetConfiguration.Sections.SelectMany(Rows), row => Assert.Matches(@"\w+.*[.)]$", row.Meaning));

    private static IEnumerable<(string Key, string Default, string Meaning)> Rows(string section)
    {
        var from = Page.IndexOf($"\n## {section}\n", StringComparison.Ordinal);
        Assert.True(from >= 0, $"docs/configuration.md has no section {section}.");
        var to = Page.IndexOf("\n## ", from + 1, StringComparison.Ordinal);
        return Row().Matches(Page[from..(to < 0 ? Page.Length : to)])
            .Select(match => (match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value.Trim()));
    }

    /// <summary>As the page writes a default.</summary>
    private static string Written(object? value) => value switch
    {
        null => "unset",
        bool flag => flag ? "true" : "false",
        string text => text,
        IEnumerable list when !list.Cast<object>().Any() => "none",
        IEnumerable list => string.Join(", ", list.Cast<object>()),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    [GeneratedRegex("^## (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\| `([^`]+)` \| `([^`]+)` \|(.*)\|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
