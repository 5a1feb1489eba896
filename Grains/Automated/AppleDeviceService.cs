using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Grains.Outside;
using FleetMdm.Protocol.Automated;
using FleetMdm.Storage.Automated;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Automated;

/// <summary>
/// Apple's device enrolment service, for one server token at a time (<see href="https://developer.apple.com/documentation/devicemanagement/device-assignment"/>). A request: 1. a session, if there is none;
/// 2. the request; 3. another session that the answer carries is used from then on; 4. when the session has ended, a new one, once, and the request once more.
/// </summary>
/// <remarks>Connections are shared. What belongs to a token (<see cref="AppleSession"/>) is its grain's, which makes one request after the other.</remarks>
internal sealed class AppleDeviceService : IDisposable
{
    private const string SessionHeader = "X-ADM-Auth-Session";

    /// <summary>The newest version that is documented: with it Apple says which iPads are throttled, and for how long.</summary>
    private const string ProtocolVersion = "10";

    private readonly OutsideClient _client;
    private readonly Uri _endpoint;
    private readonly TimeProvider _time;

    public AppleDeviceService(IOptions<AutomatedOptions> options, TimeProvider time) => (_endpoint, _time, _client) = (
        new Uri(options.Value.Endpoint), time, new OutsideClient(options.Value.LoadTrustedRoots(), options.Value.Proxy, TimeSpan.FromSeconds(options.Value.AnswerSeconds), time));

    public void Dispose() => _client.Dispose();

    public async Task<AutomatedAccount> Account(AppleSession session, CancellationToken stopping) => AppleAnswers.Account(await Send(session, HttpMethod.Get, "/account", null, stopping));

    /// <param name="fetch">All; else what is new since the cursor.</param>
    /// <param name="cursor">Null: from the beginning.</param>
    public async Task<ApplePage> Devices(AppleSession session, bool fetch, string? cursor, int limit, CancellationToken stopping)
    {
        var body = new JsonObject { ["limit"] = limit };
        if (cursor is not null) body["cursor"] = cursor;
        return AppleAnswers.Page(await Send(session, HttpMethod.Post, fetch ? "/server/devices" : "/devices/sync", body, stopping), fetch);
    }

    /// <returns>Apple's id of it.</returns>
    public async Task<string> Define(AppleSession session, JsonObject profile, CancellationToken stopping)
    {
        var answer = await Send(session, HttpMethod.Post, "/profile", (JsonObject)profile.DeepClone(), stopping);
        return AppleAnswers.Uuid(AppleAnswers.Text(answer, "profile_uuid")) is { Length: > 0 and <= 100 } uuid
            ? uuid
            : throw new AppleServiceException(AutomatedProblem.Unexpected, "Apple took a profile and did not say under which id.");
    }

    public async Task<AppleAssignment> Assign(AppleSession session, string uuid, IEnumerable<string> serials, CancellationToken stopping) => AppleAnswers.Assignment(await Send(
        session, HttpMethod.Post, "/profile/devices", new JsonObject { ["profile_uuid"] = uuid, ["devices"] = new JsonArray([.. serials.Select(serial => JsonValue.Create(serial))]) }, stopping));

    private async Task<JsonObject> Send(AppleSession session, HttpMethod method, string path, JsonObject? body, CancellationToken stopping)
    {
        for (var again = false; ; again = true)
        {
            // 1
            session.Id ??= await Begin(session, stopping);

            // 2
            var answer = await Request(method, path, body, request => request.TryAddWithoutValidation(SessionHeader, session.Id), stopping);

            // 3
            if (answer.Session is { Length: > 0 } next) session.Id = next;
            if (answer.Status is >= 200 and < 300) return Json(answer.Body);

            // 4
            var ended = (answer.Status == 401 && !answer.Body.Contains("token_rejected", StringComparison.OrdinalIgnoreCase)) || (answer.Status == 403 && answer.Body.Contains("FORBIDDEN", StringComparison.OrdinalIgnoreCase));
            if (ended) session.Id = null;
            if (!ended || again) throw AppleAnswers.Refusal(answer.Status, answer.Body, answer.RetryAfter, session: false);
        }
    }

    private async Task<string> Begin(AppleSession session, CancellationToken stopping)
    {
        var url = new Uri(_endpoint, "/session");
        var answer = await Request(HttpMethod.Get, "/session", null,
            request => request.TryAddWithoutValidation("Authorization", OAuthHeader.Sign(HttpMethod.Get, url, session.Token, _time.GetUtcNow())), stopping);
        if (answer.Status is not (>= 200 and < 300)) throw AppleAnswers.Refusal(answer.Status, answer.Body, answer.RetryAfter, session: true);
        return AppleAnswers.Text(Json(answer.Body), "auth_session_token") ?? throw new AppleServiceException(AutomatedProblem.Unexpected, "Apple began a session and did not name it.");
    }

    private sealed record Answer(int Status, string Body, TimeSpan? RetryAfter, string? Session);

    private async Task<Answer> Request(HttpMethod method, string path, JsonObject? body, Action<HttpRequestHeaders> headers, CancellationToken stopping)
    {
        using var request = new HttpRequestMessage(method, new Uri(_endpoint, path)) { Version = HttpVersion.Version11 };
        request.Headers.TryAddWithoutValidation("X-Server-Protocol-Version", ProtocolVersion);
        headers(request.Headers);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json;charset=UTF8");
        }

        try
        {
            var answer = await _client.Send(request, stopping);
            return new Answer(answer.Status, answer.Body, answer.RetryAfter, answer.Headers.TryGetValues(SessionHeader, out var sessions) ? sessions.FirstOrDefault() : null);
        }
        catch (OutsideException e)
        {
            throw new AppleServiceException(e.TooLong ? AutomatedProblem.Unexpected : AutomatedProblem.Unreachable, e.Message, inner: e);
        }
    }

    private static JsonObject Json(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject ?? throw new JsonException();
        }
        catch (JsonException e)
        {
            throw new AppleServiceException(AutomatedProblem.Unexpected, "Apple's answer cannot be read.", inner: e);
        }
    }
}

/// <summary>A token, with the session that was begun by it.</summary>
internal sealed class AppleSession(ServerToken token)
{
    public ServerToken Token { get; } = token;

    /// <summary>Null: none, or it has ended. A secret.</summary>
    public string? Id { get; set; }
}
