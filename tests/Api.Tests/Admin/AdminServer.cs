using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Silo.Hosting;
using FleetMdm.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

[assembly: AssemblyFixture(typeof(FleetMdm.Api.Tests.Admin.AdminServer))]

namespace FleetMdm.Api.Tests.Admin;

/// <summary>A whole server on a port of its own, with SQLite in a folder of its own: what a new user starts.</summary>
public sealed partial class AdminServer : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private WebApplication? _app;
    private int _devices;

    public Uri Address { get; private set; } = null!;

    /// <summary>The first administrator's token.</summary>
    public string Token { get; private set; } = "";

    public string DataDirectory => _folder.File("data");

    public IServiceProvider Services => _app!.Services;

    public IGrainFactory Grains => Services.GetRequiredService<IGrainFactory>();

    /// <summary>Sends as the first administrator.</summary>
    public HttpClient Admin { get; private set; } = null!;

    /// <summary>What a test puts in the place of a service.</summary>
    internal Action<WebApplicationBuilder>? Configure { get; init; }

    /// <summary>More options, as on the command line.</summary>
    internal IReadOnlyList<string> Arguments { get; init; } = [];

    public async ValueTask InitializeAsync()
    {
        _app = ServerHost.Build(
        [
            $"--Storage:DataDirectory={DataDirectory}",
            "--Http:Listen=http://127.0.0.1:0",
            "--Mdm:PublicUrl=https://mdm.test",
            "--Queue:MaxPerDevice=20",
            // The receivers of tests are on this machine.
            "--Webhooks:AllowPrivateAddresses=true",
            "--Webhooks:AllowHttp=true",
            .. Arguments,
        ], Configure);
        await FleetProcess.Start(_app, CancellationToken.None);
        Address = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        Token = await FirstToken.Ensure(Grains, DataDirectory) ?? throw new InvalidOperationException("The first token was not made.");
        Admin = Client(Token);
    }

    public HttpClient Client(string? token = null)
    {
        var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Address };
        if (token is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    /// <summary>Changes what is stored; returns how many rows.</summary>
    public async Task<int> Execute(string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(DataDirectory, "fleetmdm.db")};Pooling=false");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteNonQueryAsync();
    }

    /// <summary>A token made by the first administrator.</summary>
    public async Task<(string Id, string Token)> MakeToken(string role, string name = "test")
    {
        using var response = await Admin.PostAsync("/api/v1/tokens", Json($$"""{"name": "{{name}}", "role": "{{role}}"}"""));
        var made = await Body(response, 201);
        return ((string)made["description"]!["id"]!, (string)made["token"]!);
    }

    /// <summary>An iPad that has just enrolled, by the messages that it sends.</summary>
    public async Task<TestPad> Enrol(string? serial = null, string? name = null)
    {
        var number = Interlocked.Increment(ref _devices);
        var pad = new TestPad(this, $"00008030-{number:D16}", new PresentedCertificate(
            System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes($"certificate {number}")), DateTimeOffset.MaxValue.AddYears(-5000)));
        var authenticated = await pad.Grain.Authenticate(
            new AuthenticateMessage
            {
                Topic = "com.apple.mgmt.test",
                Udid = pad.Id,
                SerialNumber = serial ?? $"SERIAL{number:D5}",
                DeviceName = name ?? $"iPad {number}",
                ProductName = "iPad14,1",
                OsVersion = "18.3.2",
            },
            pad.Certificate);
        Assert.Equal(DeviceRefusal.None, authenticated.Refusal);
        var updated = await pad.Grain.TokenUpdate(
            new TokenUpdateMessage { Topic = "com.apple.mgmt.test", Token = new byte[32], PushMagic = "magic" }, pad.Certificate);
        Assert.Equal(DeviceRefusal.None, updated.Refusal);
        return pad;
    }

    /// <summary>Fills in the console's form for many: what comes back is the page that asks to confirm, or the form again.</summary>
    public async Task<HttpResponseMessage> SendToMany(params (string Name, string Value)[] fields)
    {
        using var form = new MultipartFormDataContent();
        foreach (var (name, value) in fields) form.Add(new StringContent(value), name);
        return await Admin.PostAsync("/operations", form);
    }

    /// <summary>Presses the button of the page that asks to confirm.</summary>
    public Task<HttpResponseMessage> Confirm(string page, string? typed = null) => SendToMany([.. ConfirmFields(page), .. typed is null ? [] : new[] { ("expected", typed) }]);

    /// <summary>What the form of that page holds.</summary>
    public static IEnumerable<(string Name, string Value)> ConfirmFields(string page) => Hidden().Matches(page)
        .Select(match => (match.Groups[1].Value, System.Net.WebUtility.HtmlDecode(match.Groups[2].Value))).Where(field => field.Item1 is "target" or "body" or "confirmation" or "force" or "pace");

    [System.Text.RegularExpressions.GeneratedRegex("<input type=\"hidden\" name=\"(\\w+)\" value=\"([^\"]*)\"")]
    private static partial System.Text.RegularExpressions.Regex Hidden();

    public static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    /// <summary>The JSON of an answer that must have this status.</summary>
    public static async Task<JsonObject> Body(HttpResponseMessage response, int status)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == status, $"{(int)response.StatusCode} instead of {status}: {text}");
        return JsonNode.Parse(text)!.AsObject();
    }

    /// <summary>The problem details of an answer that must have this status; each must have all that is promised.</summary>
    public static async Task<JsonObject> Problem(HttpResponseMessage response, int status)
    {
        var problem = await Body(response, status);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(status, (int)problem["status"]!);
        Assert.Equal("urn:fleetmdm:problem:" + (string)problem["code"]!, (string)problem["type"]!);
        Assert.False(string.IsNullOrWhiteSpace((string?)problem["title"]));
        Assert.False(string.IsNullOrWhiteSpace((string?)problem["detail"]));
        return problem;
    }

    /// <summary>A 400 that blames this field.</summary>
    public static async Task Blames(HttpResponseMessage response, string field, int status = 400)
    {
        var problem = await Problem(response, status);
        Assert.True(problem["errors"]?[field] is JsonArray { Count: > 0 }, $"It does not blame {field}: {problem.ToJsonString()}");
    }

    public async ValueTask DisposeAsync()
    {
        Admin?.Dispose();
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }

        _folder.Dispose();
    }
}

/// <summary>An iPad that the tests speak for.</summary>
public sealed record TestPad(AdminServer Server, string Id, PresentedCertificate Certificate)
{
    public IDeviceGrain Grain => Server.Grains.GetGrain<IDeviceGrain>(Id);

    public string Path => "/api/v1/devices/" + Uri.EscapeDataString(Id);

    /// <summary>Queues a command by REST and returns its CommandUUID.</summary>
    public async Task<string> Send(string json = """{"requestType": "DeviceLock"}""", string query = "?push=false")
    {
        using var response = await Server.Admin.PostAsync($"{Path}/commands{query}", AdminServer.Json(json));
        return (string)(await AdminServer.Body(response, 202))["commandUuid"]!;
    }

    /// <summary>Answers DeviceInformation with this.</summary>
    public async Task Tell(DeviceFacts facts)
    {
        var uuid = await Send("""{"requestType": "DeviceInformation"}""");
        await Idle();
        await Grain.Report(
            new CommandReportMessage { Status = ReportStatus.Acknowledged, CommandUuid = uuid, Result = "<plist version=\"1.0\"><dict/></plist>"u8.ToArray(), Device = facts }, Certificate);
    }

    /// <summary>Asks for the next command.</summary>
    public async Task<DeviceReply> Idle() => await Grain.Report(CommandReportMessage.Idle, Certificate);

    /// <summary>Asks for the next command and answers it.</summary>
    public async Task Answer(string commandUuid, ReportStatus status = ReportStatus.Acknowledged, string extra = "")
    {
        await Idle();
        var report = $"""
            <?xml version="1.0" encoding="UTF-8"?>
            <plist version="1.0"><dict><key>CommandUUID</key><string>{commandUuid}</string><key>Status</key><string>{status}</string><key>UDID</key><string>{Id}</string>{extra}</dict></plist>
            """;
        await Grain.Report(
            new CommandReportMessage { Status = status, CommandUuid = commandUuid, Result = Encoding.UTF8.GetBytes(report) }, Certificate);
    }
}
