using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FleetMdm.EndToEnd.Faults;
using FleetMdm.EndToEnd.Fleet;
using FleetMdm.Testing;

namespace FleetMdm.EndToEnd.Observability;

/// <summary>What the documentation, the dashboard and the alerts speak of is what a server serves, and the other way round.</summary>
public sealed partial class MetricNameTests : IAsyncLifetime
{
    /// <summary>Longer than the first count of the fleet takes, which comes with the first tick of the sweep.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);

    private PostgresDatabase? _database;

    public async ValueTask InitializeAsync() => _database = await PostgresDatabase.Create();

    public async ValueTask DisposeAsync()
    {
        if (_database is not null) await _database.DisposeAsync();
    }

    /// <summary>Orleans' counters that are not served before they count for the first time, which a healthy server may never do.</summary>
    private static readonly HashSet<string> OnceItHappens = ["orleans_scheduler_long_running_turns_total"];

    [Fact]
    public async Task No_name_is_dead_and_none_is_missing()
    {
        await using var server = new RunningServer
        {
            Options = new Dictionary<string, string>
            {
                ["Storage:Provider"] = "PostgreSQL",
                ["Storage:ConnectionString"] = _database!.ConnectionString,
                ["Secrets:MasterKey"] = Convert.ToBase64String("a master key for metrics' names!"u8),
                ["Webhooks:AllowPrivateAddresses"] = "true",
                ["Webhooks:AllowHttp"] = "true",
            },
        };
        await server.InitializeAsync();
        await using var receiver = await EventReceiver.Start();
        await server.Admin.PostAsync("/api/v1/webhooks", new JsonObject { ["name"] = "Metrics", ["url"] = receiver.Url, ["events"] = new JsonArray("command.finished") });
        await server.RunAsync(async fleet =>
        {
            var ipad = await server.EnrolAsync(fleet);
            var command = await server.Admin.SendCommandAsync(ipad.Udid, new JsonObject { ["requestType"] = "DeviceInformation" });
            await RunningServer.ReportedAsync(ipad, command, "Acknowledged");
        });
        using var http = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = server.Trust.NewPolicy() },
        })
        {
            BaseAddress = server.Url,
        };

        // A stranger, for the refusals.
        var refused = await http.PutAsync(new Uri("/mdm/connect", UriKind.Relative), new StringContent("<plist/>", Encoding.UTF8, "application/xml"));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        refused = await http.PostAsync(new Uri("/acme/new-account", UriKind.Relative), new StringContent("<plist/>", Encoding.UTF8, "application/xml"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, refused.StatusCode);
        var anonymous = await http.GetAsync(new Uri("/metrics", UriKind.Relative));
        Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);

        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", server.Process.AdminToken);
        var promised = Documented().Concat(Queried(Dashboard())).Concat(Queried(Alerts())).Distinct().Order().ToList();
        promised.RemoveAll(OnceItHappens.Contains);
        Assert.True(promised.Count > 40, $"Only {promised.Count} names were found: the pages are not read any more as they are written.");

        var served = new HashSet<string>();
        using var patience = new CancellationTokenSource(Patience);
        while (!promised.TrueForAll(served.Contains))
        {
            Assert.False(patience.IsCancellationRequested, $"Not served: {string.Join(", ", promised.Except(served))}.");
            await Task.Delay(BetweenLooks, TimeProvider.System);
            served = Served(await http.GetStringAsync(new Uri("/metrics", UriKind.Relative)));
        }

        var own = served.Where(name => name.StartsWith("fleetmdm_", StringComparison.Ordinal) && !Part().IsMatch(name));
        Assert.Empty(own.Except(Documented()));
    }

    [Fact]
    public void Every_alert_says_what_it_means_and_has_its_paragraph_on_what_to_do()
    {
        var rules = File.ReadAllText(Doc("grafana/alerts.yml"));
        var names = AlertName().Matches(rules).Select(match => match.Groups[1].Value).ToList();
        var paragraphs = File.ReadAllText(Doc("operations.md"));

        Assert.NotEmpty(names);
        foreach (var name in names)
        {
            Assert.Contains($"\n#### {name}\n", paragraphs);
            Assert.Contains($"runbook: docs/operations.md#{name.ToLowerInvariant()}", rules);
        }

        foreach (var part in new[] { "severity:", "summary:", "description:" })
            Assert.Equal(names.Count, rules.Split(part).Length - 1);
    }

    /// <summary>Names in the first column of the tables of docs/metrics.md.</summary>
    private static List<string> Documented() => [.. TableRow().Matches(File.ReadAllText(Doc("metrics.md"))).Select(match => match.Groups[1].Value)];

    private static IEnumerable<string> Dashboard()
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Doc("grafana/fleetmdm-dashboard.json")));
        return
        [
            .. json.RootElement.GetProperty("panels").EnumerateArray()
                .Where(panel => panel.TryGetProperty("targets", out _))
                .SelectMany(panel => panel.GetProperty("targets").EnumerateArray().Select(target => target.GetProperty("expr").GetString()!)),
            .. json.RootElement.GetProperty("templating").GetProperty("list").EnumerateArray()
                .Where(variable => variable.GetProperty("type").GetString() == "query")
                .Select(variable => variable.GetProperty("definition").GetString()!),
        ];
    }

    private static IEnumerable<string> Alerts() =>
        Expression().Matches(File.ReadAllText(Doc("grafana/alerts.yml"))).Select(match => match.Groups[1].Value);

    /// <summary>The metrics in PromQL: what is left of its words without labels, functions and the words of the language.</summary>
    private static IEnumerable<string> Queried(IEnumerable<string> expressions) => expressions
        .SelectMany(expression => Word().Matches(Labels().Replace(expression, " ")).Select(match => match.Value))
        .Where(name => name.Contains('_', StringComparison.Ordinal) && name is not ("histogram_quantile" or "label_values"));

    private static HashSet<string> Served(string text) =>
    [
        .. text.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line[..line.IndexOfAny(['{', ' '])]),
        .. text.Split('\n').Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]),
    ];

    private static string Doc(string name) => Repository.File("docs", name);

    [GeneratedRegex(@"^\| `([a-z0-9_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex TableRow();

    [GeneratedRegex(@"^ +expr: (?:>-\n)?(.+?)\n +(?:for|labels):", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Expression();

    [GeneratedRegex(@"^ +- alert: (\w+)$", RegexOptions.Multiline)]
    private static partial Regex AlertName();

    [GeneratedRegex(@"\{[^}]*\}|\b(?:by|on|without|ignoring)\s*\([^)]*\)|\[[^\]]*\]|,\s*\w+\)$")]
    private static partial Regex Labels();

    [GeneratedRegex(@"\b[a-z][a-z0-9_]*\b")]
    private static partial Regex Word();

    /// <summary>One of the three series of a histogram.</summary>
    [GeneratedRegex("_(?:bucket|sum|count)$")]
    private static partial Regex Part();
}
