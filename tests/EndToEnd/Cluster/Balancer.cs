using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using FleetMdm.Testing;

namespace FleetMdm.EndToEnd.Cluster;

/// <summary>haproxy before the nodes of a test, with the very configuration that is deployed; only how often it asks is hurried.</summary>
public sealed class Balancer : IAsyncDisposable
{
    /// <summary>By then it has asked a node that stops, and sends it nothing new: one answer of 404 suffices.</summary>
    public static readonly TimeSpan NoticesWithin = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private Balancer(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    /// <summary>Where it connects from: of this address the nodes expect a PROXY header.</summary>
    public const string Address = "127.0.0.2";

    public int Port { get; }

    /// <param name="port">Where it listens: the nodes know it before it runs.</param>
    /// <exception cref="InvalidOperationException">There is no haproxy here, or it ended.</exception>
    public static async Task<Balancer> Start(string folder, int port, IEnumerable<int> nodes)
    {
        var program = new[] { "/usr/sbin/haproxy", "/usr/bin/haproxy", "/usr/local/sbin/haproxy" }.FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException("run ./test.sh, which installs haproxy: it was not found");
        var servers = nodes.Select((node, i) => string.Create(CultureInfo.InvariantCulture,
            $"    server node{i + 1} 127.0.0.1:{node} source {Address} inter 2s rise 1\n"));
        var configuration = Path.Combine(folder, "nodes.cfg");
        await File.WriteAllTextAsync(configuration,
            $"""
            frontend https
                bind 127.0.0.1:{port}
                default_backend nodes

            backend nodes from nodes
            {string.Concat(servers)}
            """);
        var start = new ProcessStartInfo(program)
        {
            ArgumentList = { "-db", "-f", Repository.File("deploy", "haproxy", "balancer.cfg"), "-f", configuration },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var balancer = new Balancer(new Process { StartInfo = start }, port);
        balancer._process.OutputDataReceived += (_, e) => balancer.Heard(e.Data);
        balancer._process.ErrorDataReceived += (_, e) => balancer.Heard(e.Data);
        balancer._process.Start();
        balancer._process.BeginOutputReadLine();
        balancer._process.BeginErrorReadLine();
        await balancer.Listens();
        return balancer;
    }

    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync().WaitAsync(Patience);
        _process.Dispose();
    }

    private void Heard(string? line)
    {
        lock (_output) _output.AppendLine(line);
    }

    private async Task Listens()
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            if (_process.HasExited) throw new InvalidOperationException($"haproxy ended:\n{Output}");
            try
            {
                using var socket = new TcpClient();
                await socket.ConnectAsync(IPAddress.Loopback, Port, patience.Token);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
            }
        }
    }
}
