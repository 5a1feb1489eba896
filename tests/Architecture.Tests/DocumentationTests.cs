using System.Text.Json;
using System.Text.RegularExpressions;
using FleetMdm.Api.Access;
using FleetMdm.Api.CheckIn;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Webhooks;

namespace FleetMdm.Architecture.Tests;

/// <summary>What the pages name exists: files, headings, options, routes, metrics, commands, refusals, events. What they say of it is for people to read.</summary>
public sealed partial class DocumentationTests
{
    /// <summary>Programs of shell blocks that are no part of this repository.</summary>
    private static readonly HashSet<string> Others = new(StringComparer.Ordinal)
    {
        "apt-get", "base64", "cat", "chmod", "chown", "cp", "createdb", "createuser", "curl", "date", "dmesg", "docker", "echo", "fleet", "git", "install", "journalctl",
        "mkdir", "openssl", "pg_dump", "pg_restore", "printf", "psql", "rm", "sh", "sudo", "systemctl", "tar", "umask", "useradd",
    };

    private static readonly string[] Files =
    [
        Path.Combine(FloorTests.Root(), "README.md"), Path.Combine(FloorTests.Root(), "CONTRIBUTING.md"),
        .. Directory.EnumerateFiles(Path.Combine(FloorTests.Root(), "docs"), "*.md", SearchOption.AllDirectories).Order(StringComparer.Ordinal),
    ];

    public static TheoryData<string> Pages => [.. Files.Select(file => Path.GetRelativePath(FloorTests.Root(), file))];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Links_lead_to_files_and_headings_that_exist(string page)
    {
        var file = Path.Combine(FloorTests.Root(), page);
        var dead = new List<string>();
        foreach (Match link in Link().Matches(WithoutBlocks(File.ReadAllText(file))))
        {
            var parts = link.Groups[1].Value.Split('#');
            if (parts[0].Contains("://", StringComparison.Ordinal)) continue;
            var target = parts[0].Length == 0 ? file : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, parts[0]));
            if (!File.Exists(target) || (parts.Length > 1 && !Anchors(target).Contains(parts[1]))) dead.Add(link.Groups[1].Value);
        }

        Assert.True(dead.Count == 0, $"{page} links to what is not there: {string.Join(", ", dead)}");
    }

    [Fact]
    public void The_index_of_the_README_names_every_page()
    {
        var readme = File.ReadAllText(Files[0]);
        Assert.All(Files.Skip(1), file => Assert.Contains($"({Path.GetRelativePath(FloorTests.Root(), file)})", readme));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Options_exist(string page)
    {
        var unknown = Option().Matches(Text(page)).Select(match => match.Value).Where(option => !ConfigurationPageTests.Known.Contains(option));
        Assert.Empty(unknown);
    }

    [Fact]
    public void Options_of_the_service_exist()
    {
        var names = ConfigurationPageTests.Known.Select(option => $"FLEETMDM__{option.Replace(":", "__", StringComparison.Ordinal)}".ToUpperInvariant()).ToHashSet();
        var files = Directory.EnumerateFiles(Path.Combine(FloorTests.Root(), "deploy"), "fleetmdm*").Append(Path.Combine(FloorTests.Root(), "docker-compose.yml")).ToList();
        var named = files.SelectMany(file => Regex.Matches(File.ReadAllText(file), "FLEETMDM__[A-Z_]+")).Select(match => match.Value).Where(name => name != "FLEETMDM__SECTION__KEY").ToList();
        Assert.True(named.Count >= 10);
        Assert.Empty(named.Except(names));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Routes_and_their_methods_are_in_the_description_of_REST(string page)
    {
        using var description = JsonDocument.Parse(File.ReadAllText(Path.Combine(FloorTests.Root(), "docs", "openapi-v1.json")));
        var routes = description.RootElement.GetProperty("paths").EnumerateObject().ToDictionary(
            path => Shape(path.Name), path => path.Value.EnumerateObject().Select(method => method.Name.ToUpperInvariant()).ToHashSet());
        var wrong = new List<string>();
        foreach (Match match in Route().Matches(Text(page)))
        {
            var route = Shape(match.Groups[2].Value.TrimEnd('.', '/'));
            var method = match.Groups[1].Value;
            var found = route.EndsWith('…')
                ? routes.Keys.Any(known => known.StartsWith(route.TrimEnd('…'), StringComparison.Ordinal))
                : routes.TryGetValue(route, out var methods) && (method.Length == 0 || methods.Contains(method));
            if (!found) wrong.Add(match.Value);
        }

        Assert.True(wrong.Count == 0, $"{page} names what docs/openapi-v1.json does not have: {string.Join(", ", wrong)}");
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Metrics_are_on_the_page_of_metrics(string page)
    {
        var known = MetricRow().Matches(Text("docs/metrics.md")).Select(match => match.Groups[1].Value).ToHashSet();
        Assert.NotEmpty(known);
        Assert.Empty(Metric().Matches(Text(page)).Select(match => match.Value).Except(known));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Verbs_of_the_audit_record_and_rights_exist(string page)
    {
        var things = AuditVerbs.All.Select(verb => verb.Split('.')[0]).ToHashSet();
        var named = Verb().Matches(Text(page)).Select(match => match.Groups[1].Value)
            .Where(verb => things.Contains(verb.Split('.')[0]) && verb.Split('.')[1] is not ("pem" or "md" or "cs" or "json" or "csv"));
        // A right is written like a verb, and so is what webhooks are told.
        Assert.Empty(named.Except(AuditVerbs.All).Except(Rights.All.Select(right => right.Name)).Except(WebhookKinds.OfDevices));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Events_of_the_log_exist(string page)
    {
        var sources = new[] { "Storage", "Grains", "Api", "Silo" }.SelectMany(project =>
            Directory.EnumerateFiles(Path.Combine(FloorTests.Root(), project), "*.cs", SearchOption.AllDirectories)).Where(file => !file.Contains("/obj/"));
        var known = sources.SelectMany(file => LogEvent().Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value)).ToHashSet();
        Assert.Empty(NamedEvent().Matches(Text(page)).Select(match => match.Groups[1].Value).Except(known));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Commands_of_shell_blocks_have_the_words_and_options_that_they_are_given(string page)
    {
        var wrong = new List<string>();
        foreach (var command in ShellBlocks(Text(page)).SelectMany(Commands))
        {
            var program = command[0];
            var (text, words) = program switch
            {
                "./test.sh" or "./cluster.sh" => (Head(program), command.Skip(1).Where(word => word.StartsWith("--", StringComparison.Ordinal) && word != "--")),
                "dotnet" when command.Contains("loadtests") => (Source("loadtests/LoadOptions.cs"), AfterDashes(command)),
                "dotnet" when command.Contains("Silo") => (Source("Silo/Hosting/Usage.cs"), AfterDashes(command)),
                "dotnet" when command.Any(word => word.EndsWith("FleetMdm.Silo.dll", StringComparison.Ordinal)) =>
                    (Source("Silo/Hosting/Usage.cs"), command.SkipWhile(word => !word.EndsWith("FleetMdm.Silo.dll", StringComparison.Ordinal)).Skip(1).Take(1)),
                "dotnet" => ("build format publish run test restore", command.Skip(1).Take(1)),
                _ => ("", Others.Contains(Path.GetFileName(program)) || program.StartsWith('$') ? [] : [program]),
            };
            // Options of the server are another test's.
            wrong.AddRange(words.Where(word => !word.Contains(':') && !Regex.IsMatch(text, $@"(?<![\w-]){Regex.Escape(word)}(?![\w-])")).Select(word => $"{program}: {word}"));
        }

        Assert.True(wrong.Count == 0, $"{page} gives programs what they do not take: {string.Join(", ", wrong)}");
    }

    /// <summary>An iPad that is refused is what people look up first.</summary>
    [Fact]
    public void Troubleshooting_explains_every_refusal_of_an_iPad()
    {
        var explained = ReasonRow().Matches(Text("docs/troubleshooting.md")).SelectMany(match => Code().Matches(match.Groups[1].Value)).Select(match => match.Groups[1].Value).ToHashSet();
        var reasons = Enum.GetValues<DeviceRefusal>().Where(refusal => refusal != DeviceRefusal.None).Select(DeviceRefusals.For)
            .Where(answer => answer.Status == 403).Select(answer => answer.Reason);
        Assert.Empty(reasons.Except(explained));
    }

    private static string Text(string page) => File.ReadAllText(Path.Combine(FloorTests.Root(), page));

    private static string Source(string file) => File.ReadAllText(Path.Combine(FloorTests.Root(), file));

    /// <summary>The comment at the beginning of a script, which is its help.</summary>
    private static string Head(string script) => string.Join('\n', File.ReadLines(Path.Combine(FloorTests.Root(), script)).TakeWhile(line => line.StartsWith('#')));

    private static string WithoutBlocks(string text) => Block().Replace(text, "");

    private static IEnumerable<string> ShellBlocks(string text) =>
        Block().Matches(text).Where(match => match.Groups[1].Value == "sh").Select(match => match.Groups[2].Value);

    /// <summary>Each command as its words; good enough for the plain commands that documentation has.</summary>
    private static IEnumerable<string[]> Commands(string block)
    {
        var joined = block.Replace("\\\n", " ", StringComparison.Ordinal);
        var inner = Substitution().Matches(joined).Select(match => match.Groups[1].Value);
        var outer = Quoted().Replace(Substitution().Replace(joined, "INNER"), "QUOTED");
        foreach (var line in outer.Split('\n').Concat(inner).Select(line => Comment().Replace(line, "")))
        {
            if (line.Contains("() {", StringComparison.Ordinal)) continue;
            foreach (var part in line.Split(["&&", "||", "|", ";"], StringSplitOptions.None))
            {
                var words = part.Split(' ', StringSplitOptions.RemoveEmptyEntries).SkipWhile(word => Assignment().IsMatch(word) || word == "sudo").ToArray();
                if (words is ["-u", _, .. var ofAnother]) words = ofAnother;
                if (words.Length > 0) yield return words;
            }
        }
    }

    private static IEnumerable<string> AfterDashes(string[] command) =>
        command.SkipWhile(word => word != "--").Skip(1).Where((word, i) => i == 0 || word.StartsWith("--", StringComparison.Ordinal));

    /// <summary>Headings as links name them: lower case, without punctuation, with hyphens for spaces.</summary>
    private static HashSet<string> Anchors(string file) =>
        [.. Heading().Matches(WithoutBlocks(File.ReadAllText(file))).Select(match => Punctuation().Replace(match.Groups[1].Value.ToLowerInvariant(), "").Replace(' ', '-'))];

    /// <summary>A route with its parameters alike: <c>{id}</c>, <c>$IPAD</c>.</summary>
    private static string Shape(string route) => Parameter().Replace(route.Split('?')[0], "{}");

    [GeneratedRegex(@"\[[^\]]*\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Punctuation();

    [GeneratedRegex(@"^ *```(\w*)\n(.*?)^ *```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\b(?:Storage|Secrets|Http|Mdm|Cluster|Ca|Scep|Push|Enrolment|Queue|Limits|Retention|Metrics):[A-Z]\w+")]
    private static partial Regex Option();

    [GeneratedRegex(@"(?:\b(GET|POST|PUT|DELETE) (?:\$SERVER)?)?(/api/v1/[^\s`""'),;|]*)")]
    private static partial Regex Route();

    [GeneratedRegex(@"\{\w+\}|\$\w+|\b[A-Z]{3,}\b")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"^\| `([a-z0-9_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex MetricRow();

    [GeneratedRegex(@"\bfleetmdm_[a-z0-9_]+\b")]
    private static partial Regex Metric();

    [GeneratedRegex(@"`(?:verb=)?([a-z][a-z-]+\.[a-z][a-z-]+)`")]
    private static partial Regex Verb();

    [GeneratedRegex(@"\[LoggerMessage\((\d+),")]
    private static partial Regex LogEvent();

    [GeneratedRegex(@"\bevents? (\d{4})\b")]
    private static partial Regex NamedEvent();

    [GeneratedRegex(@"^\| (`[^|]+) \|", RegexOptions.Multiline)]
    private static partial Regex ReasonRow();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"'[^']*'|""[^""]*""")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\$\(([^()]*)\)")]
    private static partial Regex Substitution();

    [GeneratedRegex(@"(?:^|\s)#.*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"^\w+=")]
    private static partial Regex Assignment();
}
