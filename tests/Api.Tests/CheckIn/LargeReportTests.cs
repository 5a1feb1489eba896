using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Devices;
using FleetMdm.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>
/// An InstalledApplicationList of megabytes: it is stored beside the grain, which sees its hash; administrators read the whole of it.
/// </summary>
public abstract class LargeReportTests
{
    private const int Apps = 12_000;

    /// <summary>Of the message that enters the grain: a hash, a UUID and a status.</summary>
    private const int MostInTheGrain = 1024;

    protected abstract Task<IReadOnlyList<string>> OpenStore();

    [Fact]
    public async Task An_answer_of_megabytes_does_not_enter_the_grain_and_is_read_back_whole()
    {
        var seen = new Reports();
        await using var server = new LargeReportServer(await OpenStore(), seen);
        await server.InitializeAsync();
        var udid = Guid.NewGuid().ToString().ToUpperInvariant();
        using var certificate = await server.IssueIdentity();
        await server.Put("/mdm/checkin", Message.Authenticate(udid), certificate);
        await server.Put("/mdm/checkin", Message.TokenUpdate(udid), certificate);
        var command = await server.Post($"/api/v1/devices/{udid}/commands", new JsonObject { ["requestType"] = "InstalledApplicationList" });
        var uuid = command["commandUuid"]!.GetValue<string>();
        Assert.Contains(uuid, (await server.Put("/mdm/connect", Message.Report(udid, "Idle"), certificate)).Body);

        var report = Message.Report(udid, "Acknowledged", uuid, AppList());
        Assert.True(report.Length > 2 * 1024 * 1024);
        Assert.Equal(200, (await server.Put("/mdm/connect", report, certificate)).Status);

        // 1. The grain: a hash in its place.
        var inGrain = Assert.Single(seen.All, message => message.CommandUuid == uuid);
        Assert.Null(inGrain.Result);
        Assert.True(server.Service<IDeviceStore>().IsBody(inGrain.ResultHash!, Encoding.UTF8.GetBytes(report)));
        Assert.True(inGrain.ToString().Length < MostInTheGrain);

        // 2. The history: a row as narrow as any other.
        var row = await server.Service<IFleetQueries>().FindHistory(udid, uuid);
        Assert.Null(row!.Result);
        Assert.Equal(inGrain.ResultHash, row.ResultHash);
        Assert.Equal(report.Length, (await server.Service<IDeviceStore>().LoadBody(row.ResultHash!))!.Length);

        // 3. REST: every app.
        var answer = await server.Get($"/api/v1/devices/{udid}/commands/{uuid}");
        var apps = answer["result"]!["InstalledApplicationList"]!.AsArray();
        Assert.Equal(Apps, apps.Count);
        Assert.Equal($"com.example.app{Apps - 1}", apps[^1]!["Identifier"]!.GetValue<string>());
    }

    private static string AppList()
    {
        var apps = new StringBuilder("<key>InstalledApplicationList</key><array>");
        for (var i = 0; i < Apps; i++)
        {
            apps.Append($"<dict><key>Identifier</key><string>com.example.app{i}</string><key>Name</key><string>An app with a name of ordinary length</string>")
                .Append("<key>ShortVersion</key><string>1.2.3</string><key>BundleSize</key><integer>123456789</integer></dict>");
        }

        return apps.Append("</array>").ToString();
    }

    /// <summary>What the device grains are given.</summary>
    private sealed class Reports : IIncomingGrainCallFilter
    {
        private readonly List<CommandReportMessage> _all = [];

        public IReadOnlyList<CommandReportMessage> All
        {
            get
            {
                lock (_all) return [.. _all];
            }
        }

        public Task Invoke(IIncomingGrainCallContext context)
        {
            if (context.InterfaceMethod.Name == nameof(IDeviceGrain.Report) && context.Request.GetArgument(0) is CommandReportMessage report)
            {
                lock (_all) _all.Add(report);
            }

            return context.Invoke();
        }
    }

    private sealed class LargeReportServer(IReadOnlyList<string> store, IIncomingGrainCallFilter filter) : DeviceServer, IAsyncDisposable
    {
        private HttpClient? _admin;

        protected override IEnumerable<string> Further(TemporaryFolder folder) => [.. store, "--Mdm:MaxMessageBytes=16777216"];

        protected override void Configure(WebApplicationBuilder builder) => builder.Services.AddSingleton(filter);

        public async Task<JsonNode> Post(string path, JsonObject body)
        {
            using var response = await (await Admin()).PostAsync(
                new Uri(path, UriKind.Relative), new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"));
            Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode}");
            return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        }

        public async Task<JsonNode> Get(string path) => JsonNode.Parse(await (await Admin()).GetStringAsync(new Uri(path, UriKind.Relative)))!;

        async ValueTask IAsyncDisposable.DisposeAsync()
        {
            _admin?.Dispose();
            await DisposeAsync();
        }

        private async Task<HttpClient> Admin()
        {
            if (_admin is not null) return _admin;
            using var tokens = new TemporaryFolder();
            var token = await FirstToken.Ensure(Grains, tokens.Path);
            _admin = new HttpClient
            {
                BaseAddress = new Uri(Service<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()),
                DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
            };
            return _admin;
        }
    }
}

public sealed class LargeReportOnSqlite : LargeReportTests
{
    protected override Task<IReadOnlyList<string>> OpenStore() => Task.FromResult<IReadOnlyList<string>>([]);
}

public sealed class LargeReportOnPostgreSql : LargeReportTests, IAsyncLifetime
{
    private PostgresDatabase? _database;

    public async ValueTask InitializeAsync() => _database = await PostgresDatabase.Create();

    public async ValueTask DisposeAsync() => await _database!.DisposeAsync();

    protected override Task<IReadOnlyList<string>> OpenStore() => Task.FromResult<IReadOnlyList<string>>(
    [
        "--Storage:Provider=PostgreSQL", $"--Storage:ConnectionString={_database!.ConnectionString}",
        $"--Secrets:MasterKey={Convert.ToBase64String("a master key for large reports !"u8)}",
    ]);
}
