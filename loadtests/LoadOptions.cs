using System.Globalization;
using FleetMdm.LoadTests.Fleet;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests;

/// <summary>The command line.</summary>
public sealed record LoadOptions
{
    public required string Scenario { get; init; }

    /// <summary>Null: a server is started here.</summary>
    public Uri? Target { get; init; }

    /// <summary>An administrator's token of the target.</summary>
    public string? Token { get; init; }

    /// <summary>Where the CA of the load test's iPads is written, for a target that has to trust it.</summary>
    public string? CaFile { get; init; }

    /// <summary>Of the target, for its CPU and memory.</summary>
    public int? ServerProcess { get; init; }

    /// <summary>Of the target's push certificate.</summary>
    public string Topic { get; init; } = "com.apple.mgmt.External.load-test";

    public int? IPads { get; init; }

    public TimeSpan? For { get; init; }

    public int? Connections { get; init; }

    public LoadIdentity Identity { get; init; } = LoadIdentity.Header;

    public bool RsaKeys { get; init; } = true;

    public bool Postgres { get; init; } = true;

    /// <summary>Rows of further iPads, which never come.</summary>
    public int Rows { get; init; }

    /// <summary>Rows of finished commands.</summary>
    public int History { get; init; }

    /// <summary>Servers of one cluster, of those that are started here; connections go to them in turn.</summary>
    public int Nodes { get; init; } = 1;

    /// <summary>With several nodes: an iPad always comes to the same one.</summary>
    public bool Sticky { get; init; }

    /// <summary>What each server that is started here may take of the machine's cores; null: as many as it likes.</summary>
    public double? Cores { get; init; }

    public bool Baseline { get; init; } = true;

    public string? Json { get; init; }

    public string? Html { get; init; }

    /// <summary>Options of the server that is started here.</summary>
    public IReadOnlyDictionary<string, string> Server { get; init; } = new Dictionary<string, string>();

    public const string Usage = """
        dotnet run -c Release --project loadtests -- SCENARIO [options]

        Scenarios
          idle      polls with nothing queued, as many as go, then paced at half of that; beside a bare Kestrel endpoint
          cycle     queued commands: fetched, acknowledged, next; beside the same with one-row-at-a-time AdoNet storage
          enqueue   operations over the whole fleet while iPads poll; then single commands by REST
          enrol     Authenticate and TokenUpdate, keys and certificates made beforehand
          scep      whole enrolments: profile, SCEP, Authenticate, TokenUpdate
          morning   a cold fleet wakes up within ten seconds
          exam      operation, push, check-in, acknowledged: until all iPads are locked into one app
          push      how many notifications a second reach APNs
          soak      polls and commands at a steady rate: memory and latency must stay flat
          overload  five times what the server can take: who is refused, what it costs, and how soon it is over
          inventory queued InstalledApplicationList with 150 apps that did not change, beside the same answer to a command that is not read;
                    then with one app that did
          filter    filters with three conditions over 500,000 iPads: the first page, and the count
          export    the list of 100,000 iPads as CSV: time, and memory of the server
          automated 100,000 serial numbers fetched from a simulated Apple School Manager, kept, and assigned a profile; then what a sync without news
                    costs (--for: how long the server is watched meanwhile)
          licences  50,000 licences of an app given by a simulated Apps and Books: requests by kind, beside the fewest that there can be
          declarations
                    status reports beside idle polls; tokens, with what they read in the store; then each iPad takes a new declaration: requests by kind
          storm     thousands of iPads connect in the same moment, with their certificates: until each of them is served

        Options
          --target URL         a server that runs already; else one is started here with PostgreSQL and a simulated APNs
          --token TOKEN        an administrator's token of the target (all scenarios but idle and enrol)
          --ca FILE            writes the CA that the target has to trust (Mdm:TrustedIdentityCas and …EnrolUntil), and waits for Enter
          --pid N              the target's process, for CPU and memory
          --topic TOPIC        of the target's push certificate
          --ipads N            how many iPads (default: the scenario's)
          --for TIME           how long, as in 60s, 5m or 2h
          --connections N      at once
          --identity KIND      header (default; RFC 9440, from a trusted proxy), signature (Mdm-Signature) or mtls
          --keys KIND          rsa (default) or ec
          --storage KIND       postgres (default) or sqlite, of the server that is started here
          --nodes N            so many servers as one cluster on PostgreSQL; connections go to them in turn, without a balancer
          --sticky             with --nodes: an iPad always comes to the same node (idle, cycle, enrol)
          --cores X            CPU that each of these servers may take, as 0.25 (as root); the load and PostgreSQL have the rest
          --rows N             rows of further iPads in the database
          --history N          rows of finished commands in the database
          --no-baseline        leaves out what the scenario compares with
          --server KEY=VALUE   an option of the server that is started here; may be repeated
          --json FILE          results for programs
          --html FILE          results with plots, in one file
        """;

    /// <exception cref="LoadException">Something is not understood.</exception>
    public static LoadOptions Parse(IReadOnlyList<string> arguments)
    {
        if (arguments.Count == 0) throw new LoadException("Name a scenario; --help lists them.");
        var options = new LoadOptions { Scenario = arguments[0] };
        var server = new Dictionary<string, string>();
        for (var i = 1; i < arguments.Count; i++)
        {
            var name = arguments[i];
            if (name == "--no-baseline")
            {
                options = options with { Baseline = false };
                continue;
            }

            if (name == "--sticky")
            {
                options = options with { Sticky = true };
                continue;
            }

            if (++i == arguments.Count) throw new LoadException($"{name} has no value.");
            var value = arguments[i];
            options = name switch
            {
                "--target" => options with { Target = Uri.TryCreate(value, UriKind.Absolute, out var url) ? url : throw Wrong(name, value) },
                "--token" => options with { Token = value },
                "--ca" => options with { CaFile = value },
                "--pid" => options with { ServerProcess = Number(name, value) },
                "--topic" => options with { Topic = value },
                "--ipads" => options with { IPads = Number(name, value) },
                "--for" => options with { For = Time(name, value) },
                "--connections" => options with { Connections = Number(name, value) },
                "--identity" => options with { Identity = Enum.TryParse<LoadIdentity>(value, ignoreCase: true, out var kind) ? kind : throw Wrong(name, value) },
                "--keys" => options with { RsaKeys = value switch { "rsa" => true, "ec" => false, _ => throw Wrong(name, value) } },
                "--storage" => options with { Postgres = value switch { "postgres" => true, "sqlite" => false, _ => throw Wrong(name, value) } },
                "--nodes" => options with { Nodes = Number(name, value) },
                "--cores" => options with { Cores = Share(name, value) },
                "--rows" => options with { Rows = Number(name, value) },
                "--history" => options with { History = Number(name, value) },
                "--json" => options with { Json = value },
                "--html" => options with { Html = value },
                "--server" => Add(options, value),
                _ => throw new LoadException($"There is no option {name}; --help lists them."),
            };
        }

        if (options.Nodes > 1 && (!options.Postgres || options.Target is not null))
            throw new LoadException("--nodes needs servers that are started here, on PostgreSQL.");
        if (options.Sticky && (options.Nodes == 1 || options.Scenario is not ("idle" or "cycle" or "enrol")))
            throw new LoadException("--sticky needs --nodes, and is for idle, cycle and enrol.");
        if (options.Cores is not null && options.Target is not null) throw new LoadException("--cores needs servers that are started here.");
        return options with { Server = server };

        LoadOptions Add(LoadOptions unchanged, string setting)
        {
            var equals = setting.IndexOf('=');
            if (equals < 1) throw Wrong("--server", setting);
            server[setting[..equals]] = setting[(equals + 1)..];
            return unchanged;
        }
    }

    private static int Number(string name, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : throw Wrong(name, value);

    private static double Share(string name, string value) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var share) && share is >= 0.05 and <= 64
            ? share
            : throw Wrong(name, value);

    private static TimeSpan Time(string name, string value)
    {
        var number = Number(name, value[..^1]);
        return value[^1] switch
        {
            's' => TimeSpan.FromSeconds(number),
            'm' => TimeSpan.FromMinutes(number),
            'h' => TimeSpan.FromHours(number),
            _ => throw Wrong(name, value),
        };
    }

    private static LoadException Wrong(string name, string value) => new($"{name} {value} is not understood; see --help.");
}
