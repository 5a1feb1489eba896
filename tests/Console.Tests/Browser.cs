using Deque.AxeCore.Commons;
using FleetMdm.Api.Tests.Admin;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(FleetMdm.Console.Tests.Browser))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace FleetMdm.Console.Tests;

/// <summary>The machine's Chromium, one for a whole run; each test has a profile of its own in it.</summary>
public sealed class Browser : IAsyncLifetime
{
    /// <summary>A page of this server answers in milliseconds; a machine that is busy with other tests takes longer.</summary>
    private const float Patience = 20_000;

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        // As patient as everything else: the machine may be busy.
        Assertions.SetDefaultExpectTimeout(Patience);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = FindChromium(),
            // Chromium's sandbox does not work for root, as whom containers run tests. Nothing but our own server is visited.
            // A container's shared memory may be too small for it.
            Args = ["--no-sandbox", "--disable-dev-shm-usage"],
        });
    }

    /// <param name="script">false: as in a browser that has script switched off.</param>
    public async Task<Visit> Visit(AdminServer server, int width = 1440, ColorScheme theme = ColorScheme.Light, bool script = true)
    {
        var context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = server.Address.AbsoluteUri,
            ViewportSize = new ViewportSize { Width = width, Height = 900 },
            ColorScheme = theme,
            JavaScriptEnabled = script,
        });
        context.SetDefaultTimeout(Patience);
        return new Visit(server, context, await context.NewPageAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    private static string FindChromium() =>
        new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists)
        ?? throw new InvalidOperationException("There is no Chromium. ./test.sh installs it; elsewhere, install the package chromium.");
}

/// <summary>A person at a browser. What the browser was asked to fetch elsewhere, and what its console said, is kept.</summary>
public sealed class Visit : IAsyncDisposable
{
    private static readonly string Axe = new BundledAxeScriptProvider().GetScript();
    private static readonly string[] Rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

    private readonly AdminServer _server;
    private readonly IBrowserContext _context;
    private readonly List<string> _complaints = [];

    internal Visit(AdminServer server, IBrowserContext context, IPage page)
    {
        (_server, _context, Page) = (server, context, page);
        page.Request += (_, request) =>
        {
            if (new Uri(request.Url) is { Scheme: not "data" } url && url.Authority != server.Address.Authority) _complaints.Add("asked for " + request.Url);
        };
        page.Console += (_, message) =>
        {
            // An answer that says no is one.
            if (message.Type == "error" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal)) _complaints.Add(message.Text);
        };
        page.PageError += (_, error) => _complaints.Add(error);
    }

    public IPage Page { get; }

    /// <summary>Requests to others, errors of the script, violations of the content policy.</summary>
    public IReadOnlyList<string> Complaints => _complaints;

    public async Task SignIn(string? token = null)
    {
        await Page.GotoAsync("/login");
        await Page.GetByLabel("API token").FillAsync(token ?? _server.Token);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Use the token" }).ClickAsync();
        await Page.WaitForURLAsync("**/");
    }

    /// <summary>Every page from now on has axe: the browser itself brings it in, whatever the page's policy says of scripts.</summary>
    public Task BringAxe() => _context.AddInitScriptAsync(Axe);

    /// <summary>What axe finds, by rule and element; pages must have none of WCAG 2.2 A and AA.</summary>
    /// <param name="within">Only there; null: the whole page.</param>
    public async Task<IReadOnlyList<string>> Violations(string? within = null) => await Page.EvaluateAsync<string[]>(
        """
        async ({ rules, within }) => (await axe.run(within ?? document, { runOnly: rules, resultTypes: ["violations"] })).violations
            .flatMap(violation => violation.nodes.map(node => `${violation.id}: ${node.html}`))
        """, new { rules = Rules, within });

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();
}
