using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Protocol.Plist;
using FleetMdm.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>A whole server with iPads on one side and an administrator on the other, each by HTTP.</summary>
public abstract class AdministeredServer : DeviceServer
{
    private HttpClient? _admin;

    /// <summary>The calls that grains get.</summary>
    public GrainCalls Calls { get; } = new();

    public HttpClient Admin => _admin!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        using var tokens = new TemporaryFolder();
        _admin = new HttpClient
        {
            BaseAddress = new Uri(Service<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()),
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", await FirstToken.Ensure(Grains, tokens.Path)) },
        };
    }

    public override async ValueTask DisposeAsync()
    {
        _admin?.Dispose();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected override void Configure(WebApplicationBuilder builder) => builder.Services.AddSingleton<IIncomingGrainCallFilter>(Calls);

    public async Task<EnrolledPad> Enrol()
    {
        var pad = new EnrolledPad(this, Guid.NewGuid().ToString().ToUpperInvariant(), await IssueIdentity());
        Assert.Equal(200, (await Put("/mdm/checkin", Message.Authenticate(pad.Udid), pad.Certificate)).Status);
        Assert.Equal(200, (await Put("/mdm/checkin", Message.TokenUpdate(pad.Udid), pad.Certificate)).Status);
        return pad;
    }

    public async Task<JsonNode> Get(string path)
    {
        using var response = await Admin.GetAsync(new Uri(path, UriKind.Relative));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode} {text}");
        return JsonNode.Parse(text)!;
    }

    public Task<(int Status, JsonNode Body)> Post(string path, string json) => Post(path, Encoding.UTF8.GetBytes(json), "application/json");

    public async Task<(int Status, JsonNode Body)> Post(string path, byte[] body, string contentType)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        using var response = await Admin.PostAsync(new Uri(path, UriKind.Relative), content);
        return ((int)response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync())!);
    }
}

public sealed class AdministeredOnSqlite : AdministeredServer;

public sealed class AdministeredOnPostgreSql : AdministeredServer
{
    private PostgresDatabase? _database;

    public override async ValueTask InitializeAsync()
    {
        _database = await PostgresDatabase.Create();
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_database is not null) await _database.DisposeAsync();
    }

    protected override IEnumerable<string> Further(TemporaryFolder folder) =>
    [
        "--Storage:Provider=PostgreSQL", $"--Storage:ConnectionString={_database!.ConnectionString}",
        $"--Secrets:MasterKey={Convert.ToBase64String("a master key for tests of iPads!"u8)}",
    ];
}

/// <summary>An iPad that a test speaks for, by HTTP.</summary>
public sealed record EnrolledPad(AdministeredServer Server, string Udid, X509Certificate2 Certificate)
{
    public string Path => "/api/v1/devices/" + Udid;

    /// <summary>Queues a command by REST; its CommandUUID.</summary>
    public async Task<string> Send(string requestType) => await Send(new JsonObject { ["requestType"] = requestType });

    public async Task<string> Send(JsonObject command)
    {
        var (status, body) = await Server.Post($"{Path}/commands?push=false", command.ToJsonString());
        Assert.True(status == 202, $"{status}: {body}");
        return (string)body["commandUuid"]!;
    }

    /// <summary>The CommandUUID of what comes back; null: nothing.</summary>
    public Task<string?> Idle() => Report("Idle");

    public Task<string?> Report(string status, string? commandUuid = null, string more = "") =>
        Raw(Encoding.UTF8.GetBytes(Message.Report(Udid, status, commandUuid, more)));

    /// <summary>Sends these bytes; the CommandUUID of what comes back.</summary>
    public async Task<string?> Raw(byte[] body)
    {
        var answer = await Server.Put("/mdm/connect", body, Certificate);
        Assert.True(answer.Status == 200, $"{answer.Status}: {answer.Body}");
        return answer.Body.Length == 0
            ? null
            : PlistReader.ReadDictionary(Encoding.UTF8.GetBytes(answer.Body), PlistLimits.Admin).GetString("CommandUUID");
    }

    public Task<JsonNode> Command(string commandUuid) => Server.Get($"{Path}/commands/{commandUuid}");
}

/// <summary>Tells tests when a grain was called.</summary>
public sealed class GrainCalls : IIncomingGrainCallFilter
{
    private readonly Lock _gate = new();
    private readonly List<(string Method, TaskCompletionSource Came)> _awaited = [];

    /// <summary>Ends when the next call of this method has ended.</summary>
    public Task Next(string method)
    {
        var came = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate) _awaited.Add((method, came));
        return came.Task.WaitAsync(TimeSpan.FromMinutes(3));
    }

    public async Task Invoke(IIncomingGrainCallContext context)
    {
        await context.Invoke();
        List<TaskCompletionSource> came;
        lock (_gate)
        {
            came = [.. _awaited.Where(wait => wait.Method == context.InterfaceMethod.Name).Select(wait => wait.Came)];
            _awaited.RemoveAll(wait => came.Contains(wait.Came));
        }

        foreach (var one in came) one.SetResult();
    }
}
