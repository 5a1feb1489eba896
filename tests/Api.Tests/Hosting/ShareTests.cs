using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Limits;
using FleetMdm.Silo.Hosting;
using FleetMdm.Storage.Audit;
using FleetMdm.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Api.Tests.Hosting;

/// <summary>What an address may take of what all share, and how the server knows from which address a client comes.</summary>
public sealed class ShareTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly IPAddress District = IPAddress.Parse("127.0.0.1");
    private static readonly IPAddress Other = IPAddress.Parse("127.0.0.2");

    private readonly TemporaryFolder _folder = new();
    private readonly List<Socket> _sockets = [];

    public void Dispose()
    {
        foreach (var socket in _sockets) socket.Dispose();
        _folder.Dispose();
    }

    private async Task<(WebApplication App, Uri Listener)> Start(params string[] options)
    {
        var app = ServerHost.Build(
            [$"--Storage:DataDirectory={_folder.File("data")}", "--Logging:LogLevel:FleetMdm=Error", "--Http:Listen=http://127.0.0.1:0", .. options]);
        await FleetProcess.Start(app, CancellationToken.None);
        return (app, new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()));
    }

    private async Task<Socket> Connect(Uri listener, IPAddress from)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _sockets.Add(socket);
        socket.Bind(new IPEndPoint(from, 0));
        await socket.ConnectAsync(IPAddress.Loopback, listener.Port);
        return socket;
    }

    /// <summary>The same for a new connection: it may be closed before it is known to be open.</summary>
    private async Task<int> ConnectAndAsk(Uri listener, IPAddress from)
    {
        try
        {
            return await Ask(await Connect(listener, from));
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    /// <summary>The status of one answer; 0: the connection was closed.</summary>
    private static async Task<int> Ask(Socket socket, string request = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n", byte[]? before = null)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await socket.SendAsync((byte[])[.. before ?? [], .. Encoding.ASCII.GetBytes(request)], patience.Token);
            var buffer = new byte[4096];
            var read = await socket.ReceiveAsync(buffer, patience.Token);
            return read == 0 ? 0 : int.Parse(Encoding.ASCII.GetString(buffer, 9, 3), System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    [Fact]
    public async Task One_address_may_hold_every_connection_until_another_one_comes_and_then_makes_room_for_it()
    {
        var (app, listener) = await Start("--Limits:MaxConnections=100");
        await using var _ = app;
        var district = new List<Socket>();
        for (var i = 0; i < 100; i++)
        {
            district.Add(await Connect(listener, District));
            Assert.Equal(200, await Ask(district[i]));
        }

        // Nobody makes room for one more of its own.
        Assert.Equal(0, await ConnectAndAsk(listener, District));

        // An address that has none is served, one connection after the other, until it has nearly as many.
        for (var i = 0; i < 10; i++) Assert.Equal(200, await ConnectAndAsk(listener, Other));

        // The oldest ones were closed, when they were idle: nothing was under way. The others go on.
        for (var i = 0; i < 10; i++) Assert.Equal(0, await Ask(district[i]));
        for (var i = 10; i < 100; i++) Assert.Equal(200, await Ask(district[i]));
    }

    [Fact]
    public async Task A_request_that_is_under_way_is_finished_before_its_connection_makes_room()
    {
        var (app, listener) = await Start("--Limits:MaxConnections=100");
        await using var _ = app;
        var first = await Connect(listener, District);
        // 100: the server has begun with it.
        Assert.Equal(100, await Ask(first, "PUT /mdm/connect HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
        await first.SendAsync("a"u8.ToArray());
        for (var i = 1; i < 100; i++) Assert.Equal(200, await ConnectAndAsk(listener, District));

        Assert.Equal(200, await ConnectAndAsk(listener, Other));
        Assert.Equal(400, await Ask(first, "bc"));
        Assert.Equal(0, await Ask(first));
    }

    [Fact]
    public async Task Connections_of_a_trusted_proxy_are_many_clients_and_never_make_room()
    {
        var (app, listener) = await Start("--Limits:MaxConnections=100", "--Mdm:TrustedProxies:0=127.0.0.1");
        await using var _ = app;
        var proxy = new List<Socket>();
        for (var i = 0; i < 100; i++)
        {
            proxy.Add(await Connect(listener, District));
            Assert.Equal(200, await Ask(proxy[i]));
        }

        Assert.Equal(0, await ConnectAndAsk(listener, Other));
        Assert.Equal(200, await Ask(proxy[0]));
    }

    [Fact]
    public async Task At_a_gate_every_other_place_goes_to_who_has_few_and_the_line_makes_room_for_them()
    {
        using var gate = new AdmissionGate(
            new AdmissionRules { Concurrency = 1, Queue = 16, LongestWait = Patience }, new FakeTimeProvider());
        Assert.True(await gate.EnterAsync(default, 1));
        var flood = Enumerable.Range(0, 16).Select(_ => gate.EnterAsync(default, 1).AsTask()).ToList();
        Assert.False(await gate.EnterAsync(default, 1));

        // The line is full, and the last of the flood gives way.
        var honest = gate.EnterAsync(default, 2).AsTask();
        Assert.False(await flood[15]);
        gate.Leave();
        Assert.True(await honest);

        // And the flood is not kept out for ever: by order it is served in between.
        var more = Enumerable.Range(0, 4).Select(n => gate.EnterAsync(default, (UInt128)(10 + n)).AsTask()).ToList();
        gate.Leave();
        Assert.True(await flood[0]);
        gate.Leave();
        Assert.True(await more[0]);
        gate.Leave();
        Assert.True(await flood[1]);
    }

    [Fact]
    public async Task Alone_at_a_gate_an_address_waits_as_if_there_were_no_shares()
    {
        using var gate = new AdmissionGate(
            new AdmissionRules { Concurrency = 1, Queue = 100, LongestWait = Patience, NewestFirst = true }, new FakeTimeProvider());
        Assert.True(await gate.EnterAsync(default, 7));
        var waiting = Enumerable.Range(0, 100).Select(_ => gate.EnterAsync(default, 7).AsTask()).ToList();
        for (var i = 99; i >= 0; i--)
        {
            gate.Leave();
            Assert.True(await waiting[i]);
        }
    }

    private static byte[] Version2(IPAddress source, byte command = 0x21, byte[]? further = null)
    {
        var address = source.GetAddressBytes();
        var block = (byte[])[.. address, .. new byte[address.Length], 1, 2, 3, 4, .. further ?? []];
        return [.. "\r\n\r\n\0\r\nQUIT\n"u8, command, (byte)(address.Length == 4 ? 0x11 : 0x21), (byte)(block.Length >> 8), (byte)block.Length, .. block];
    }

    private static string WrongToken() =>
        $"GET /api/v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ApiToken.Create()}\r\n";

    private static async Task<List<string?>> Rejected(WebApplication app)
    {
        var records = await app.Services.GetRequiredService<IAuditStore>().List(new AuditFilter { Verb = AuditVerbs.TokenReject }, null, 100);
        return [.. records.Select(record => record.Actor.Address)];
    }

    [Fact]
    public async Task A_trusted_balancer_tells_the_address_by_the_PROXY_protocol_and_nobody_else_can()
    {
        var (app, listener) = await Start("--Mdm:ProxyProtocol=true", "--Mdm:TrustedProxies:0=127.0.0.1");
        await using var _ = app;
        var wrong = WrongToken() + "\r\n";

        Assert.Equal(401, await Ask(await Connect(listener, District), wrong, "PROXY TCP4 203.0.113.7 192.0.2.1 5000 443\r\n"u8.ToArray()));
        Assert.Equal(401, await Ask(await Connect(listener, District), wrong, Version2(IPAddress.Parse("2001:db8::7"), further: [3, 0, 1, 9])));
        // A health check of the balancer itself.
        Assert.Equal(200, await Ask(await Connect(listener, District), before: Version2(IPAddress.Any, command: 0x20)));

        // Without a header, or with one that is none, the balancer is not served: its client's address would be taken for the balancer's.
        Assert.Equal(0, await ConnectAndAsk(listener, District));
        Assert.Equal(0, await Ask(await Connect(listener, District), before: "PROXY TCP4 nonsense\r\n"u8.ToArray()));

        // A stranger is served, and his header is a bad request.
        Assert.Equal(200, await ConnectAndAsk(listener, Other));
        Assert.Equal(400, await Ask(await Connect(listener, Other), wrong, "PROXY TCP4 203.0.113.8 192.0.2.1 5000 443\r\n"u8.ToArray()));

        Assert.Equivalent(new[] { "203.0.113.7", "2001:db8::7" }, await Rejected(app), strict: true);
    }

    [Fact]
    public async Task A_trusted_proxy_tells_the_address_by_a_header_and_what_a_client_made_up_is_not_believed()
    {
        var (app, listener) = await Start("--Mdm:ForwardedForHeader=X-Forwarded-For", "--Mdm:TrustedProxies:0=127.0.0.1", "--Mdm:TrustedProxies:1=10.0.0.0/8");
        await using var _ = app;
        var token = WrongToken();
        Assert.Equal(401, await Ask(await Connect(listener, District), token + "X-Forwarded-For: 1.1.1.1, 203.0.113.7, 10.0.0.9\r\n\r\n"));
        Assert.Equal(401, await Ask(await Connect(listener, Other), token + "X-Forwarded-For: 203.0.113.8\r\n\r\n"));
        Assert.Equal(401, await Ask(await Connect(listener, District), token + "X-Forwarded-For: nonsense\r\n\r\n"));
        Assert.Equivalent(new[] { "203.0.113.7", "127.0.0.2", "127.0.0.1" }, await Rejected(app), strict: true);
    }

    [Theory]
    [InlineData("PROXY UNKNOWN\r\n", "Own")]
    [InlineData("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\nGET", "Own")]
    [InlineData("PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "Told")]
    [InlineData("PROXY TCP4 1.2.3.4 ", "More")]
    [InlineData("PROXY", "More")]
    [InlineData("", "More")]
    [InlineData("\r\n\r\n", "More")]
    [InlineData("GET / HTTP/1.1\r\n", "Bad")]
    [InlineData("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "Bad")]
    [InlineData("PROXY \r\n", "Bad")]
    public void A_PROXY_header_is_read_as_it_is_written(string text, string outcome) =>
        Assert.Equal(outcome, ProxyProtocol.Parse(new ReadOnlySequence<byte>(Encoding.Latin1.GetBytes(text)), out _, out _).ToString());

    [Fact]
    public void A_PROXY_header_of_any_length_and_content_throws_nothing()
    {
        var good = Version2(IPAddress.Parse("2001:db8::7"));
        for (var cut = 0; cut < good.Length; cut++)
            Assert.Equal(ProxyProtocol.Outcome.More, ProxyProtocol.Parse(new ReadOnlySequence<byte>(good, 0, cut), out _, out _));
        var line = Encoding.ASCII.GetBytes("PROXY TCP4 " + new string('1', 200));
        Assert.Equal(ProxyProtocol.Outcome.Bad, ProxyProtocol.Parse(new ReadOnlySequence<byte>(line), out _, out _));
        for (var i = 0; i < 2000; i++)
        {
            var mutant = (byte[])good.Clone();
            mutant[RandomNumberGenerator.GetInt32(mutant.Length)] = (byte)RandomNumberGenerator.GetInt32(256);
            ProxyProtocol.Parse(new ReadOnlySequence<byte>(mutant), out _, out _);
        }
    }

    [Theory]
    [InlineData("--Mdm:ProxyProtocol=true", "Mdm:ProxyProtocol is set, but")]
    [InlineData("--Mdm:ForwardedForHeader=X-Forwarded-For", "Mdm:ForwardedForHeader is set, but")]
    public async Task Without_a_proxy_to_trust_the_server_does_not_start(string option, string sentence)
    {
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => Start(option));
        Assert.Contains(sentence, refused.ToString());
    }

    [Fact]
    public async Task A_flood_of_SCEP_requests_takes_no_place_from_polls_and_is_told_when_to_come_again()
    {
        var (app, listener) = await Start("--Limits:ScepConcurrency=2", "--Limits:EnrolmentQueue=0");
        await using var _ = app;
        var gates = app.Services.GetRequiredService<FleetGates>();
        Assert.True(gates[Traffic.Scep].TryEnter() && gates[Traffic.Scep].TryEnter());

        using var http = new HttpClient { BaseAddress = listener };
        using var scep = await http.GetAsync("/scep?operation=GetCACaps");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, scep.StatusCode);
        Assert.NotNull(scep.Headers.RetryAfter);
        using var poll = await http.PutAsync("/mdm/connect", new ByteArrayContent([1]));
        Assert.Equal(HttpStatusCode.BadRequest, poll.StatusCode);
        using var page = await http.GetAsync("/ca.pem");
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);

        gates[Traffic.Scep].Leave();
        using var again = await http.GetAsync("/scep?operation=GetCACaps");
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public async Task Who_guesses_tokens_locks_out_nobody_who_holds_a_right_one()
    {
        var (app, listener) = await Start();
        await using var _ = app;
        var right = (await FirstToken.Ensure(app.Services.GetRequiredService<IGrainFactory>(), _folder.File("data")))!;
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = listener };
        async Task<int> Status(string token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/status");
            request.Headers.Authorization = new("Bearer", token);
            using var response = await http.SendAsync(request);
            return (int)response.StatusCode;
        }

        async Task<int> SignIn(string token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/login") { Content = new FormUrlEncodedContent([new("token", token)]) };
            request.Headers.Add("Origin", listener.GetLeftPart(UriPartial.Authority));
            using var response = await http.SendAsync(request);
            return (int)response.StatusCode;
        }

        for (var i = 0; i < 2 * GuessingThrottle.MostFailures; i++) await Status(ApiToken.Create());
        Assert.Equal(429, await Status(ApiToken.Create()));
        Assert.Equal(429, await SignIn(ApiToken.Create()));
        // This node has not seen the right one yet.
        Assert.Equal(302, await SignIn(right));
        Assert.Equal(200, await Status(right));
    }

    [Fact]
    public async Task A_body_that_trickles_in_is_answered_408_when_its_time_is_over()
    {
        var time = new FakeTimeProvider();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection([new("Limits:BodySeconds", "60")]);
        builder.Services.AddSingleton<TimeProvider>(time);
        builder.Services.AddFleetLimits(builder.Configuration);
        await using var app = builder.Build();
        app.UseRouting();
        app.UseFleetLimits();
        var reader = new FleetMdm.Api.CheckIn.MessageBodyReader();
        using var reading = new SemaphoreSlim(0);
        app.MapPut("/ipad", async (HttpContext context) =>
        {
            reading.Release();
            var (outcome, _) = await reader.Read(context.Request, 1024 * 1024, BodyDeadline.TokenOf(context));
            context.Response.StatusCode = outcome == FleetMdm.Api.CheckIn.MessageBodyReader.Outcome.TooSlow ? 408 : 200;
            context.Response.Headers.Connection = "close";
        }).RequireDeviceAdmission().WithMetadata(new LargeBodyMetadata(_ => ValueTask.FromResult<IDisposable?>(new MemoryStream())));
        await app.StartAsync();
        var listener = new Uri(app.Urls.Single());
        var gates = app.Services.GetRequiredService<FleetGates>();

        // Small: it waits before the gate. Large: within its own.
        var small = Ask(await Connect(listener, District), "PUT /ipad HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
        var large = Ask(await Connect(listener, District), $"PUT /ipad HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n{new string('a', 100_000)}");
        Assert.True(await reading.WaitAsync(Patience));
        Assert.Equal((0, 1), (gates[Traffic.Device].Running, gates[Traffic.LargeDevice].Running));

        Assert.True(SpinWait.SpinUntil(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return small.IsCompleted && large.IsCompleted;
        }, Patience));
        Assert.Equal((408, 408), (await small, await large));
        Assert.True(SpinWait.SpinUntil(() => gates[Traffic.LargeDevice].Running == 0, Patience));
    }

    [Fact]
    public async Task A_large_body_to_a_page_of_those_who_enrol_is_answered_413()
    {
        var (app, listener) = await Start();
        await using var _ = app;
        Assert.Equal(413, await Ask(await Connect(listener, District), "POST /scep?operation=PKIOperation HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"));
        Assert.Equal(413, await Ask(await Connect(listener, District), "POST /enroll/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"));
    }

    [Theory]
    [InlineData("PUT /mdm/connect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("PUT /mdm/connect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("GET /health/live HTTP/1.1\nHost: x\n\n")]
    [InlineData("GET /ca.pem HTTP/1.1\r\nHost: x\nA: b\r\n\r\n")]
    public async Task What_a_proxy_in_front_may_read_otherwise_is_a_bad_request(string request)
    {
        var (app, listener) = await Start();
        await using var _ = app;
        Assert.Equal(400, await Ask(await Connect(listener, District), request));
    }
}
