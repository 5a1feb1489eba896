using System.Globalization;
using System.Net.Sockets;
using System.Text;
using FleetMdm.EndToEnd.Fleet;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.EndToEnd.Faults;

/// <summary>A server that works on few messages at once, so that few clients could fill it; iPads and administrators who go on.</summary>
/// <remarks>iPads by TLS, administrators on a listener of their own and without.</remarks>
public class ServerUnderStrangers : IAsyncLifetime
{
    /// <summary>Places for messages of iPads.</summary>
    public const int Places = 16;

    private const int MostOfAFailure = 6_000;

    private RunningServer? _server;

    public RunningServer Server => _server!;

    public FaultAudit Audit { get; private set; } = null!;

    public int AdminPort { get; private set; }

    /// <summary>Connections that a listener takes.</summary>
    public int Connections => 1_000;

    public async ValueTask InitializeAsync()
    {
        AdminPort = Ports.Free();
        _server = new RunningServer
        {
            AdminUrl = new Uri($"http://127.0.0.1:{AdminPort}"),
            Options = new Dictionary<string, string>
            {
                ["Http:AdminListen"] = $"http://127.0.0.1:{AdminPort}",
            }.Concat(Limits()).ToDictionary(),
        };
        await Server.InitializeAsync();
        Audit = await FaultAudit.Begin(Server, ipads: 4);
    }

    /// <summary>One fault, by many strangers at once, while commands go their whole way and nobody is turned away.</summary>
    public async Task Meanwhile(string fault, Func<Task> strangers)
    {
        Audit.StartSending(senders: 2);
        await Audit.AcceptedMore(10);
        var underWay = Task.Run(strangers);
        var recovery = await Audit.Recovery();
        await underWay;
        await Audit.AcceptedMore(10);
        await Audit.Settle(fault, [recovery]);
        Assert.Equal((0, 0), (await Audit.TurnedAway("device"), await Audit.TurnedAway("admin")));
        // With what follows it: the first line alone does not say what went wrong.
        var output = Server.Process.Output;
        var failed = output.IndexOf("fail: Microsoft.AspNetCore", StringComparison.Ordinal);
        Assert.True(failed < 0, failed < 0 ? "" : output[failed..Math.Min(output.Length, failed + MostOfAFailure)]);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (Audit is not null) await Audit.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
    }

    protected virtual Dictionary<string, string> Limits() => new()
    {
        ["Limits:DeviceConcurrency"] = $"{Places}",
        ["Limits:DeviceQueue"] = "8",
        ["Limits:MaxConnections"] = $"{Connections}",
    };

    /// <summary>The same with the limits that a server has by default.</summary>
    public sealed class ByDefault : ServerUnderStrangers
    {
        protected override Dictionary<string, string> Limits() => [];
    }
}

/// <summary>Clients that are slow, silent or rude, and far more of them than there are places: they are let go in the times that
/// Api/Hosting/WebHosting.cs states, and iPads and administrators do not notice them.</summary>
public sealed class TransportFaultTests(ServerUnderStrangers world) : IClassFixture<ServerUnderStrangers>
{
    /// <summary>Far more than there are places, and than may wait for one.</summary>
    private const int Strangers = 6 * ServerUnderStrangers.Places;

    private const int ResetRequests = 20_000;
    private const int ResetConnections = 4;

    /// <summary>Of a command that takes a slow iPad long to receive; it fits the limit on commands.</summary>
    private const int LargeCommand = 5 * 1024 * 1024;
    private const int MostReaders = 60;
    private const int ReadersOfOneIPad = 4;

    private const int LeftForOthers = 100;

    private static readonly TimeSpan Slowly = TimeSpan.FromSeconds(1);

    private const string Idle =
        """<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict><key>Status</key><string>Idle</string><key>UDID</key><string>UDID</string></dict></plist>""";

    private int Port => world.Server.Process.Port;

    [Fact]
    public Task Slow_clients_of_every_kind_are_let_go_and_take_no_place_until_then() => Meanwhile("Slowloris: TLS, headers, bodies, 288 of them", () => Task.WhenAll(
        Many(Strangers, async () =>
        {
            // The beginning of a ClientHello.
            using var client = await RawClient.Connect(Port);
            await client.Send(new byte[] { 22, 3, 1, 2 });
            Assert.Equal("", await client.ReadToEnd());
        }),
        Many(Strangers, async () =>
        {
            using var client = await RawClient.ConnectTls(Port);
            var trickling = client.Trickle("GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + new string('x', 1000), Slowly);
            Assert.Contains(" 408 ", await client.ReadToEnd());
            await trickling;
        }),
        Many(Strangers, async () =>
        {
            using var client = await RawClient.ConnectTls(Port);
            await client.Send("PUT /mdm/connect HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\n");
            var trickling = client.Trickle(new string('x', 1000), Slowly);
            Assert.Contains(" 408 ", await client.ReadToEnd());
            await trickling;
        })));

    [Fact]
    public Task Bodies_that_are_broken_off_leave_nothing_behind() => Meanwhile("Half-sent bodies", () => Many(Strangers, async () =>
    {
        foreach (var length in new[] { "Content-Length: 4000", "Content-Length: 100000", "Transfer-Encoding: chunked" })
        {
            using var hangsUp = await RawClient.ConnectTls(Port);
            await hangsUp.Send($"PUT /mdm/checkin HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n7d0\r\n{new string('x', 2000)}");
            hangsUp.HangUp();
            using var resets = await RawClient.ConnectTls(Port);
            await resets.Send($"PUT /mdm/checkin HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n7d0\r\n{new string('x', 2000)}");
            resets.Reset();
            await hangsUp.ReadToEnd();
        }
    }));

    [Fact]
    public Task Too_many_headers_and_too_long_ones_are_refused_at_once() => Meanwhile("Very many headers", () => Many(Strangers, async () =>
    {
        var many = string.Concat(Enumerable.Range(0, 200).Select(n => string.Create(CultureInfo.InvariantCulture, $"X-{n}: y\r\n")));
        foreach (var headers in new[] { many, $"X-Long: {new string('x', 60_000)}\r\n" })
        {
            using var client = await RawClient.ConnectTls(Port);
            await client.Send($"GET /ca.pem HTTP/1.1\r\nHost: localhost\r\n{headers}");
            Assert.Contains(" 431 ", await client.ReadToEnd());
        }
    }));

    [Fact]
    public Task Requests_that_are_taken_back_at_once_are_too_few_to_matter() => Meanwhile("HTTP/2 rapid reset", () => Many(ResetConnections, async () =>
    {
        var left = ResetRequests;
        while (left > 0)
        {
            using var client = await RawClient.ConnectTls(Port, http2: true);
            var sent = await RapidReset.Flood(client, left);
            left -= Math.Max(1, sent);
        }
    }));

    [Fact]
    public Task iPads_that_take_a_large_command_slowly_take_no_place_and_no_more_memory_than_there_is() => Meanwhile("Slow readers of large commands", async () =>
    {
        await using var fleet = world.Server.NewFleet();
        var ipads = new List<VirtualIPad>();

        // Each takes a piece and then no more. Some forty fit into the memory for such answers, the others are told to come again.
        var taken = 0;
        var readers = new List<RawClient>();
        var refused = "";
        while (refused.Length == 0 && readers.Count < MostReaders)
        {
            // One that asks again and again and never answers is told of something else after a while.
            if (readers.Count % ReadersOfOneIPad == 0)
            {
                ipads.Add(await world.Server.EnrolAsync(fleet, _ => IPadDescription.Number(900_001 + ipads.Count)));
                ipads[^1].GoOffline();
                await world.Server.Admin.SendCommandAsync(ipads[^1].Udid, FaultAudit.Plist("ProfileList", LargeCommand));
            }

            var body = Encoding.UTF8.GetBytes(Idle.Replace("<string>UDID", $"<string>{ipads[^1].Udid}", StringComparison.Ordinal));
            var request = $"PUT /mdm/connect HTTP/1.1\r\nHost: localhost\r\nMdm-Signature: {ipads[^1].Identity!.Sign(body)}\r\nContent-Length: {body.Length}\r\n\r\n";
            var reader = await RawClient.ConnectTls(Port, window: 4096);
            readers.Add(reader);
            await reader.Send((byte[])[.. Encoding.ASCII.GetBytes(request), .. body]);
            var answer = await reader.ReadSome();
            if (answer.Contains(" 200 ", StringComparison.Ordinal)) taken++;
            else refused = answer;
        }

        Assert.Contains(" 503 ", refused);
        Assert.Contains("Retry-After", refused);
        Assert.True(taken > 2 * ServerUnderStrangers.Places, $"Only {taken} large commands were under way at once.");
        await world.Audit.Recovery();
        readers.ForEach(reader => reader.Dispose());
        foreach (var ipad in ipads) await world.Server.Admin.RemoveDeviceAsync(ipad.Udid);
    });

    [Fact]
    public Task Idle_connections_cost_nobody_anything_and_one_too_many_is_closed_at_once() => Meanwhile("1,800 idle connections, plain and TLS", async () =>
    {
        using var held = new IdleConnections();
        await held.Open(world.Connections - LeftForOthers, () => RawClient.Connect(world.AdminPort));
        await held.Open(world.Connections - LeftForOthers, () => RawClient.ConnectTls(Port));
        await world.Audit.Recovery();

        // The iPads hold some too, so their listener is full a little earlier. It closes the next one before the handshake;
        // administrators have a listener of their own.
        var full = false;
        for (var more = 0; more < LeftForOthers && !full; more++)
        {
            try
            {
                await held.Open(1, () => RawClient.ConnectTls(Port));
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                full = true;
            }
        }

        Assert.True(full, "One connection too many was taken.");
        await Readiness.WaitAsync(world.Server.AdminUrl!, RawClient.Patience, TimeProvider.System);
    });

    private static Task Many(int count, Func<Task> stranger) => Task.WhenAll(Enumerable.Range(0, count).Select(_ => Task.Run(stranger)));

    private Task Meanwhile(string fault, Func<Task> strangers) => world.Meanwhile(fault, strangers);
}

/// <summary>What takes minutes, on a server with the limits that it has by default.</summary>
[Trait("Length", "Long")]
public sealed class TransportFaultsLong(ServerUnderStrangers.ByDefault world) : IClassFixture<ServerUnderStrangers.ByDefault>
{
    private const int Crowd = 10_000;

    [Theory]
    [InlineData("TLS")]
    [InlineData("plain")]
    public Task Ten_thousand_idle_connections_are_held_for_a_while_and_then_closed(string kind) => world.Meanwhile($"10,000 idle connections ({kind})", async () =>
    {
        var before = world.Server.Process.ResidentBytes;
        using var held = new IdleConnections();
        await held.Open(Crowd, () => kind == "TLS" ? RawClient.ConnectTls(world.Server.Process.Port) : RawClient.Connect(world.AdminPort));
        var each = (world.Server.Process.ResidentBytes - before) / Crowd;
        FaultAudit.Note($"{Crowd} idle connections ({kind}): {each:N0} bytes of memory each.");
        await world.Audit.Recovery();
        await held.AllClosed();
    });
}

/// <summary>Connections on which nothing is said.</summary>
public sealed class IdleConnections : IDisposable
{
    private const int AtOnce = 16;

    private readonly List<RawClient> _held = [];

    public async Task Open(int count, Func<Task<RawClient>> connect)
    {
        foreach (var part in Enumerable.Range(0, count).Chunk(AtOnce)) _held.AddRange(await Task.WhenAll(part.Select(_ => connect())));
    }

    /// <summary>Waits until the server has closed every one of them.</summary>
    public async Task AllClosed()
    {
        foreach (var client in _held) Assert.Equal("", await client.ReadToEnd());
    }

    public void Dispose()
    {
        foreach (var client in _held) client.Dispose();
    }
}
