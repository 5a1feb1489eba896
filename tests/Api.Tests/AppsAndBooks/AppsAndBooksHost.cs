using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Tests.Admin;
using FleetMdm.Api.Tests.Automated;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Apple;

namespace FleetMdm.Api.Tests.AppsAndBooks;

/// <summary>A whole server whose Apple is simulated: Apps and Books, with notifications that reach the server.</summary>
public sealed class AppsAndBooksHost : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly Forwarder _forwarder = new();

    public AppsAndBooksSimulator Apple { get; private set; } = null!;

    public AdminServer Server { get; private set; } = null!;

    public HttpClient Admin => Server.Admin;

    /// <summary>Notifications do not reach the server.</summary>
    public bool IsOutOfReach { set => _forwarder.IsDown = value; }

    public async ValueTask InitializeAsync()
    {
        Apple = await AppsAndBooksSimulator.StartAsync(new AppsAndBooksSimulatorOptions { PageSize = 3, Notifier = new HttpMessageInvoker(_forwarder) });
        await File.WriteAllTextAsync(_folder.File("apple.pem"), Apple.RootPem);
        Server = new AdminServer
        {
            Arguments =
            [
                $"--AppsAndBooks:Endpoint={Apple.Endpoint.GetLeftPart(UriPartial.Authority)}", $"--AppsAndBooks:TrustedRootFile={_folder.File("apple.pem")}", "--AppsAndBooks:AnswerSeconds=5",
            ],
        };
        await Server.InitializeAsync();
        _forwarder.Address = Server.Address;
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Apple.DisposeAsync();
        _forwarder.Dispose();
        _folder.Dispose();
    }

    public async Task<JsonObject> Get(string path, int status = 200)
    {
        using var answer = await Admin.GetAsync("/api/v1/" + path);
        return await AdminServer.Body(answer, status);
    }

    public async Task<JsonObject> Post(string path, string? json = null, int status = 200)
    {
        using var answer = await Admin.PostAsync("/api/v1/" + path, json is null ? null : AdminServer.Json(json));
        return await AdminServer.Body(answer, status);
    }

    public Task<JsonObject> Upload(string token, int status = 200) => Post("apps-and-books/locations", new JsonObject { ["token"] = token }.ToJsonString(), status);

    /// <summary>A location that owns this, uploaded and read, and claimed.</summary>
    public async Task<(string Id, SimulatedLocation Location)> Connect(bool claimed = true, params (SimulatedAsset Asset, int Count)[] assets)
    {
        var location = Apple.AddLocation("Location " + Guid.NewGuid().ToString("N")[..8]);
        foreach (var (asset, count) in assets) location.Buy(asset, count);
        var id = (string)(await Upload(location.Token))["id"]!;
        if (claimed) await Post($"apps-and-books/locations/{id}/claim");
        await Until(async () => (long)(await Get($"apps-and-books/locations/{id}"))["apps"]! == assets.Length && (await Get($"apps-and-books/locations/{id}"))["syncedAt"] is not null, "the assets are here");
        return (id, location);
    }

    public async Task<JsonObject> Assign(string locationId, long adamId, string target, bool keep = false) => await Post("assignments", new JsonObject
    {
        ["name"] = "Bought " + Guid.NewGuid().ToString("N"),
        ["app"] = new JsonObject { ["iTunesStoreID"] = adamId, ["location"] = locationId, ["managementFlags"] = 1 },
        ["target"] = target,
        ["keep"] = keep,
    }.ToJsonString(), 201);

    /// <summary>Licences that nobody wants any more have waited for long enough.</summary>
    public async Task MinuteLater(string locationId)
    {
        await Until(async () => (await Get($"apps-and-books/locations/{locationId}/licences?state=leaving"))["items"]!.AsArray().Count > 0, "nobody wants it any more");
        await Server.Execute($"UPDATE content_licences SET next_at = 1 WHERE location_id = '{locationId}' AND state = 4");
        await Server.Grains.GetGrain<IContentLocationGrain>(locationId).Wake();
    }

    public async Task<(string State, string Words)> Of(TestPad pad, JsonObject assignment) =>
        (await Get($"devices/{Uri.EscapeDataString(pad.Id)}/assignments"))["items"]!.AsArray().Where(one => (string)one!["assignmentId"]! == (string)assignment["id"]!)
            .Select(one => ((string)one!["state"]!, (string)one!["words"]!)).SingleOrDefault(("none", ""));

    /// <summary>The CommandUUID and the bytes of what the iPad gets now.</summary>
    public static async Task<(string Uuid, string Body)?> Next(TestPad pad)
    {
        if ((await pad.Idle()).Body is not { } body) return null;
        var text = Encoding.UTF8.GetString(body);
        return (text.Split("<key>CommandUUID</key>")[1].Split("<string>")[1].Split('<')[0], text);
    }

    /// <summary>Asks until there is a command.</summary>
    public static async Task<(string Uuid, string Body)> Awaited(TestPad pad)
    {
        (string, string)? got = null;
        await Until(async () => (got = await Next(pad)) is not null, "the iPad has a command");
        return got!.Value;
    }

    public static Task Report(TestPad pad, string uuid, string? error = null) => pad.Grain.Report(
        new CommandReportMessage
        {
            Status = error is null ? ReportStatus.Acknowledged : ReportStatus.Error,
            CommandUuid = uuid,
            ErrorSummary = error,
            Result = "<plist version=\"1.0\"><dict/></plist>"u8.ToArray(),
        }, pad.Certificate).AsTask();

    public static Task Until(Func<Task<bool>> there, string what) => AutomatedHost.Until(there, what);

    /// <summary>Apple reaches <c>https://mdm.test</c>, which is the server of the test.</summary>
    private sealed class Forwarder : HttpMessageHandler
    {
        private readonly HttpClient _client = new(new SocketsHttpHandler { UseCookies = false });

        public Uri? Address { get; set; }

        public bool IsDown { get; set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (IsDown || Address is null || request.RequestUri!.Host != "mdm.test") return new HttpResponseMessage(HttpStatusCode.BadGateway);
            using var forwarded = new HttpRequestMessage(HttpMethod.Post, new Uri(Address, request.RequestUri.AbsolutePath));
            forwarded.Headers.Authorization = request.Headers.Authorization;
            forwarded.Content = new ByteArrayContent(await request.Content!.ReadAsByteArrayAsync(cancellationToken)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            return await _client.SendAsync(forwarded, cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) _client.Dispose();
            base.Dispose(disposing);
        }
    }
}
