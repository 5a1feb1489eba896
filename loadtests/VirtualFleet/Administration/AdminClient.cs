using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.Enrolment;

namespace FleetMdm.VirtualFleet.Administration;

/// <summary>The server answered an administrator's request with something else than success.</summary>
public sealed class AdminException(HttpMethod method, string path, int status, string body)
    : Exception($"{method} {path} was answered {status}: {body}")
{
    public int Status => status;

    /// <summary>The problem details, as they came.</summary>
    public string Body => body;
}

/// <summary>
/// An administrator's program: speaks the server's REST interface as its documentation describes it, over HTTPS that is checked
/// against the same anchors as the iPads'. A POST that the server is too busy for is repeated under the same Idempotency-Key.
/// </summary>
public sealed class AdminClient : IDisposable
{
    private const int MostTries = 6;
    private const int PageSize = 1000;
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(500);

    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly int _tries;
    private readonly TimeSpan _longestWait;

    /// <param name="server">Scheme, host and port of the admin side.</param>
    /// <param name="tries">How often a request is sent at most while the server is too busy for it.</param>
    /// <param name="longestWait">A longer Retry-After is cut short; null: it is obeyed.</param>
    public AdminClient(
        Uri server, string token, TrustAnchors trust, TimeProvider? time = null, int tries = MostTries, TimeSpan? longestWait = null)
    {
        _time = time ?? TimeProvider.System;
        _tries = tries;
        _longestWait = longestWait ?? TimeSpan.MaxValue;
        Server = server;
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust.NewPolicy() },
        })
        {
            BaseAddress = server,
        };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public Uri Server { get; }

    public async Task<InvitationInfo> CreateInvitationAsync(string name, string? school = null, int? maxUses = null,
        CancellationToken cancellation = default)
    {
        var answer = await PostAsync("/api/v1/invitations", Json(("name", name), ("school", school), ("maxUses", maxUses)), cancellation);
        return new InvitationInfo(Text(answer, "id"), new Uri(Text(answer, "url")));
    }

    /// <summary>Installs a push certificate with its key.</summary>
    /// <param name="pem">Both in one text.</param>
    public async Task PutPushCertificateAsync(string pem, CancellationToken cancellation = default)
    {
        var bytes = Encoding.ASCII.GetBytes(pem);
        await SendAsync(HttpMethod.Put, "/api/v1/push-certificate", () => Bytes(bytes, "application/x-pem-file"), null, cancellation);
    }

    /// <summary>Queues a command for one enrolment.</summary>
    public async Task<string> SendCommandAsync(string deviceId, JsonObject command, CancellationToken cancellation = default) =>
        Text(await PostAsync($"/api/v1/devices/{Uri.EscapeDataString(deviceId)}/commands", command, cancellation), "commandUuid");

    /// <summary>Queues a command that Apple documents, as a property list.</summary>
    public Task<string> SendCommandAsync(string deviceId, byte[] plist, CancellationToken cancellation = default) =>
        SendPlistAsync(deviceId, plist, "", cancellation);

    /// <summary>Queues any command, at the administrator's own word.</summary>
    public Task<string> SendRawCommandAsync(string deviceId, byte[] plist, CancellationToken cancellation = default) =>
        SendPlistAsync(deviceId, plist, "?raw=true", cancellation);

    private async Task<string> SendPlistAsync(string deviceId, byte[] plist, string query, CancellationToken cancellation)
    {
        var path = $"/api/v1/devices/{Uri.EscapeDataString(deviceId)}/commands{query}";
        var answer = await SendAsync(HttpMethod.Post, path, () => Bytes(plist, "application/xml"), Guid.NewGuid().ToString(), cancellation);
        return Text(answer!, "commandUuid");
    }

    /// <summary>One command for many.</summary>
    /// <param name="target">As in <c>{"all": true}</c>.</param>
    public async Task<OperationStart> StartOperationAsync(JsonObject target, JsonObject command, CancellationToken cancellation = default)
    {
        var answer = await PostAsync("/api/v1/operations", new JsonObject { ["target"] = target, ["command"] = command }, cancellation);
        return new OperationStart(Text(answer, "id"), Text(answer, "commandUuid"), Text(answer, "requestType"), Number(answer, "total"));
    }

    /// <summary>Puts a profile into the library.</summary>
    /// <param name="profile">With Apple's keys.</param>
    /// <returns>Its id.</returns>
    public async Task<string> CreateProfileAsync(JsonObject profile, CancellationToken cancellation = default) =>
        Text(await PostAsync("/api/v1/profiles", new JsonObject { ["profile"] = profile }, cancellation), "id");

    /// <summary>Installs a profile of the library.</summary>
    /// <param name="target">As in <c>{"all": true}</c>.</param>
    public async Task<OperationStart> InstallProfileAsync(string id, JsonObject target, CancellationToken cancellation = default)
    {
        var answer = await PostAsync($"/api/v1/profiles/{id}/install", new JsonObject { ["target"] = target }, cancellation);
        return new OperationStart(Text(answer, "id"), Text(answer, "commandUuid"), Text(answer, "requestType"), Number(answer, "total"));
    }

    public async Task<OperationCounts> GetOperationAsync(string id, CancellationToken cancellation = default)
    {
        var answer = await GetAsync($"/api/v1/operations/{id}", cancellation);
        return new OperationCounts(Number(answer, "total"), Number(answer, "queued"), Number(answer, "notNow"), Number(answer, "acknowledged"),
            Number(answer, "failed"), Number(answer, "ended"));
    }

    /// <summary>One enrolment as the server describes it.</summary>
    public Task<JsonNode> GetDeviceAsync(string id, CancellationToken cancellation = default) =>
        GetAsync($"/api/v1/devices/{Uri.EscapeDataString(id)}", cancellation);

    /// <summary>Every enrolment with that status.</summary>
    public async Task<IReadOnlyList<JsonNode>> ListDevicesAsync(string status, CancellationToken cancellation = default) =>
        await ListAsync($"/api/v1/devices?status={Uri.EscapeDataString(status)}&", cancellation);

    /// <summary>All commands of an enrolment, newest first, those that wait included.</summary>
    public async Task<IReadOnlyList<CommandInfo>> ListCommandsAsync(string deviceId, CancellationToken cancellation = default) =>
    [
        .. (await ListAsync($"/api/v1/devices/{Uri.EscapeDataString(deviceId)}/commands?", cancellation))
            .Select(item => new CommandInfo(Text(item, "commandUuid"), Text(item, "requestType"), Text(item, "state"),
                item["finished"]?.GetValue<bool>() ?? false)),
    ];

    /// <summary>One command with the iPad's answer.</summary>
    public Task<JsonNode> GetCommandAsync(string deviceId, string commandUuid, CancellationToken cancellation = default) =>
        GetAsync($"/api/v1/devices/{Uri.EscapeDataString(deviceId)}/commands/{commandUuid}", cancellation);

    public async Task RemoveDeviceAsync(string id, CancellationToken cancellation = default) =>
        await SendAsync(HttpMethod.Delete, $"/api/v1/devices/{Uri.EscapeDataString(id)}", static () => null, null, cancellation);

    public async Task PushAsync(string id, CancellationToken cancellation = default) =>
        await PostAsync($"/api/v1/devices/{Uri.EscapeDataString(id)}/push", new JsonObject(), cancellation);

    /// <summary>Has an iPad renew its identity certificate; the command.</summary>
    public async Task<string> RenewAsync(string id, CancellationToken cancellation = default) =>
        Text(await PostAsync($"/api/v1/devices/{Uri.EscapeDataString(id)}/renewal", new JsonObject(), cancellation), "commandUuid");

    /// <summary>How far the renewal of an iPad's certificate has come; 404 when there is none under way.</summary>
    public Task<JsonNode> GetRenewalAsync(string id, CancellationToken cancellation = default) =>
        GetAsync($"/api/v1/devices/{Uri.EscapeDataString(id)}/renewal", cancellation);

    /// <summary>A body that is no JSON.</summary>
    public async Task PutBytesAsync(string path, byte[] body, string type, CancellationToken cancellation = default) =>
        await SendAsync(HttpMethod.Put, path, () => Bytes(body, type), null, cancellation);

    public async Task<JsonNode> GetAsync(string path, CancellationToken cancellation = default) =>
        await SendAsync(HttpMethod.Get, path, static () => null, null, cancellation)
        ?? throw new AdminException(HttpMethod.Get, path, (int)HttpStatusCode.OK, "no body");

    /// <summary>What is not JSON, as <c>/metrics</c>.</summary>
    public Task<string> GetTextAsync(string path, CancellationToken cancellation = default) => _http.GetStringAsync(path, cancellation);

    public async Task<JsonNode> PostAsync(string path, JsonObject body, CancellationToken cancellation = default)
    {
        var bytes = Encoding.UTF8.GetBytes(body.ToJsonString());
        return await SendAsync(HttpMethod.Post, path, () => Bytes(bytes, "application/json"), Guid.NewGuid().ToString(), cancellation)
            ?? new JsonObject();
    }

    public async Task DeleteAsync(string path, CancellationToken cancellation = default) =>
        await SendAsync(HttpMethod.Delete, path, static () => null, null, cancellation);

    /// <param name="ifMatch">The version that it replaces, or <c>*</c>; null: it has no version.</param>
    public async Task PutAsync(string path, JsonObject body, CancellationToken cancellation = default, string? ifMatch = null)
    {
        var bytes = Encoding.UTF8.GetBytes(body.ToJsonString());
        await SendAsync(HttpMethod.Put, path, () => Bytes(bytes, "application/json"), null, cancellation, ifMatch);
    }

    public void Dispose() => _http.Dispose();

    private async Task<List<JsonNode>> ListAsync(string path, CancellationToken cancellation)
    {
        var items = new List<JsonNode>();
        string? after = null;
        do
        {
            var page = await GetAsync(
                $"{path}limit={PageSize}" + (after is null ? "" : $"&after={Uri.EscapeDataString(after)}"), cancellation);
            items.AddRange((page["items"]?.AsArray() ?? []).OfType<JsonNode>());
            after = page["next"]?.GetValue<string>();
        }
        while (after is not null);
        return items;
    }

    private async Task<JsonNode?> SendAsync(HttpMethod method, string path, Func<HttpContent?> content, string? key, CancellationToken cancellation, string? ifMatch = null)
    {
        var wait = FirstWait;
        for (var attempt = 1; ; attempt++)
        {
            using var request = new HttpRequestMessage(method, path) { Content = content() };
            if (key is not null)
                request.Headers.Add("Idempotency-Key", key);
            if (ifMatch is not null)
                request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
            using var response = await _http.SendAsync(request, cancellation);
            var body = await response.Content.ReadAsStringAsync(cancellation);
            if (response.IsSuccessStatusCode)
                return body.Length == 0 ? null : JsonNode.Parse(body);
            var busy = response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests;
            // A POST is repeated only under a key; the other methods may be repeated as they are.
            if (!busy || attempt == _tries || (key is null && method == HttpMethod.Post))
                throw new AdminException(method, path, (int)response.StatusCode, body);
            wait = response.Headers.RetryAfter?.Delta ?? wait;
            await Task.Delay(wait < _longestWait ? wait : _longestWait, _time, cancellation);
            wait *= 2;
        }
    }

    private static ByteArrayContent Bytes(byte[] bytes, string type)
    {
        var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        return content;
    }

    private static JsonObject Json(params ReadOnlySpan<(string Key, object? Value)> fields)
    {
        var json = new JsonObject();
        foreach (var (key, value) in fields)
        {
            if (value is not null)
                json[key] = value is int number ? number : Convert.ToString(value, CultureInfo.InvariantCulture);
        }
        return json;
    }

    private static string Text(JsonNode node, string key) =>
        node[key]?.GetValue<string>() ?? throw new JsonException($"The server's answer has no {key}: {node.ToJsonString()}");

    private static long Number(JsonNode node, string key) =>
        node[key]?.GetValue<long>() ?? throw new JsonException($"The server's answer has no {key}: {node.ToJsonString()}");
}

public sealed record InvitationInfo(string Id, Uri Url);

public sealed record OperationStart(string Id, string CommandUuid, string RequestType, long Total);

public sealed record OperationCounts(long Total, long Queued, long NotNow, long Acknowledged, long Failed, long Ended);

/// <param name="State">Acknowledged, Error, CommandFormatError and others once it is finished.</param>
public sealed record CommandInfo(string CommandUuid, string RequestType, string State, bool Finished);
